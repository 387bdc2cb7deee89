"""Environments that break a promise each, for tests: `awkward_envs:<Name>-v0`."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np


class Sound(gym.Env[Any, Any]):
    """Keeps every promise; the ones below each break one, at the step `at`."""

    observation_space: gym.Space[Any] = gym.spaces.Box(-1, 1, (3,), np.float32)
    action_space: gym.Space[Any] = gym.spaces.Discrete(2)
    at = 5

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.observe(), {}

    def observe(self) -> Any:
        return self.np_random.uniform(-1, 1, 3).astype(np.float32)

    def step(self, action: Any) -> Any:
        self.steps += 1
        returned = (self.observe(), 1.0, False, self.steps >= 200, {})
        return self.wrong(*returned) if self.steps == self.at else returned

    def wrong(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: Any) -> Any:
        return observation, reward, terminated, truncated, info


class NanObservation(Sound):
    def wrong(self, observation: Any, *rest: Any) -> Any:
        return observation * np.nan, *rest


class NanObservationLate(NanObservation):
    at = 100


class InfiniteReward(Sound):
    def wrong(self, observation: Any, reward: Any, *rest: Any) -> Any:
        return observation, np.inf, *rest


class TextReward(Sound):
    def wrong(self, observation: Any, reward: Any, *rest: Any) -> Any:
        return observation, "much", *rest


class WrongShape(Sound):
    def wrong(self, observation: Any, *rest: Any) -> Any:
        return np.zeros(4, np.float32), *rest


class FourValues(Sound):
    def wrong(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: Any) -> Any:
        return observation, reward, terminated, info


class NumberForFlag(Sound):
    def wrong(self, observation: Any, reward: Any, terminated: Any, *rest: Any) -> Any:
        return observation, reward, 7, *rest


class Raises(Sound):
    def wrong(self, *returned: Any) -> Any:
        raise RuntimeError("out of coffee")


class ResetAlone(Sound):
    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(seed=seed)[0]


class CannotBeMade(Sound):
    def __init__(self, **options: Any) -> None:
        raise ValueError("no licence found")


class Endless(Sound):
    """Observations without a fixed size."""

    observation_space = gym.spaces.Sequence(gym.spaces.Discrete(3))

    def observe(self) -> Any:
        return (0, 1)


for kind in (Sound, *Sound.__subclasses__(), NanObservationLate):
    gym.register(f"{kind.__name__}-v0", kind, disable_env_checker=True)
