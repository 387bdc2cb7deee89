"""Mean absolute differences."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.l1 import l1


def test_by_hand() -> None:
    assert l1([[0.0, 1.0], [2.0, 3.0]], [[0.0, 2.0], [0.0, 3.0]]) == 0.75
    # Bytes do not wrap around.
    assert l1(np.array([[1]], np.uint8), np.array([[3]], np.uint8)) == 2
    with pytest.raises(ValueError, match="l1 takes targets"):
        l1([[0.0]], [[0.0, 1.0]])
