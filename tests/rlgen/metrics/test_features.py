"""The numbers of examples as features."""

from __future__ import annotations

import numpy as np

from rlgen.metrics.features import Raw


def test_raw_features_are_the_numbers() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1)
    seen = Raw(None)(x)
    assert seen.features.dtype == np.float64 and seen.probabilities is None
    assert seen.features.tolist() == x.reshape(3, 4).tolist()
