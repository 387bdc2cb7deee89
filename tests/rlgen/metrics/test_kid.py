"""The kernel distance: by hand, unbiased, and what it is for sets that differ."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.kid import kid, squared_discrepancy


def test_by_hand() -> None:
    # With D = 1: kernels (1 * 2 + 1)^3 = 27 of the one pair, (0 * 1 + 1)^3 = 1 of the other, and 1, 8, 1, 27 across.
    x, y = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    assert squared_discrepancy(x, y) == pytest.approx(27 + 1 - 2 * (1 + 8 + 1 + 27) / 4)


def test_unbiased_over_many_small_draws() -> None:
    random = np.random.default_rng(0)
    found = [squared_discrepancy(*random.normal(size=(2, 5, 3))) for _ in range(4000)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    # With the diagonals, as the biased estimate has them, it would be far off.
    assert np.std(found) / np.sqrt(len(found)) < 0.1


def test_a_shift_in_closed_form() -> None:
    # (x y + 1)^3 is x^3 y^3 + 3 x^2 y^2 + 3 x y + 1, so only the first three moments of N(0, 1) and N(m, 1) count.
    m, random = 1.0, np.random.default_rng(0)
    moments = [(0, m), (1, m**2 + 1), (0, m**3 + 3 * m)]
    wanted = sum(weight * (a - b) ** 2 for weight, (a, b) in zip((3, 3, 1), moments, strict=True))
    found = kid(random.normal(size=(4000, 1)), random.normal(size=(4000, 1)) + m)
    assert found.kid == pytest.approx(wanted, rel=0.15)
    assert 0 < found.kid_spread < found.kid


def test_the_same_draws_each_time_and_subsets_that_differ_even_of_small_sets() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 8, 2))
    assert kid(x, y) == kid(x, y)
    assert kid(x, y).kid_spread > 0
    with pytest.raises(ValueError, match="kid takes real and samples"):
        kid(x[:3], y)
