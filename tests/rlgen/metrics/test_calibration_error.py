import numpy as np
import pytest

from rlgen.metrics.calibration_error import calibration_error, reliability


def test_in_closed_form():
    # Four predictions at .75, of which two are right, and one at .9 that is right.
    chances = np.array([[0.75, 0.25]] * 4 + [[0.1, 0.9]])
    labels = np.array([0, 0, 1, 1, 1])
    assert calibration_error(labels, chances) == pytest.approx((4 * 0.25 + 1 * 0.1) / 5)
    found = reliability(labels, chances)
    np.testing.assert_allclose(found.share, [0.8, 0.2])
    np.testing.assert_allclose(found.accuracy, [0.5, 1.0])


def test_a_model_that_knows_how_sure_it_may_be_has_none():
    random = np.random.default_rng(0)
    chances = random.dirichlet(np.ones(3), 200_000)
    labels = (chances.cumsum(1) < random.random((200_000, 1))).sum(1)
    assert calibration_error(labels, chances) < 0.01


def test_shapes_that_do_not_belong_together():
    with pytest.raises(ValueError, match=r"not \(3,\) and \(2, 2\)"):
        calibration_error(np.zeros(3, int), np.ones((2, 2)))
