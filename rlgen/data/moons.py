"""Two half moons in the plane, one inside the other: two classes that no line parts."""

from __future__ import annotations

import numpy as np

from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.errors import UserError
from rlgen.spec import Spec

SEEDS: dict[Part, int] = {"train": 0, "validation": 1, "test": 2}


class Moons(Dataset):
    """Two half moons with noise, made by scikit-learn: 2 numbers, 2 classes.

    `x` is float32 [N, 2], `y` int32 [N]; 80 : 10 : 10, each part drawn by itself.
    """

    spec = Spec((2,))
    target = Target.one_of("upper", "lower")

    def __init__(self, *, count: int = 1000, noise: float = 0.2) -> None:
        """Choose how many and how wide.

        Args:
            count: points in all.
            noise: standard deviation of each coordinate.

        Raises:
            UserError: too few points, or noise below 0.
        """
        if count < 40 or noise < 0:
            raise UserError(f"count={count}, noise={noise}: take at least 40 points, and noise of 0 or more.")
        tenth = count // 10
        self._counts: dict[Part, int] = {"train": count - 2 * tenth, "validation": tenth, "test": tenth}
        self._noise = noise

    def split(self, part: Part) -> Arrays:
        """The points of one part; every call gives the same."""
        from sklearn.datasets import make_moons

        x, y = make_moons(self._counts[part], noise=self._noise, random_state=SEEDS[part])
        return Arrays(x.astype(np.float32), y.astype(np.int32))
