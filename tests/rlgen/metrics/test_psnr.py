"""Decibels of known errors."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.psnr import psnr


def test_known_cases() -> None:
    x = np.zeros((2, 4, 4, 1))
    assert psnr(x, x + 0.1) == pytest.approx(20)
    assert psnr(x * 255, x + 25.5, span=255) == pytest.approx(20)
    assert psnr(x, x) == pytest.approx(100)
    # Each picture counts by itself: 20 and 40 dB.
    assert psnr(x, x + np.array([0.1, 0.01])[:, None, None, None]) == pytest.approx(30)
    with pytest.raises(ValueError, match="psnr takes targets"):
        psnr(x, x[:1])
