"""How an agent explores with one coin for every environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import draws


class Coins(NamedTuple):
    """What epsilon-greedy draws, each [..., N]: a number in [0, 1), and a random action, int32."""

    coin: Any
    action: Any


def toss(shape: Sequence[int], *, actions: int, seed: Any) -> Coins:
    """Coins of the shape [..., N], from a stateless seed, int32 [2]."""
    return Coins(draws.uniform(shape, seed), draws.integers(shape, seed + tf.constant([1, 0]), actions))


def epsilon_greedy(greedy: Any, epsilon: Any, coins: Coins) -> Any:
    """Each environment's greedy action, int32 [N], or, with probability `epsilon`, a random one."""
    return tf.where(coins.coin < epsilon, coins.action, greedy)


def epsilon_greedy_host(
    greedy: npt.NDArray[np.int32], epsilon: float, *, actions: int, generator: np.random.Generator
) -> npt.NDArray[np.int32]:
    """The same on the host, with NumPy's generator."""
    coins = generator.random(greedy.shape)
    random = generator.integers(actions, size=greedy.shape, dtype=greedy.dtype)
    return np.where(coins < epsilon, random, greedy)
