"""MountainCarContinuous as pure TensorFlow functions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen.environment import CompiledEnv
from rlgen.envs.compiled.mountain_car import hill_space, roll, start

GRAVITY = 0.0025
GOAL_POSITION = 0.45
GOAL_REWARD, ACTION_COST = 100.0, 0.1


class MountainCarContinuous(CompiledEnv):
    """MountainCarContinuous-v0: a mountain car whose pushes cost their square; +100 on top, 999 steps (compiled).

    State and observation, float32 [N, 2]: position, speed. Action, float32 [N, 1]: the push in [-1, 1]; a larger one
    pushes no more but costs more. Source: Moore (1990), as `MountainCar-v0`; the continuous action is
    Jose Antonio Martin H.'s, the numbers are Gymnasium's.
    """

    gymnasium_id = "MountainCarContinuous-v0"
    max_episode_steps = 999

    power = 0.0015
    physics = ("power",)

    def __init__(self) -> None:
        self.observation_space = hill_space()
        self.action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, num_envs: int, seed: Any) -> Any:
        """At rest in the valley."""
        return start(num_envs, seed)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One step; terminated at the top of the right hill, unless rolling back."""
        wanted = action[:, 0]
        position, speed = roll(state, tf.clip_by_value(wanted, -1.0, 1.0) * self.power, GRAVITY)
        terminated = (position >= GOAL_POSITION) & (speed >= 0)
        reward = tf.where(terminated, GOAL_REWARD, 0.0) - ACTION_COST * wanted**2
        return tf.stack([position, speed], -1), reward, terminated
