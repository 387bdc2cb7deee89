from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import same_bits
import tensorflow as tf
from small_pictures import small_pictures

import rlgen
from rlgen import data, registry
from rlgen.data import given
from rlgen.errors import UserError
from rlgen.generative import reconstruction
from rlgen.generative.autoencoder import Autoencoder, AutoencoderConfig, kl_sparsity
from rlgen.testing import check_plugin

SMALL = {"code_size": 3, "hidden_units": (8,), "filters": 4, "batch_size": 16, "recurrent_units": 5}


def make(problem: str = "digits", preset: str | None = None, **config: Any) -> Autoencoder:
    built = AutoencoderConfig.build({**({} if preset else SMALL), **config}, preset=preset)
    return Autoencoder(problem=problem, config=built, seed=0)


def weights(model: Autoencoder) -> list[Any]:
    return [*model.encoder.trainable_variables, *model.decoder.trainable_variables]


@pytest.mark.parametrize(
    "config",
    [
        {"network": "dense"},
        {},
        {"network": "recurrent"},
        {"network": "dense", "tied": True},
        {"network": "dense", "sparsity": "l1", "code_activation": "relu"},
        {"network": "dense", "sparsity": "kl", "code_activation": "sigmoid", "loss": "cross_entropy"},
        {"network": "dense", "input_noise": 0.2, "input_dropout": 0.2},
    ],
)
def test_every_variable_learns(config: dict[str, Any]) -> None:
    model = make(**config)
    before = [variable.numpy() for variable in weights(model)]
    scalars = model.train(4)
    assert [v.path for v, old in zip(weights(model), before, strict=True) if (v.numpy() == old).all()] == []
    assert ("loss/sparsity" in scalars) == ("sparsity" in config)
    assert all(np.isfinite(value) for value in scalars.values())


def test_nothing_linear_is_better_than_principal_components_and_a_linear_one_comes_near() -> None:
    random = np.random.default_rng(0)
    x = (random.normal(size=(400, 2)) @ random.normal(size=(2, 5)) + 0.1 * random.normal(size=(400, 5))).astype("f4")
    model = make(given.name_of(x), hidden_units=(), code_size=2, learning_rate=0.01)
    model.train(1500)
    training = model.examples("train").x
    error = reconstruction.squared_error(training, model.reconstruct(training))
    best = reconstruction.Components(training, 2).error(training)
    assert best <= error < 1.1 * best


def test_tied_kernels_are_one_and_the_same() -> None:
    model = make(network="dense", tied=True, hidden_units=(7, 5))
    assert [tuple(v.shape) for v in model.decoder.trainable_variables] == [(5,), (7,), (64,)]
    model.train(2)
    kernels = [variable.numpy() for variable in model.encoder.trainable_variables[::2]]
    biases = [variable.numpy() for variable in model.decoder.trainable_variables]
    x = code = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    for kernel, bias in zip(reversed(kernels), biases, strict=True):
        x = x @ kernel.T + bias
        x = np.maximum(x, 0) if bias is not biases[-1] else 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(model.decode(code).reshape(2, -1), x, rtol=1e-4, atol=1e-6)


def test_the_divergence_of_codes_in_closed_form() -> None:
    code = tf.constant([[0.2, 0.1], [0.4, 0.1]])
    expected = 0.1 * np.log(0.1 / 0.3) + 0.9 * np.log(0.9 / 0.7)
    assert float(kl_sparsity(code, 0.1)) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(float(kl_sparsity(tf.constant([[0.0, 1.0]]), 0.1)))


def test_sparsity_makes_codes_small() -> None:
    shares = []
    for weight in (0.0, 1.0):
        model = make(network="dense", code_size=20, code_activation="sigmoid", sparsity="kl", sparsity_weight=weight)
        model.train(300)
        shares.append(model.evaluate(episodes=1, seed=0, split="test").scalars["eval/small_activations"])
    assert shares[1] > shares[0] + 0.2


def test_noise_on_what_is_seen_is_another_at_every_update_and_keeps_the_mean() -> None:
    model = make(network="dense", input_dropout=0.5)
    x = tf.ones((100, 8, 8, 1))
    one, again, other = (model.spoilt(x, tf.constant(i, tf.int64)).numpy() for i in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert set(np.unique(one)) == {0, 2}
    assert one.mean() == pytest.approx(1, abs=0.05)


def test_it_judges_itself_and_shows_what_it_saw() -> None:
    model = make(network="dense", input_noise=0.3)
    model.train(3)
    result = model.evaluate(episodes=7, seed=0, split="test")
    assert result.episodes == 1
    assert set(result.scalars) == {f"eval/{n}" for n in ("explained", "reconstruction_mse", "pca_mse", "denoised_mse")}
    x = data.scaled(model.held_out("test").x)
    error = result.scalars["eval/reconstruction_mse"]
    assert result.scalars["eval/explained"] == pytest.approx(1 - error / x.var(axis=0).mean(), rel=1e-4)
    assert result.images["eval/reconstructions"].dtype == np.uint8
    frames = list(model.frames(seed=0))
    assert {frame.shape for frame in frames} == {frames[0].shape} and (frames[0] != frames[-1]).any()


def test_the_books_networks_have_the_books_sizes() -> None:
    problem = small_pictures(28)
    sizes = {
        "book-hands-on-ml": 163_814,
        "book-hands-on-ml-tied": 82_414,
        "book-hands-on-ml-convolutional": 46_529,
        "book-hands-on-ml-recurrent": 122_548,
        "book-hands-on-ml-denoising": 163_814,
        "book-hands-on-ml-sparse": 218_084,
        "book-hands-on-ml-sparse-kl": 218_084,
        "book-mastering-tensorflow": 101_200,
    }
    assert set(sizes) == set(AutoencoderConfig.presets)
    for preset, size in sizes.items():
        model = make(problem, preset=preset)
        assert sum(int(np.prod(variable.shape)) for variable in weights(model)) == size, preset


@pytest.mark.parametrize("preset", ["book-hands-on-ml-tied", "book-hands-on-ml-convolutional"])
def test_a_book_s_recipe_trains(preset: str) -> None:
    assert np.isfinite(make(small_pictures(28), preset=preset).train(2)["loss/reconstruction"])


def test_a_resume_is_exact() -> None:
    same_bits.assert_resumes_to_the_bit(make(input_noise=0.1, network="dense"), parts=(1, 2), rest=2)


@pytest.mark.parametrize(
    ("problem", "config", "message"),
    [
        ("digits", {"tied": True}, "tied=true is for dense layers, and network=auto: set network=dense"),
        ("digits", {"sparsity": "kl"}, "code_activation=linear makes none: set code_activation=sigmoid"),
        ("ring", {"network": "recurrent"}, "network=recurrent reads pictures row by row"),
        ("digits", {"network": "book_convolutional"}, "28 x 28 pixels in grey"),
    ],
)
def test_what_contradicts_itself_is_refused(problem: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(problem, **config)


def test_data_that_are_no_shares_are_refused_where_they_have_to_be() -> None:
    with pytest.raises(UserError, match="loss=cross_entropy needs data in .0, 1.*loss=squared"):
        make("ring", loss="cross_entropy").train(1)


def test_it_keeps_the_contract() -> None:
    rlgen.register("generative", "autoencoder")(Autoencoder)
    try:
        check_plugin("autoencoder", data="digits", steps=4, config={**SMALL, "network": "dense"})
    finally:
        registry.unregister("generative", "autoencoder")


def test_pictures_beyond_the_range_are_refused_whatever_the_loss() -> None:
    x = np.random.default_rng(0).uniform(0, 2, (100, 8, 8, 1)).astype(np.float32)
    model = make(given.name_of(x))
    with pytest.raises(UserError, match="Pictures are numbers in .0, 1.*Scale them"):
        model.train(1)
