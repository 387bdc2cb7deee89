"""Eight narrow Gaussians on a circle: the two-dimensional test of a generator that forgets modes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part
from rlgen.spec import Spec

SIZES: dict[Part, int] = {"train": 50_000, "validation": 10_000, "test": 10_000}
MODES = 8
RADIUS = 2.0
STD = 0.02
SEED = 0


class Ring(Dataset):
    """A ring of 8 Gaussians in the plane: radius 2, standard deviation 0.02, equal shares, no labels.

    `x` is float32 [N, 2]: 50,000 points to train, 10,000 to validate, 10,000 to test, each part drawn
    once and for all from a seed of its own.

    Source: radius and deviation of Metz et al., "Unrolled Generative Adversarial Networks" (ICLR 2017),
    appendix A, the usual ones.

    Attributes:
        centers: of the Gaussians, float32 [8, 2].
        std: standard deviation of each Gaussian along either axis.
    """

    spec = Spec((2,))

    def __init__(self) -> None:
        angles = 2 * np.pi * np.arange(MODES) / MODES
        self.centers: npt.NDArray[np.float32] = (RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(
            np.float32
        )
        self.std = STD

    def split(self, part: Part) -> Arrays:
        """The points of one part; every call gives the same."""
        random = runtime.generator(SEED, "ring", part)
        count = SIZES[part]
        modes = random.integers(MODES, size=count)
        return Arrays((self.centers[modes] + self.std * random.standard_normal((count, 2))).astype(np.float32))
