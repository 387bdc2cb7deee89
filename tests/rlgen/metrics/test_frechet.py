"""The Frechet distance against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.frechet import frechet_distance


def whitened(n: int, d: int, seed: int) -> np.ndarray:
    """Examples whose mean is exactly 0 and whose covariance is exactly the identity."""
    x = np.random.default_rng(seed).standard_normal((n, d))
    x -= x.mean(0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T


def test_normal_distributions_in_closed_form() -> None:
    one, other = whitened(50, 4, 1), whitened(80, 4, 2)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(one, other) == pytest.approx(0, abs=1e-6)
    shift, scales = np.array([1.0, -2.0, 0.0, 0.5]), np.array([1.0, 2.0, 3.0, 0.1])
    wanted = (shift**2).sum() + ((1 - scales) ** 2).sum()
    assert frechet_distance(one, shift + scales * other) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(shift + scales * other, one) == pytest.approx(wanted, rel=1e-6)


def test_covariances_that_do_not_commute() -> None:
    one, other = whitened(60, 2, 3), whitened(60, 2, 4)
    first, second = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.7], [-0.7, 3.0]])
    # tr((C C')^(1/2)) of 2 x 2 matrices is sqrt(tr(C C') + 2 sqrt(det(C C'))).
    root = np.sqrt(np.trace(first @ second) + 2 * np.sqrt(np.linalg.det(first @ second)))
    wanted = np.trace(first + second) - 2 * root
    made = (x @ np.linalg.cholesky(c).T for x, c in ((one, first), (other, second)))
    assert frechet_distance(*made) == pytest.approx(wanted, rel=1e-6)


def test_fewer_examples_than_numbers() -> None:
    x = np.random.default_rng(0).standard_normal((5, 3, 7))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x + 2) == pytest.approx(4 * 21)
    assert frechet_distance(x, np.zeros_like(x)) == pytest.approx((x.mean(0) ** 2).sum() + x.var(0, ddof=1).sum())


@pytest.mark.parametrize(("one", "other"), [((1, 3), (4, 3)), ((4, 3), (1, 3)), ((4, 3), (4, 2))])
def test_wrong_shapes(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="frechet_distance takes real"):
        frechet_distance(np.zeros(one), np.zeros(other))
