"""CartPole as pure TensorFlow functions."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import draws
from rlgen.environment import CompiledEnv

SECONDS_PER_STEP = 0.02
X_LIMIT = 2.4  # m
ANGLE_LIMIT = 12 * 2 * math.pi / 360  # rad


class CartPole(CompiledEnv):
    """CartPole-v1: keep a pole upright on a cart; +1 a step, 500 steps at most (compiled).

    State and observation, float32 [N, 4]: position (m), velocity (m/s), angle (rad), angular velocity (rad/s).
    Actions: 0 pushes left, 1 pushes right. Source: Barto, Sutton and Anderson (1983); the equations are
    Florian's corrected ones without friction, as in Gymnasium.
    """

    gymnasium_id = "CartPole-v1"
    max_episode_steps = 500

    gravity = 9.8  # m/s^2
    masscart, masspole = 1.0, 0.1  # kg
    length = 0.5  # m, from the pivot to the pole's centre of mass
    force_mag = 10.0  # N
    physics = ("gravity", "masscart", "masspole", "length", "force_mag")
    derived = ("total_mass", "polemass_length")

    @property
    def total_mass(self) -> float:
        """Of cart and pole, in kg."""
        return self.masscart + self.masspole

    @property
    def polemass_length(self) -> float:
        """The pole's first moment about the pivot, in kg m."""
        return self.masspole * self.length

    def __init__(self) -> None:
        high = np.array([X_LIMIT * 2, np.inf, ANGLE_LIMIT * 2, np.inf], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Discrete(2)

    def reset(self, num_envs: int, seed: Any) -> Any:
        """States uniform in [-0.05, 0.05]."""
        return draws.uniform((num_envs, 4), seed, -0.05, 0.05)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One Euler step of 0.02 s; terminated when the cart or the pole leaves its limits."""
        x, x_dot, theta, theta_dot = tf.unstack(state, axis=-1)
        force = tf.where(tf.equal(action, 1), self.force_mag, -self.force_mag)
        cos, sin = tf.cos(theta), tf.sin(theta)
        push = (force + self.polemass_length * theta_dot**2 * sin) / self.total_mass
        inertia = self.length * (4 / 3 - self.masspole * cos**2 / self.total_mass)
        theta_acc = (self.gravity * sin - cos * push) / inertia
        x_acc = push - self.polemass_length * theta_acc * cos / self.total_mass
        dt = SECONDS_PER_STEP
        x, x_dot = x + dt * x_dot, x_dot + dt * x_acc
        theta, theta_dot = theta + dt * theta_dot, theta_dot + dt * theta_acc
        terminated = (tf.abs(x) > X_LIMIT) | (tf.abs(theta) > ANGLE_LIMIT)
        return tf.stack([x, x_dot, theta, theta_dot], -1), tf.ones_like(x), terminated


class CartPoleV0(CartPole):
    """CartPole-v0: the same for 200 steps at most, as books and posts have it (compiled)."""

    gymnasium_id = "CartPole-v0"
    max_episode_steps = 200
