"""An environment of continuous actions that is learned in seconds by whoever learns at all."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import draws
from rlgen.environment import CompiledEnv


class Follow(CompiledEnv):
    """Show a number; the closer the action, the more it is worth."""

    gymnasium_id = "Pendulum-v1"
    max_episode_steps = 8

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(-1, 1, (3,), np.float32)
        self.action_space = gym.spaces.Box(-2, 2, (1,), np.float32)

    def reset(self, num_envs: int, seed: Any) -> Any:
        return draws.uniform((num_envs, 3), seed, -1.0, 1.0)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        reward = -((action[:, 0] - state[:, 0]) ** 2)
        return self.reset(state.shape[0], seed), reward, tf.zeros(reward.shape, tf.bool)
