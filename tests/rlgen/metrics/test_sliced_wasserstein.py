"""The sliced Wasserstein distance against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rlgen.metrics.sliced_wasserstein import sliced_wasserstein


def test_a_shift() -> None:
    x, shift = np.random.default_rng(0).normal(size=(40, 3)), np.array([1.0, 2.0, 2.0])
    # The mean of |cos| over the sphere in D dimensions is gamma(D / 2) / (sqrt(pi) gamma((D + 1) / 2)), 1/2 for D = 3.
    wanted = 3 * math.gamma(1.5) / (math.sqrt(math.pi) * math.gamma(2))
    assert wanted == pytest.approx(1.5)
    assert sliced_wasserstein(x, x + shift, directions=4000) == pytest.approx(wanted, rel=0.03)
    assert sliced_wasserstein(x, x[::-1]) == pytest.approx(0, abs=1e-12)


def test_one_dimension_and_sets_of_other_sizes() -> None:
    assert sliced_wasserstein([[0.0]], [[1.0], [3.0]]) == pytest.approx(2)
    assert sliced_wasserstein([[0.0], [1.0]], [[0.0], [0.0], [1.0], [1.0]]) == pytest.approx(0)
    with pytest.raises(ValueError, match="sliced_wasserstein takes real and samples"):
        sliced_wasserstein([[0.0]], [[1.0, 2.0]])
