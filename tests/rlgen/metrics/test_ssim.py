"""Structural similarity: closed forms, and TensorFlow's own beside it."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.ssim import ssim


def pictures(side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((2, side, side + 3, 3))


@pytest.mark.parametrize("side", [1, 8, 11, 20])
def test_known_cases(side: int) -> None:
    x = pictures(side)
    assert ssim(x, x) == pytest.approx(1)
    # Of even pictures only the brightness is left: (2 a b + c) / (a^2 + b^2 + c).
    even, other = np.full_like(x, 0.5), np.full_like(x, 0.25)
    assert ssim(even, other) == pytest.approx((0.25 + 1e-4) / (0.3125 + 1e-4))
    assert ssim(255 * even, 255 * other, span=255) == pytest.approx(ssim(even, other))


def test_a_negative_has_the_opposite_structure() -> None:
    x = pictures(20)
    assert -1 <= ssim(x, 1 - x) < -0.8


def test_as_tensorflow_says() -> None:
    import tensorflow as tf

    x = pictures(24).astype(np.float32)
    y = (x + 0.2 * pictures(24, 1)).astype(np.float32)
    assert ssim(x, y) == pytest.approx(float(tf.reduce_mean(tf.image.ssim(x, y, 1.0))), abs=1e-5)
    with pytest.raises(ValueError, match=r"ssim takes targets \[N, height, width, channels\]"):
        ssim(x[0], y[0])
