"""The NumPy mirror: the same function, and never of older weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen import loops, networks, state
from rlgen.networks import Mirror, Options, Spec


def batch(inputs: Spec) -> np.ndarray:
    numbers = np.random.default_rng(0).normal(0, 3, (20, *inputs.shape))
    return (np.abs(40 * numbers) if inputs.dtype == "uint8" else numbers).astype(inputs.dtype)


@pytest.mark.parametrize("activation", ["relu", "tanh", "elu", "selu"])
@pytest.mark.parametrize("inputs", [Spec((5,)), Spec((2, 3, 1), "uint8"), Spec((2, 2, 2), "bool")], ids=str)
def test_the_mirror_is_the_model(activation, inputs):
    model = networks.build("dense", inputs, 4, Options(hidden_units=(7, 6), activation=activation, seed=3))
    x = batch(inputs)
    assert Mirror.possible(model)
    np.testing.assert_allclose(Mirror(model)(x), model(x), rtol=1e-5, atol=1e-6)


def test_models_and_layers_are_applied_one_after_another():
    body, head = networks.body("dense", Spec((5,)), Options(hidden_units=(4,))), keras.layers.Dense(2)
    x = batch(Spec((5,)))
    want = head(body(x))
    np.testing.assert_allclose(Mirror(body, head)(x), want, rtol=1e-5, atol=1e-6)


def test_a_mirror_is_never_of_older_weights():
    model = networks.build("dense", Spec((3,)), 2, Options())
    mirror, x = Mirror(model), batch(Spec((3,)))

    @loops.program
    def shift():
        for variable in model.trainable_variables:
            variable.assign_add(tf.ones_like(variable))

    mirror(x)
    shift()
    np.testing.assert_allclose(mirror(x), model(x), rtol=1e-5)
    kept = state.read({"net": model})
    shift()
    mirror(x)
    state.write({"net": model}, kept)
    np.testing.assert_allclose(mirror(x), model(x), rtol=1e-5)


def test_weights_are_copied_once_for_many_calls(monkeypatch):
    model = networks.build("dense", Spec((3,)), 2, Options())
    mirror, x = Mirror(model), batch(Spec((3,)))
    mirror(x)
    monkeypatch.setattr("rlgen.networks.mirror._step", None)
    assert mirror(x).shape == (20, 2)


def test_convolutions_and_half_precision_have_no_mirror():
    assert not Mirror.possible(networks.body("small_cnn", Spec((8, 8, 1)), Options()))
    assert not Mirror.possible(networks.body("dense", Spec((8,)), Options(dtype="mixed_bfloat16")))
    assert not Mirror.possible(keras.layers.Dense(2, activation="gelu"))
