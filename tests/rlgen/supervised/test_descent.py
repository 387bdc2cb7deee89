import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen.schedules import Schedule
from rlgen.supervised import descent


def stepped(optimizer, gradients):
    """Where a weight at 1 is after each of some gradients."""
    weight = keras.Variable([1.0])
    optimizer.build([weight])
    places = []
    for gradient in gradients:
        optimizer.apply([tf.constant([gradient])], [weight])
        places.append(float(weight.numpy()[0]))
    return places


@pytest.mark.parametrize("kind", ["sgd", "nesterov"])
def test_moving_momentum_that_stands_still_is_keras_own(kind):
    still = descent.make(kind, Schedule.parse(0.1), Schedule.parse(0.9), 0.0)
    moving = descent.MovingMomentum(0.1, 0.9, nesterov=kind == "nesterov")
    gradients = [1.0, -2.0, 0.5]
    np.testing.assert_allclose(stepped(moving, gradients), stepped(still, gradients), rtol=1e-6)


def test_momentum_follows_its_schedule():
    momentum = Schedule.parse("linear:start=0.9,end=0.5,over=4")
    for kind in ("sgd", "adam"):
        optimizer = descent.make(kind, Schedule.parse(0.1), momentum, 0.0)
        descent.move_momentum(optimizer, momentum, tf.constant(2, tf.int64))
        assert float(optimizer.moving.numpy()) == pytest.approx(0.7)
    assert float(optimizer.beta_1.numpy()) == pytest.approx(0.7)


def test_one_cycle_of_momentum_mirrors_that_of_the_step_size():
    rate = Schedule.parse("one_cycle:start=0.01,peak=0.1,over=100")
    momentum = Schedule.parse("one_cycle:start=0.95,peak=0.85,end=0.95,over=100")
    assert [rate(step) for step in (0, 45, 90)] == pytest.approx([0.01, 0.1, 0.01])
    assert [momentum(step) for step in (0, 45, 90, 100)] == pytest.approx([0.95, 0.85, 0.95, 0.95])


def test_the_steps_of_the_book():
    schedule = Schedule.parse("step:start=1e-3,factor=0.1,every=3")
    assert [schedule(epoch) for epoch in (0, 2, 3, 5, 6)] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5])


def test_every_optimizer_moves_against_the_gradient_and_decays_kernels_alone():
    for kind in ("adam", "adamw", "nadam", "sgd", "nesterov", "rmsprop"):
        assert stepped(descent.make(kind, Schedule.parse(0.01), Schedule.parse(0.9), 0.0), [1.0])[0] < 1
    layer = keras.layers.Dense(1)
    layer.build((None, 1))
    layer.bias.assign([1.0])
    kernel = float(layer.kernel.numpy()[0, 0])
    optimizer = descent.make("adamw", Schedule.parse(0.5), Schedule.parse(0.9), 0.1)
    optimizer.build(layer.trainable_variables)
    optimizer.apply([tf.zeros((1, 1)), tf.zeros((1,))], layer.trainable_variables)
    assert float(layer.kernel.numpy()[0, 0]) == pytest.approx(0.95 * kernel)
    assert float(layer.bias.numpy()[0]) == 1


def test_penalty_and_bound_in_closed_form():
    kernels = [keras.Variable([[3.0, 0.3], [-4.0, 0.4]])]
    assert float(descent.penalty(kernels, 0.0, 0.1)) == pytest.approx(2.525)
    assert float(descent.penalty(kernels, 0.1, 0.0)) == pytest.approx(0.77)
    descent.bound_norms(kernels, 1.0)
    np.testing.assert_allclose(kernels[0].numpy(), [[0.6, 0.3], [-0.8, 0.4]], rtol=1e-6)


def test_a_plateau_halves_after_its_patience_and_goes_on_where_it_was():
    plateau = descent.Plateau(2, 0.5, higher_is_better=True)
    for score in (0.5, 0.6, 0.6, 0.4):
        plateau.heed(score)
    assert float(plateau.factor.numpy()) == 0.5
    plateau.heed(0.6)
    again = descent.Plateau(2, 0.5, higher_is_better=True)
    again.load_state_arrays(plateau.state_arrays())
    again.heed(0.6)
    assert float(again.factor.numpy()) == 0.25
    fresh = descent.Plateau(1, 0.1, higher_is_better=False)
    fresh.load_state_arrays(descent.Plateau(1, 0.1, higher_is_better=False).state_arrays())
    for loss in (3.0, 2.0, 2.5):
        fresh.heed(loss)
    assert float(fresh.factor.numpy()) == pytest.approx(0.1)
