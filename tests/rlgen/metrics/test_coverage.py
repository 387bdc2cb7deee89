import numpy as np
import pytest

from rlgen.metrics.coverage import coverage

LINE = [[0.0], [1.0], [2.0], [10.0]]


def test_hand_made_line() -> None:
    # With k = 1 the balls reach 1, 1, 1 and 8 far. The sample at 0.5 lies in those of 0 and 1, the one at 100 in none.
    found = coverage(LINE, [[0.5], [100.0]], neighbours=1)
    assert found.coverage == 0.5
    assert found.density == 1.0


def test_far_samples_cover_nothing() -> None:
    assert coverage(LINE, [[1000.0]], neighbours=1) == (0.0, 0.0)


def test_one_distribution_reaches_the_expected_value() -> None:
    random, n, k = np.random.default_rng(0), 1000, 5
    found = coverage(random.normal(size=(n, 2)), random.normal(size=(n, 2)), neighbours=k)
    order = np.arange(1, k + 1)
    assert found.coverage == pytest.approx(1 - np.prod((n - order) / (2 * n - order)), abs=0.02)
    assert found.density == pytest.approx(1, abs=0.1)


def test_a_missing_half_halves_it() -> None:
    random = np.random.default_rng(0)
    real = random.normal(size=(1000, 2)) + np.where(np.arange(1000) % 2, 50, 0)[:, None]
    assert coverage(real, random.normal(size=(1000, 2))).coverage == pytest.approx(0.5, abs=0.02)


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError, match="coverage takes"):
        coverage(LINE, [[0.0]], neighbours=4)
    with pytest.raises(ValueError, match="coverage takes"):
        coverage(LINE, [[0.0, 1.0]], neighbours=1)
