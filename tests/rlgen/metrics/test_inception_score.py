"""The score's limits."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.inception_score import inception_score


def test_one_for_samples_that_are_all_alike_and_for_a_classifier_that_knows_nothing() -> None:
    assert inception_score([[0.7, 0.2, 0.1]] * 5) == pytest.approx(1)
    assert inception_score([[1.0, 0.0, 0.0]] * 5) == pytest.approx(1)
    assert inception_score(np.full((4, 10), 0.1)) == pytest.approx(1)


def test_the_number_of_classes_for_each_and_surely() -> None:
    assert inception_score(np.tile(np.eye(10), (3, 1))) == pytest.approx(10)
    assert inception_score(np.tile(np.eye(10)[:4], (3, 1))) == pytest.approx(4)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 2, 2)])
def test_wrong_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="inception_score takes probabilities"):
        inception_score(np.zeros(shape))
