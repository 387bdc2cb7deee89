"""Twenty-five narrow Gaussians on a square grid."""

from __future__ import annotations

import numpy as np

from rlgen.data.mixture import Mixture

SIDE = 5
REACH = 4.0
STD = 0.05


class Grid(Mixture):
    """A grid of 5x5 Gaussians in the plane: 2 apart, standard deviation 0.05, equal shares, no labels.

    Source: Srivastava et al., "VEEGAN" (NeurIPS 2017), section 4.1, with the numbers of their code.
    """

    purpose = "grid"

    def __init__(self) -> None:
        line = np.linspace(-REACH, REACH, SIDE)
        self.centers = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
        self.std = STD
