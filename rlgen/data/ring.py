"""Eight narrow Gaussians on a circle."""

from __future__ import annotations

import numpy as np

from rlgen.data.mixture import Mixture

MODES = 8
RADIUS = 2.0
STD = 0.02


class Ring(Mixture):
    """A ring of 8 Gaussians in the plane: radius 2, standard deviation 0.02, equal shares, no labels.

    Source: radius and deviation of Metz et al., "Unrolled Generative Adversarial Networks" (ICLR 2017),
    appendix A, the usual ones.
    """

    purpose = "ring"

    def __init__(self) -> None:
        angles = 2 * np.pi * np.arange(MODES) / MODES
        self.centers = (RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)
        self.std = STD
