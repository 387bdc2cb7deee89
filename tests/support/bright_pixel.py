"""The smallest environment that shows pictures: four pixels, of which the bright one says which action pays."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

PIXELS, LENGTH = 4, 4


class BrightPixel(gym.Env[Any, Any]):
    """One of four pixels is bright, another one in each of four steps: its number, or its place, is to be said.

    A number that is right pays 1, as does a place in [-1, 1] x [-1, 1] less the square of its distance; the middles of
    the pixels are at +-.5. So nobody gets more than 4 in an episode; who says anything has 1 or -.67 on average.
    """

    observation_space = gym.spaces.Box(0, 255, (2, 2, 1), np.uint8)

    def __init__(self, *, places: bool = False) -> None:
        self.places = places
        self.action_space = gym.spaces.Box(-1, 1, (2,), np.float32) if places else gym.spaces.Discrete(PIXELS)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._next(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        middle = np.array(divmod(self.bright, 2)) - 0.5
        reward = 1 - float(np.square(action - middle).sum()) if self.places else float(action == self.bright)
        return self._next(), reward, self.steps == LENGTH, False, {}

    def _next(self) -> Any:
        self.bright = int(self.np_random.integers(PIXELS))
        picture = np.zeros(PIXELS, np.uint8)
        picture[self.bright] = 255
        return picture.reshape(self.observation_space.shape)
