"""How an agent explores: epsilon schedules over environment steps, and one coin for every environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def linear_epsilon(steps: Any, *, start: float, end: float, decay_steps: int) -> Any:
    """From `start` to `end` in a straight line over `decay_steps`, then constant; float32 of any shape."""
    progress = tf.minimum(tf.cast(steps, tf.float32) / max(decay_steps, 1), 1.0)
    return start + (end - start) * progress


def exponential_epsilon(env_steps: Any, *, start: float, end: float, rate: float) -> Any:
    """`start * rate**env_steps`, never below `end`: at .995 it reaches .01 after 919 steps."""
    return tf.maximum(end, start * tf.pow(rate, tf.cast(env_steps, tf.float32)))


def asymptotic_epsilon(env_steps: Any, *, start: float, end: float, rate: float) -> Any:
    """`end + (start - end) * rate**env_steps`: the distance to `end` decays, which is never reached."""
    return end + (start - end) * tf.pow(rate, tf.cast(env_steps, tf.float32))


def epsilon_greedy(greedy: Any, epsilon: Any, *, actions: int, seed: Any) -> Any:
    """Replace each environment's greedy action by a random one with probability `epsilon`.

    Args:
        greedy: int32 [N].
        epsilon: float32 scalar.
        actions: how many there are.
        seed: a stateless seed, int32 [2].
    """
    coins = tf.random.stateless_uniform(tf.shape(greedy), seed)
    random = tf.random.stateless_uniform(tf.shape(greedy), seed + tf.constant([1, 0]), 0, actions, dtype=greedy.dtype)
    return tf.where(coins < epsilon, random, greedy)


def epsilon_greedy_host(
    greedy: npt.NDArray[np.int32], epsilon: float, *, actions: int, generator: np.random.Generator
) -> npt.NDArray[np.int32]:
    """The same on the host, with NumPy's generator."""
    coins = generator.random(greedy.shape)
    random = generator.integers(actions, size=greedy.shape, dtype=greedy.dtype)
    return np.where(coins < epsilon, random, greedy)
