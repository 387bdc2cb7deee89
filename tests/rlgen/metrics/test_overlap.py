import numpy as np
import pytest

from rlgen.metrics.overlap import dice, intersection_over_union


def test_against_scikit_learn():
    from sklearn import metrics

    random = np.random.default_rng(0)
    masks, said = random.integers(0, 3, (2, 4, 8, 8))
    flat = masks.ravel(), said.ravel()
    np.testing.assert_allclose(dice(masks, said, 3), metrics.f1_score(*flat, average=None))
    np.testing.assert_allclose(intersection_over_union(masks, said, 3), metrics.jaccard_score(*flat, average=None))


def test_a_class_that_is_nowhere_has_none_and_shapes_have_to_be_alike():
    assert np.isnan(dice(np.zeros((1, 2), int), np.zeros((1, 2), int), 2)[1])
    with pytest.raises(ValueError, match="have to be alike"):
        dice(np.zeros((1, 2)), np.zeros((2, 2)), 2)
