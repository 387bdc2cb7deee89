"""Pendulum as pure TensorFlow functions."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import draws
from rlgen.environment import CompiledEnv
from rlgen.envs.compiled.angle import wrap

MAX_SPEED = 8.0  # rad/s
MAX_TORQUE = 2.0  # N m
SECONDS_PER_STEP = 0.05


class Pendulum(CompiledEnv):
    """Pendulum-v1: swing a rod up with a motor too weak to lift it; 0 at best, 200 steps (compiled).

    State, float32 [N, 2]: angle from upright, wrapped to [-pi, pi) (rad), angular velocity (rad/s).
    Observation, float32 [N, 3]: cosine and sine of the angle, angular velocity.
    Action, float32 [N, 1]: torque in [-2, 2] (N m). The equation is that of a thin rod turning about its end, as in
    Gymnasium. Source: Doya (2000), "Reinforcement learning in continuous time and space", for the task.
    """

    gymnasium_id = "Pendulum-v1"
    max_episode_steps = 200

    g = 10.0  # m/s^2
    m = 1.0  # kg
    l = 1.0  # m  # noqa: E741 - Gymnasium's name
    physics = ("g", "m", "l")

    def __init__(self) -> None:
        high = np.array([1, 1, MAX_SPEED], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Box(-MAX_TORQUE, MAX_TORQUE, (1,), np.float32)

    def reset(self, num_envs: int, seed: Any) -> Any:
        """Angles uniform in [-pi, pi], velocities in [-1, 1]."""
        return draws.uniform((num_envs, 2), seed, -1.0, 1.0) * tf.constant([math.pi, 1.0])

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One semi-implicit Euler step of 0.05 s; never terminated."""
        angle, speed = tf.unstack(state, axis=-1)
        torque = tf.clip_by_value(action[:, 0], -MAX_TORQUE, MAX_TORQUE)
        reward = -(angle**2 + 0.1 * speed**2 + 0.001 * torque**2)
        acceleration = 3 * self.g / (2 * self.l) * tf.sin(angle) + 3 / (self.m * self.l**2) * torque
        speed = tf.clip_by_value(speed + acceleration * SECONDS_PER_STEP, -MAX_SPEED, MAX_SPEED)
        angle = wrap(angle + speed * SECONDS_PER_STEP)
        return tf.stack([angle, speed], -1), reward, tf.zeros_like(angle, tf.bool)

    def observe(self, state: Any) -> Any:
        """Cosine and sine of the angle, and the angular velocity."""
        angle, speed = tf.unstack(state, axis=-1)
        return tf.stack([tf.cos(angle), tf.sin(angle), speed], -1)
