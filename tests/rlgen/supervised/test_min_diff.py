import numpy as np
import pytest
import tensorflow as tf

from rlgen.data import Arrays, Target
from rlgen.data.draws import Draws
from rlgen.errors import UserError
from rlgen.supervised.min_diff import DRAWS, HarmlessExamples, maximum_mean_discrepancy

TWO = Target.one_of("no", "yes")


def test_the_discrepancy_in_closed_form():
    same = tf.constant([0.2, 0.7])
    assert float(maximum_mean_discrepancy(same, same)) == pytest.approx(0)
    apart = maximum_mean_discrepancy(tf.constant([0.0]), tf.constant([0.1]))
    assert float(apart) == pytest.approx(2 - 2 * np.exp(-1), rel=1e-5)


def test_harmless_examples_of_each_group_alone_are_drawn():
    x = np.arange(8, dtype=np.float32)[:, None]
    train = Arrays(x, np.array([0, 1, 0, 1, 0, 1, 0, 1]), np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32))
    drawn = HarmlessExamples(train, TWO, problem="made").draw(Draws(0, *DRAWS), tf.constant(0, tf.int64), 50)
    assert drawn.shape == (100, 1)
    assert set(drawn[:50, 0].numpy()) == {0, 2}
    assert set(drawn[50:, 0].numpy()) == {4, 6}


@pytest.mark.parametrize(
    ("group", "target", "said"),
    [
        (None, TWO, "2 classes and no groups"),
        (np.zeros(3, np.int32), Target.one_of("a", "b", "c"), "3 classes and groups"),
        (np.zeros(3, np.int32), TWO, "group 1 of 'made' has no training example of the class 'no'"),
    ],
)
def test_what_cannot_be_compared_is_refused(group, target, said):
    train = Arrays(np.zeros((3, 1), np.float32), np.zeros(3, np.int32), group)
    with pytest.raises(UserError, match=said):
        HarmlessExamples(train, target, problem="made")
