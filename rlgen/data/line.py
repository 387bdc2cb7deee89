"""Points around a straight line, with noise of one size or of a growing one, to try a regression's certainty on."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.errors import UserError
from rlgen.spec import Spec

END = 10.0


class Line(Dataset):
    """y = 2 x + 3 and normal noise, x uniform in [0, 10): of deviation 3, or of .5 x + 2 with `noise=growing`.

    `x` is float32 [N, 1], `y` float32 [N], both as they are; 80 : 10 : 10, each part drawn by itself.

    Source: a post on maximum likelihood with TensorFlow Probability, which draws 100 points.
    """

    spec = Spec((1,))
    target = Target(Spec(()))

    def __init__(self, *, noise: Literal["constant", "growing"] = "constant", count: int = 20_000) -> None:
        """Choose the noise.

        Args:
            noise: constant or growing.
            count: points in all.

        Raises:
            UserError: too few points for three parts.
        """
        if count < 10:
            raise UserError(f"count={count}: take at least 10 points, to train, validate and test.")
        self._growing = noise == "growing"
        tenth = count // 10
        self._counts: dict[Part, int] = {"train": count - 2 * tenth, "validation": tenth, "test": tenth}

    def split(self, part: Part) -> Arrays:
        """The points of one part; every call gives the same."""
        random = runtime.generator(0, f"line/{part}")
        x = random.uniform(0, END, self._counts[part])
        deviation = 0.5 * x + 2 if self._growing else 3.0
        y = 2 * x + 3 + deviation * random.normal(size=len(x))
        return Arrays(x[:, None].astype(np.float32), y.astype(np.float32))
