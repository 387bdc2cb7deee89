"""An environment that counts its steps, and breaks Gymnasium's contract where a test says."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Counting(gym.Env):
    """Observes how many steps the episode has; ends after `length`, by termination or by time."""

    observation_space = spaces.Box(0, 100, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, *, length: int = 3, truncates: bool = False, **faults: Any) -> None:
        self.length, self.truncates, self.faults, self.total = length, truncates, faults, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.t += 1
        self.total += 1
        observation, reward, ended = np.full(1, self.t, np.float32), 1.0, self.t == self.length
        if self.faults.get("at") == self.total:
            if "raises" in self.faults:
                raise RuntimeError(self.faults["raises"])
            observation, reward = self.faults.get("observation", observation), self.faults.get("reward", reward)
            if "short" in self.faults:
                return observation, reward, ended, {}
            if "flag" in self.faults:
                return observation, reward, self.faults["flag"], False, {}
        return observation, reward, ended and not self.truncates, ended and self.truncates, {}


# What goes wrong, and what is said of it.
FAULTS = [
    ({"observation": np.full(1, np.nan, np.float32)}, "not finite at step 2"),
    ({"reward": float("inf")}, "must be finite"),
    ({"reward": "much"}, "is not a number"),
    ({"observation": np.zeros(3, np.float32)}, r"the shape \(3,\); its space says \(1,\)"),
    ({"short": True}, "returned 4 values; Gymnasium's step returns five"),
    ({"flag": "no"}, "'terminated' is 'no'"),
    ({"raises": "broken motor"}, "raised RuntimeError at step 2: broken motor"),
]
