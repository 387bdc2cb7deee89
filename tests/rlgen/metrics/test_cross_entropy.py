import math

import pytest

from rlgen.metrics.cross_entropy import cross_entropy


def test_closed_forms() -> None:
    assert cross_entropy([0, 1], [[1, 0], [0, 1]]) == 0
    assert cross_entropy([3], [[0.1] * 10]) == pytest.approx(math.log(10))
    assert cross_entropy([0, 1], [[0.5, 0.5], [0.75, 0.25]]) == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_certain_and_wrong_is_finite() -> None:
    assert cross_entropy([0], [[0, 1]]) == pytest.approx(-math.log(1e-12))


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError, match="cross_entropy takes"):
        cross_entropy([0, 1], [[1.0, 0.0]])
