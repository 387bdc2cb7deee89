"""What one example, observation or action looks like: its shape and type, which networks are made to fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Spec:
    """Shape and type of one example, without the axis of the batch.

    Attributes:
        shape: () for a number.
        dtype: "float32", "uint8" (bytes of a picture, 0 to 255), "bool" (planes of a picture) or "int32".
    """

    shape: tuple[int, ...]
    dtype: str = "float32"

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Spec:
        """From what a file holds of `shape` and `dtype`.

        Raises:
            TypeError: it is none.
        """
        shape, dtype = row.get("shape"), row.get("dtype")
        if not isinstance(shape, list) or any(type(length) is not int or length < 0 for length in shape):
            raise TypeError(f"{shape!r} is no shape")
        if not isinstance(dtype, str) or np.dtype(dtype).kind not in "biuf":
            raise TypeError(f"{dtype!r} is no type of numbers")
        return cls(tuple(shape), dtype)

    @property
    def size(self) -> int:
        """Numbers in one example."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Of one example in memory."""
        return self.size * (4 if self.dtype.endswith("32") else 1)

    @property
    def picture(self) -> bool:
        """Whether it has rows, columns and channels."""
        return len(self.shape) == 3

    @property
    def channels_first(self) -> bool:
        """Whether a picture looks as if its first axis were its channels, and not its last one: [3, 64, 64]."""
        return self.picture and self.shape[0] in (1, 3, 4) and self.shape[2] > 4

    @property
    def batch(self) -> str:
        """The shape of N of them, for messages: [N, 28, 28, 1]."""
        return f"[{', '.join(['N', *map(str, self.shape)])}]"

    def __str__(self) -> str:
        return f"{self.dtype} [{', '.join(map(str, self.shape))}]"


class Stack(NamedTuple):
    """That an observation [H, W, frames * C] is the last pictures [H, W, C], oldest first along the last axis.

    Attributes:
        frames: how many.
        padding: what stands for those before an episode's first: copies of it ("first"), or black ("zero").
    """

    frames: int
    padding: Literal["first", "zero"] = "first"
