"""A model's random numbers inside its program: functions of the run's seed, a purpose and a counter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rlgen import draws, runtime


class Draws:
    """Draws by purpose.

    Attributes:
        seeds: the variable that all of it derives from, for `state()`.
    """

    def __init__(self, seed: int, *purposes: str, shards: int = 1) -> None:
        """Derive a seed for each purpose.

        Args:
            seed: the run's.
            purposes: drawing more for one never shifts another.
            shards: of a batch.
        """
        self._purposes, self._seeds = purposes, runtime.Seeds(seed, *purposes, shards=shards)
        self.seeds = self._seeds.variable

    def seed(self, purpose: str, counter: Any) -> Any:
        """The seed of one draw, int32 [2].

        Raises:
            ValueError: nobody named this purpose.
        """
        if purpose not in self._purposes:
            known = ", ".join(map(repr, self._purposes))
            raise ValueError(
                f"Nothing is drawn for '{purpose}': name it in `draws`, beside what the base has: {known}."
            )
        return self._seeds.draw(purpose, counter)

    def normal(self, purpose: str, counter: Any, shape: Sequence[int]) -> Any:
        """Standard normal numbers, float32."""
        return draws.normal(shape, self.seed(purpose, counter))

    def uniform(self, purpose: str, counter: Any, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Any:
        """Uniform numbers in [low, high), float32."""
        return draws.uniform(shape, self.seed(purpose, counter), low, high)

    def whole(self, purpose: str, counter: Any, shape: Sequence[int], below: int) -> Any:
        """Whole numbers from 0 to below - 1, int32."""
        return draws.integers(shape, self.seed(purpose, counter), below)

    def permutation(self, purpose: str, counter: Any, count: int) -> Any:
        """The numbers 0 to count - 1 in a random order, int32 [count]."""
        return tf.argsort(self.uniform(purpose, counter, (count,)), stable=True)
