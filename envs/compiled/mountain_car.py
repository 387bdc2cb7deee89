"""MountainCar as pure TensorFlow functions, and the hill that both mountain cars drive on."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import draws
from rlgen.environment import CompiledEnv

# The hill is sin(3 x); positions, speeds and accelerations have no units, a step is the unit of time.
MIN_POSITION, MAX_POSITION = -1.2, 0.6
MAX_SPEED = 0.07
GOAL_POSITION = 0.5


def hill_space() -> gym.spaces.Box:
    """Positions and speeds that can be observed."""
    low, high = [MIN_POSITION, -MAX_SPEED], [MAX_POSITION, MAX_SPEED]
    return gym.spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)


def start(num_envs: int, seed: Any) -> Any:
    """At rest in the valley: states [N, 2], positions uniform in [-0.6, -0.4]."""
    position = draws.uniform((num_envs,), seed, -0.6, -0.4)
    return tf.stack([position, tf.zeros_like(position)], -1)


def roll(state: Any, push: Any, gravity: Any) -> tuple[Any, Any]:
    """Position and speed [N] a step later, for states [N, 2] and accelerations [N]; the wall at the left stops."""
    position, speed = tf.unstack(state, axis=-1)
    speed = tf.clip_by_value(speed + push - gravity * tf.cos(3 * position), -MAX_SPEED, MAX_SPEED)
    position = tf.clip_by_value(position + speed, MIN_POSITION, MAX_POSITION)
    return position, tf.where((position <= MIN_POSITION) & (speed < 0), 0.0, speed)


class MountainCar(CompiledEnv):
    """MountainCar-v0: rock a weak car out of a valley; -1 a step, 200 steps at most (compiled).

    State and observation, float32 [N, 2]: position, speed. Actions: 0 pushes left, 1 does nothing, 2 pushes right.
    Source: Moore (1990), "Efficient memory-based learning for robot control"; the numbers are those of Sutton and
    Barto, "Reinforcement Learning", example 10.1.
    """

    gymnasium_id = "MountainCar-v0"
    max_episode_steps = 200

    force = 0.001
    gravity = 0.0025
    physics = ("force", "gravity")

    def __init__(self) -> None:
        self.observation_space = hill_space()
        self.action_space = gym.spaces.Discrete(3)

    def reset(self, num_envs: int, seed: Any) -> Any:
        """At rest in the valley."""
        return start(num_envs, seed)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One step; terminated at the top of the right hill, unless rolling back."""
        push = (tf.cast(action, tf.float32) - 1) * self.force
        position, speed = roll(state, push, self.gravity)
        terminated = (position >= GOAL_POSITION) & (speed >= 0)
        return tf.stack([position, speed], -1), -tf.ones_like(position), terminated
