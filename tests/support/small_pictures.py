"""Pictures for tests of models: small, but large enough for nets of two layers and more."""

from __future__ import annotations

import numpy as np

from rlgen.data import given


def small_pictures(side: int = 16, channels: int = 1, count: int = 100) -> str:
    """The name of a data set of smooth random pictures, uint8 [count, side, side, channels]."""
    random = np.random.default_rng(side)
    coarse = random.integers(0, 256, (count, side // 4, side // 4, channels), np.uint8)
    return given.name_of(coarse.repeat(4, axis=1).repeat(4, axis=2))
