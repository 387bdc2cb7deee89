"""Acrobot as pure TensorFlow functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import draws
from rlgen.environment import CompiledEnv
from rlgen.envs.compiled.angle import wrap

GRAVITY = 9.8  # m/s^2
MAX_SPEED_1, MAX_SPEED_2 = 4 * math.pi, 9 * math.pi  # rad/s
SECONDS_PER_STEP = 0.2
GOAL_HEIGHT = 1.0  # m above the fixed joint


class Acrobot(CompiledEnv):
    """Acrobot-v1: swing two links up by the joint between them; -1 a step, 500 steps at most (compiled).

    State, float32 [N, 4]: angle of the first link from hanging down, angle of the second relative to the first, both
    wrapped to [-pi, pi) (rad), and their angular velocities (rad/s). Observation, float32 [N, 6]: cosine and sine of
    the first angle, of the second, the two velocities. Actions: 0, 1 and 2 apply a torque of -1, 0 and 1 N m.
    Source: Sutton (1996), "Generalization in reinforcement learning"; the equations are those of Sutton and Barto,
    "Reinforcement Learning", as in Gymnasium.
    """

    gymnasium_id = "Acrobot-v1"
    max_episode_steps = 500

    LINK_LENGTH_1 = 1.0  # m
    LINK_MASS_1, LINK_MASS_2 = 1.0, 1.0  # kg
    LINK_COM_POS_1, LINK_COM_POS_2 = 0.5, 0.5  # m, from a link's joint to its centre of mass
    LINK_MOI = 1.0  # kg m^2, of either link
    physics = ("LINK_LENGTH_1", "LINK_MASS_1", "LINK_MASS_2", "LINK_COM_POS_1", "LINK_COM_POS_2", "LINK_MOI")

    def __init__(self) -> None:
        high = np.array([1, 1, 1, 1, MAX_SPEED_1, MAX_SPEED_2], np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Discrete(3)

    def reset(self, num_envs: int, seed: Any) -> Any:
        """States uniform in [-0.1, 0.1]."""
        return draws.uniform((num_envs, 4), seed, -0.1, 0.1)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One Runge-Kutta step of 0.2 s; terminated, at no cost, when the free end is above the goal."""
        torque = tf.cast(action, tf.float32) - 1
        state = runge_kutta(lambda s: self._slope(s, torque), state, SECONDS_PER_STEP)
        angle1, angle2, speed1, speed2 = tf.unstack(state, axis=-1)
        angle1, angle2 = wrap(angle1), wrap(angle2)
        speed1 = tf.clip_by_value(speed1, -MAX_SPEED_1, MAX_SPEED_1)
        speed2 = tf.clip_by_value(speed2, -MAX_SPEED_2, MAX_SPEED_2)
        terminated = -tf.cos(angle1) - tf.cos(angle1 + angle2) > GOAL_HEIGHT
        return tf.stack([angle1, angle2, speed1, speed2], -1), tf.where(terminated, 0.0, -1.0), terminated

    def observe(self, state: Any) -> Any:
        """Cosines and sines of the two angles, and their velocities."""
        angle1, angle2, speed1, speed2 = tf.unstack(state, axis=-1)
        return tf.stack([tf.cos(angle1), tf.sin(angle1), tf.cos(angle2), tf.sin(angle2), speed1, speed2], -1)

    def _slope(self, state: Any, torque: Any) -> Any:
        """The state's derivative by time, [N, 4]; d and phi are the book's."""
        m1, m2, l1, inertia = self.LINK_MASS_1, self.LINK_MASS_2, self.LINK_LENGTH_1, self.LINK_MOI
        lc1, lc2 = self.LINK_COM_POS_1, self.LINK_COM_POS_2
        angle1, angle2, speed1, speed2 = tf.unstack(state, axis=-1)
        cos2, sin2 = tf.cos(angle2), tf.sin(angle2)
        d1 = m1 * lc1**2 + m2 * (l1**2 + lc2**2 + 2 * l1 * lc2 * cos2) + 2 * inertia
        d2 = m2 * (lc2**2 + l1 * lc2 * cos2) + inertia
        phi2 = m2 * lc2 * GRAVITY * tf.sin(angle1 + angle2)
        centrifugal = -m2 * l1 * lc2 * sin2 * speed2 * (speed2 + 2 * speed1)
        phi1 = centrifugal + (m1 * lc1 + m2 * l1) * GRAVITY * tf.sin(angle1) + phi2
        pull2 = torque + d2 / d1 * phi1 - m2 * l1 * lc2 * speed1**2 * sin2 - phi2
        acceleration2 = pull2 / (m2 * lc2**2 + inertia - d2**2 / d1)
        acceleration1 = -(d2 * acceleration2 + phi1) / d1
        return tf.stack([speed1, speed2, acceleration1, acceleration2], -1)


def runge_kutta(slope: Callable[[Any], Any], state: Any, dt: float) -> Any:
    """One classical fourth-order Runge-Kutta step of `dt` seconds."""
    k1 = slope(state)
    k2 = slope(state + dt / 2 * k1)
    k3 = slope(state + dt / 2 * k2)
    k4 = slope(state + dt * k3)
    return state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
