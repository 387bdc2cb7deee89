"""Random numbers inside compiled programs: functions of the run's seed, a purpose and a counter, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rlgen import runtime


class Draws:
    """Draws by purpose, in the algorithm that is fast where they run.

    XLA on a CPU draws by Philox, the default, ten times slower than by Threefry, which TensorFlow without XLA lacks.

    Attributes:
        seeds: the variable that all of it derives from, for `state()`.
        algorithm: `alg` of `tf.random.stateless_*`.
    """

    def __init__(self, seed: int, *purposes: str, xla: bool) -> None:
        """Derive a seed for each purpose.

        Args:
            seed: the run's.
            purposes: drawing more for one never shifts another.
            xla: whether the program that draws is compiled by XLA.
        """
        self._seeds = runtime.Seeds(seed, *purposes)
        self.seeds = self._seeds.variable
        self.algorithm = "threefry" if xla else "philox"

    def seed(self, purpose: str, counter: Any) -> Any:
        """The seed of one draw, int32 [2]."""
        return self._seeds.draw(purpose, counter)

    def normal(self, purpose: str, counter: Any, shape: Sequence[int]) -> Any:
        """Standard normal numbers, float32."""
        return tf.random.stateless_normal(shape, self.seed(purpose, counter), alg=self.algorithm)

    def uniform(self, purpose: str, counter: Any, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Any:
        """Uniform numbers in [low, high), float32."""
        return tf.random.stateless_uniform(shape, self.seed(purpose, counter), low, high, alg=self.algorithm)

    def whole(self, purpose: str, counter: Any, shape: Sequence[int], below: int) -> Any:
        """Whole numbers from 0 to below - 1, int32."""
        return tf.random.stateless_uniform(shape, self.seed(purpose, counter), 0, below, tf.int32, alg=self.algorithm)

    def permutation(self, purpose: str, counter: Any, count: int) -> Any:
        """The numbers 0 to count - 1 in a random order, int32 [count]."""
        return tf.argsort(self.uniform(purpose, counter, (count,)), stable=True)
