"""Gradients and slow copies, in closed form."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen.learning import Adam, clip_by_global_norm, descend, follow, set_learning_rate
from rlgen.schedules import Schedule


def net(*, kernel, mean=0.0):
    model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.layers[1].kernel.assign([[kernel]])
    model.layers[0].moving_mean.assign([mean])
    return model


@pytest.mark.parametrize(("max_norm", "moved"), [(None, [3.0, 4.0]), (10.0, [3.0, 4.0]), (1.0, [0.6, 0.8])])
def test_descending_takes_one_step_and_tells_the_norm_before_clipping(max_norm, moved):
    x = tf.Variable([0.0, 0.0])
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build([x])
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(x * [3.0, 4.0])
    assert descend(tape, loss, [x], optimizer, max_norm=max_norm).numpy() == 5.0
    np.testing.assert_allclose(x, moved, rtol=1e-6)


def test_a_variable_without_a_part_in_the_loss_is_named():
    x, stranger = tf.Variable(1.0), tf.Variable(1.0, name="stranger")
    optimizer = keras.optimizers.SGD(1.0)
    with tf.GradientTape() as tape:
        loss = 2 * x
    with pytest.raises(ValueError, match="does not depend on 'stranger"):
        descend(tape, loss, [x, stranger], optimizer)


def test_clipping_is_tensorflows():
    gradients = [tf.random.stateless_normal((5, 7), [1, 2]), tf.random.stateless_normal((3,), [3, 4])]
    for largest in (0.5, 1000.0):
        clipped, norm = clip_by_global_norm(gradients, largest)
        expected, expected_norm = tf.clip_by_global_norm(gradients, largest)
        np.testing.assert_allclose(norm, expected_norm, rtol=1e-6)
        for ours, theirs in zip(clipped, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(("rate", "kernel"), [(1, 8.0), (0.25, 5.0)])
def test_a_slow_copy_moves_and_takes_the_statistics_over(rate, kernel):
    slow, fast = net(kernel=4.0), net(kernel=8.0, mean=3.0)
    follow(slow, fast, rate)
    assert slow.layers[1].kernel.numpy().item() == kernel
    assert slow.layers[0].moving_mean.numpy() == [3.0]
    follow([slow], [fast], 1)
    assert slow.layers[1].kernel.numpy().item() == 8.0


def test_a_step_size_follows_its_schedule_and_a_constant_one_is_left_alone():
    optimizer = keras.optimizers.SGD(0.5)
    set_learning_rate(optimizer, Schedule.parse(0.1), tf.constant(3))
    assert float(optimizer.learning_rate.numpy()) == 0.5
    set_learning_rate(optimizer, Schedule.parse("linear:start=1,end=0,over=4"), tf.constant(3))
    assert float(optimizer.learning_rate.numpy()) == 0.25


def after_seven_steps(optimizer, *, xla):
    """All that an optimizer has moved and keeps, and of how many operations its step is."""
    variables = [keras.Variable(np.linspace(-number, 5, 3, dtype=np.float32)) for number in range(8)]
    optimizer.build(variables)

    def step(number):
        set_learning_rate(optimizer, Schedule.parse("linear:start=.02,end=0,over=9"), number)
        optimizer.apply([tf.sin(number + variable.value) for variable in variables], variables)

    program = tf.function(step, jit_compile=xla, autograph=False)
    for number in range(7):
        program(tf.constant(float(number)))
    traced = program.get_concrete_function(tf.constant(0.0)).graph.get_operations()
    return [value.numpy() for value in (*variables, *optimizer.variables)], len(traced)


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize("arguments", [{}, {"beta_1": 0.0, "beta_2": 0.9}, {"beta_1": 0.5, "epsilon": 1e-3}])
def test_adam_is_keras_adam_of_fewer_operations(xla, arguments):
    ours, theirs = (after_seven_steps(kind(0.01, **arguments), xla=xla) for kind in (Adam, keras.optimizers.Adam))
    for one, other in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert ours[1] < 0.8 * theirs[1]
