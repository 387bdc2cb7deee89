"""Data sets by name: the contract they share.

A data set is a class registered under the kind `dataset`. It is made without arguments and offers
`split(name)`, arrays that fit in memory; a model decides which of them it can learn from.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Arrays:
    """Examples `x`, float32 or uint8 [N, ...], and labels `y`, int32 [N], or None where there are none."""

    x: npt.NDArray[Any]
    y: npt.NDArray[np.int32] | None = None


class Dataset(abc.ABC):
    """Base of the data sets.

    Attributes:
        classes: how many classes the labels name; 0 without labels.
        shape: of one example.
    """

    classes: int = 0
    shape: tuple[int, ...]

    @abc.abstractmethod
    def split(self, part: Part) -> Arrays:
        """The examples of one part; parts never share an example, and every call gives the same."""
