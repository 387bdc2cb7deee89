"""How an agent explores with one coin for every environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf


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
