"""Networks made to fit what they see: shapes, seeds, precision, and what does not fit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from rlgen import networks, registry
from rlgen.errors import UserError
from rlgen.networks import Options, Spec, layers

VECTOR, DIGIT, SCREEN = Spec((5,)), Spec((8, 8, 1)), Spec((84, 84, 4), "uint8")


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        (VECTOR, "dense"),
        (Spec(()), "dense"),
        (DIGIT, "small_cnn"),
        (Spec((10, 10, 6), "bool"), "small_cnn"),
        (SCREEN, "nature_cnn"),
        (Spec((1, 9, 3), "uint8"), "dense"),
    ],
)
def test_auto_takes_what_fits(inputs, name):
    assert networks.fitting("auto", inputs) == name
    assert networks.fitting("residual", inputs) == "residual"


@pytest.mark.parametrize("inputs", [VECTOR, Spec((2, 3)), Spec((4, 4, 3), "uint8"), Spec((4, 4, 2), "bool")], ids=str)
def test_every_kind_of_example_becomes_features(inputs):
    model = networks.body("auto", inputs, Options(hidden_units=(7,)))
    batch = np.ones((2, *inputs.shape), inputs.dtype)
    assert model(batch).shape == (2, 7)
    assert model.input_shape == (None, *inputs.shape)


def test_bytes_are_scaled_inside_the_network():
    options = Options(hidden_units=(3,), seed=1)
    bytes_, numbers = (networks.body("dense", Spec((2, 2, 1), dtype), options) for dtype in ("uint8", "float32"))
    x = np.array([[[[0], [255]], [[51], [102]]]], np.uint8)
    np.testing.assert_allclose(bytes_(x), numbers((x / 255).astype(np.float32)), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "inputs", "units", "outputs", "count"),
    [
        ("nature_cnn", SCREEN, 512, 4, 1_686_180),
        ("nature_cnn", SCREEN, 512, 6, 1_687_206),
        # 97,744 in fifteen convolutions; 84 pixels halved three times are 11.
        ("residual", SCREEN, 256, 4, 97_744 + (11 * 11 * 32 + 1) * 256 + 257 * 4),
        ("minatar_cnn", Spec((10, 10, 4), "bool"), 128, 6, 592 + (8 * 8 * 16 + 1) * 128 + 129 * 6),
        ("small_cnn", Spec((10, 10, 4), "bool"), 128, 6, 592 + 4_640 + (5 * 5 * 32 + 1) * 128 + 129 * 6),
    ],
)
def test_parameters(name, inputs, units, outputs, count):
    assert networks.build(name, inputs, outputs, Options(hidden_units=(units,))).count_params() == count


def test_an_unfolded_convolution_is_the_convolution() -> None:
    x = keras.Input((10, 7, 4))
    folded, unfolded = (
        keras.Model(x, layers.convolution(x, 5, 3, Options(), number=0, padding="valid")),
        keras.Model(x, layers.unfolded_convolution(x, 5, 3, Options(), number=0)),
    )
    kernel, bias = (variable.numpy() for variable in folded.trainable_variables)
    bias += 0.1
    folded.set_weights([kernel, bias])
    unfolded.set_weights([kernel.reshape(-1, 5), bias])
    pictures = np.random.default_rng(0).random((2, 10, 7, 4), np.float32)
    np.testing.assert_allclose(unfolded(pictures), folded(pictures), atol=1e-5)
    assert networks.has_convolutions([folded]) and not networks.has_convolutions([unfolded])


def test_convolutions_are_found():
    model = networks.body("nature_cnn", SCREEN, Options())
    assert networks.has_convolutions([model]) and not networks.has_convolutions(
        [networks.body("dense", VECTOR, Options())]
    )


def test_batch_normalization_is_found_in_a_model_inside_another() -> None:
    inner = keras.Sequential([keras.layers.Dense(2), keras.layers.BatchNormalization()])
    assert networks.has_batch_normalization([object(), keras.Sequential([inner])])
    assert not networks.has_batch_normalization([networks.body("small_cnn", Spec((8, 8, 1)), Options())])


def test_the_residual_network_has_fifteen_convolutions():
    model = networks.body("residual", Spec((16, 16, 3), "uint8"), Options(hidden_units=(8,)))
    assert sum("Conv" in type(layer).__name__ for layer in model.layers) == 15
    assert model.output_shape == (None, 8)


def test_seeds_decide_the_weights_and_no_two_layers_share_one():
    def weights(seed):
        return networks.build("small_cnn", DIGIT, 4, Options(hidden_units=(16, 16), seed=seed)).get_weights()

    for one, same, other in zip(weights(1), weights(1), weights(2), strict=True):
        np.testing.assert_array_equal(one, same)
        assert one.ndim == 1 or (one != other).any()
    square = networks.body("dense", Spec((6,)), Options(hidden_units=(6, 6))).get_weights()
    assert (square[0] != square[2]).any()


@pytest.mark.parametrize("units", [(7,), (7, 5)], ids=str)
def test_what_an_action_is_worth_depends_on_the_picture(units):
    options = Options(hidden_units=units, activation="tanh")
    model = networks.build_pair("auto", (Spec((4, 4, 1), "uint8"), Spec((2,))), 1, options)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 1), np.uint8)
    here, there = (np.asarray(model([pictures, np.full((2, 2), a, np.float32)]))[:, 0] for a in (-1, 1))
    assert (here - there)[0] != pytest.approx((here - there)[1], rel=1e-4)
    assert len([layer for layer in model.layers if "Dense" in type(layer).__name__]) == len(units) + 1


def test_without_hidden_layers_a_network_is_linear():
    model = networks.build("dense", Spec((4,)), 2, Options(hidden_units=()))
    assert [weight.shape for weight in model.get_weights()] == [(4, 2), (2,)]
    assert model.layers[-1].activation is keras.activations.linear


def test_a_global_policy_set_elsewhere_does_not_leak_in():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        for inputs in (VECTOR, DIGIT):
            assert networks.build("auto", inputs, 2, Options()).compute_dtype in ("float32", "float16")
            model = networks.build("auto", inputs, 2, Options())
            assert {layer.compute_dtype for layer in model.layers if layer.weights} == {"float32"}
    finally:
        keras.config.set_dtype_policy("float32")
    half = networks.build("auto", DIGIT, 2, Options(dtype="mixed_bfloat16"))
    assert half(np.zeros((1, 8, 8, 1), np.float32)).dtype == "float32"
    assert {str(weight.dtype) for weight in half.get_weights()} == {"float32"}


@pytest.mark.parametrize("name", ["nature_cnn", "residual", "small_cnn"])
def test_pictures_that_are_too_small_or_none_are_refused_with_both_shapes(name):
    for inputs in (VECTOR, Spec((1, 30, 3))):
        with pytest.raises(UserError, match=f"'{name}' sees pictures .* these are float32.*network=auto"):
            networks.body(name, inputs, Options())


def test_a_plug_ins_network_whose_output_does_not_fit_is_refused_with_both_shapes(clean_registry):
    @registry.register("network", "flat_earth")
    def flat_earth(inputs, options):
        """Puts out what it gets."""
        x = keras.Input(inputs.shape)
        return keras.Model(x, keras.layers.Activation("linear")(x))

    assert networks.body("flat_earth", VECTOR, Options()).output_shape == (None, 5)
    with pytest.raises(UserError, match=r"has to put out features \[N, F\].*it puts out \[None, 8, 8, 1\]"):
        networks.body("flat_earth", DIGIT, Options())
    with pytest.raises(UserError, match="There is no network 'nature'. Did you mean 'nature_cnn'"):
        networks.body("nature", SCREEN, Options())
