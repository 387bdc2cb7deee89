"""CartPole as pure TensorFlow functions."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen.environment import CompiledEnv

GRAVITY = 9.8  # m/s^2
CART_MASS, POLE_MASS = 1.0, 0.1  # kg
HALF_LENGTH = 0.5  # m, from the pivot to the pole's centre of mass
FORCE = 10.0  # N
SECONDS_PER_STEP = 0.02
X_LIMIT = 2.4  # m
ANGLE_LIMIT = 12 * 2 * math.pi / 360  # rad

TOTAL_MASS = CART_MASS + POLE_MASS
POLE_MOMENT = POLE_MASS * HALF_LENGTH


class CartPole(CompiledEnv):
    """CartPole-v1: keep a pole upright on a cart; +1 a step, 500 steps at most (compiled).

    State and observation, float32 [N, 4]: position (m), velocity (m/s), angle (rad), angular velocity (rad/s).
    Actions: 0 pushes left, 1 pushes right. Source: Barto, Sutton and Anderson (1983); the equations are
    Florian's corrected ones without friction, as in Gymnasium.
    """

    gymnasium_id = "CartPole-v1"
    max_episode_steps = 500

    def __init__(self) -> None:
        high = np.array([X_LIMIT * 2, np.inf, ANGLE_LIMIT * 2, np.inf], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Discrete(2)

    def reset(self, num_envs: int, seed: Any) -> Any:
        """States uniform in [-0.05, 0.05]."""
        return tf.random.stateless_uniform((num_envs, 4), seed, -0.05, 0.05)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One Euler step of 0.02 s; terminated when the cart or the pole leaves its limits."""
        x, x_dot, theta, theta_dot = tf.unstack(state, axis=-1)
        force = tf.where(tf.equal(action, 1), FORCE, -FORCE)
        cos, sin = tf.cos(theta), tf.sin(theta)
        push = (force + POLE_MOMENT * theta_dot**2 * sin) / TOTAL_MASS
        theta_acc = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4 / 3 - POLE_MASS * cos**2 / TOTAL_MASS))
        x_acc = push - POLE_MOMENT * theta_acc * cos / TOTAL_MASS
        dt = SECONDS_PER_STEP
        x, x_dot = x + dt * x_dot, x_dot + dt * x_acc
        theta, theta_dot = theta + dt * theta_dot, theta_dot + dt * theta_acc
        terminated = (tf.abs(x) > X_LIMIT) | (tf.abs(theta) > ANGLE_LIMIT)
        return tf.stack([x, x_dot, theta, theta_dot], -1), tf.ones_like(x), terminated
