import math

import numpy as np
import pytest
import tensorflow as tf

from rlgen.data import Target
from rlgen.errors import UserError
from rlgen.spec import Spec
from rlgen.supervised import tasks
from rlgen.supervised.config import SupervisedConfig
from rlgen.supervised.tasks import smoothed_cross_entropy


def config(**fields):
    return SupervisedConfig(**fields)


def test_cross_entropy_in_closed_form():
    flat, labels = tf.zeros((3, 10)), tf.constant([0, 4, 9])
    assert float(smoothed_cross_entropy(flat, labels)) == pytest.approx(math.log(10))
    assert float(smoothed_cross_entropy(flat, labels, 0.3)) == pytest.approx(math.log(10))
    # Logits (a, 0): ln(1 + e^-a) for the right class and a more for the other, which has the target s / 2.
    one = smoothed_cross_entropy(tf.constant([[2.0, 0.0]]), tf.constant([0]), 0.2)
    assert float(one) == pytest.approx(math.log(1 + math.exp(-2)) + 0.1 * 2, rel=1e-5)


def test_the_second_books_golden_values():
    chances = np.full((3, 3), 0.05)
    chances[[0, 1, 2], [0, 1, 2]] = 0.9, 0.89, 0.94

    logits = tf.math.log(tf.constant(_rows_of_one(chances), tf.float32))
    assert float(smoothed_cross_entropy(logits, tf.range(3))) == pytest.approx(0.0945899, abs=1e-6)
    task = tasks.Pictures(Target(Spec((6, 1, 1))), config())
    y, said = tf.constant([1.0, 9, 2, -5, -2, 6]), tf.constant([4.0, 8, 12, 8, 1, 3])
    assert float(task.loss(said, y)) == pytest.approx(49.5)


def _rows_of_one(chances):
    """The other two chances share what the right one leaves."""
    made = np.empty_like(chances)
    for i, row in enumerate(chances):
        made[i] = (1 - row[i]) / 2
        made[i, i] = row[i]
    return made


def test_classes_weigh_as_they_are_told_or_by_their_shares():
    target = Target.one_of("common", "rare")
    logits, labels = tf.constant([[0.0, 0.0], [0.0, 0.0]]), tf.constant([0, 1])
    told = tasks.of(target, config(class_weights=(1.0, 3.0)))
    assert float(told.loss(logits, labels)) == pytest.approx(2 * math.log(2))
    balanced = tasks.of(target, config(balance_classes=True))
    balanced.note(np.array([0, 0, 0, 1]))
    # 4 / (2 classes * 3) and 4 / (2 * 1): the mean over the training part is 1.
    assert float(balanced.loss(logits, labels)) == pytest.approx(math.log(2) * (2 / 3 + 2) / 2)
    with pytest.raises(UserError, match="3 numbers, and there are 2 classes: common, rare"):
        tasks.of(target, config(class_weights=(1, 2, 3)))
    with pytest.raises(UserError, match="leave one out"):
        config(class_weights=(1, 2), balance_classes=True)


def test_one_class_alone_is_nothing_to_learn():
    with pytest.raises(UserError, match="All training examples have the class 'b'"):
        tasks.of(Target.one_of("a", "b"), config()).note(np.ones(5, int))


def test_numbers_are_learned_in_deviations_and_said_in_their_unit():
    task = tasks.of(Target(Spec((2,))), config())
    y = np.array([[0.0, 100.0], [2.0, 300.0]], np.float32)
    task.note(y)
    np.testing.assert_allclose(task.seen(tf.constant(y)), [[-1, -1], [1, 1]])
    np.testing.assert_allclose(task.answer(tf.constant([[0.0, 1.0]])).mean, [[1, 300]])


def test_the_dice_loss_of_a_perfect_and_of_an_empty_mask():
    labels = tf.constant([[[0, 1], [1, 2]]])
    perfect = tf.one_hot(labels, 3)
    assert float(tasks.soft_dice_loss(perfect, labels)) == pytest.approx(0)
    empty = tf.one_hot(tf.zeros_like(labels), 3)
    # One half for one pixel that is missed, one third for two; each smoothed by 1.
    assert float(tasks.soft_dice_loss(empty, labels)) == pytest.approx(1 - (1 / 3 + 1 / 2) / 2)


def test_the_kind_of_the_target_decides():
    masks = Target(Spec((4, 4), "int32"), ("a", "b", "c"))
    task = tasks.of(masks, config())
    assert (type(task), task.outputs, task.score) == (tasks.Masks, 48, "eval/dice")
    assert task.shaped(tf.zeros((2, 48))).shape == (2, 4, 4, 3)
    assert type(tasks.of(Target(Spec((4, 4, 1))), config())) is tasks.Pictures
