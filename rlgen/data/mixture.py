"""Mixtures of narrow Gaussians in the plane: the tests of a generator that forgets modes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part
from rlgen.spec import Spec

SIZES: dict[Part, int] = {"train": 50_000, "validation": 10_000, "test": 10_000}
SEED = 0


class Mixture(Dataset):
    """Equal shares of Gaussians around `centers`, no labels.

    `x` is float32 [N, 2]: 50,000 points to train, 10,000 to validate, 10,000 to test, each part drawn
    once and for all from a seed of its own.

    Attributes:
        centers: of the Gaussians, float32 [K, 2].
        std: standard deviation of each Gaussian along either axis.
        purpose: of the draws: two mixtures never share one.
    """

    spec = Spec((2,))
    centers: npt.NDArray[np.float32]
    std: float
    purpose: ClassVar[str]

    def split(self, part: Part) -> Arrays:
        """The points of one part; every call gives the same."""
        random = runtime.generator(SEED, self.purpose, part)
        count = SIZES[part]
        modes = random.integers(len(self.centers), size=count)
        return Arrays((self.centers[modes] + self.std * random.standard_normal((count, 2))).astype(np.float32))
