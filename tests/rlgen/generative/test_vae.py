from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import same_bits
import tensorflow as tf
from scipy.stats import multivariate_normal
from small_pictures import small_pictures

import rlgen
from rlgen import data, registry, state
from rlgen.data import given
from rlgen.errors import UserError
from rlgen.generative import vae
from rlgen.generative.vae import VAE, VAEConfig
from rlgen.testing import check_plugin

SMALL = {"latent_size": 3, "hidden_units": (8,), "filters": 4, "batch_size": 16, "evaluation_samples": 30}


def make(problem: str = "digits", preset: str | None = None, **config: Any) -> VAE:
    small = {key: value for key, value in SMALL.items() if not preset or key in ("batch_size", "evaluation_samples")}
    return VAE(problem=problem, config=VAEConfig.build({**small, **config}, preset=preset), seed=0)


@pytest.fixture(scope="module")
def trained() -> VAE:
    """A few batches old, dense, of digits."""
    model = make(network="dense", importance_samples=3)
    model.train(5)
    return model


def test_likelihoods_and_the_divergence_in_closed_form() -> None:
    x, logits = tf.constant([[1.0, 0.0, 0.5]]), tf.constant([[0.0, 0.0, np.log(3)]], tf.float32)
    expected = 2 * np.log(0.5) + 0.5 * (np.log(0.75) + np.log(0.25))
    np.testing.assert_allclose(vae.bernoulli_log_likelihood(x, logits), [expected], rtol=1e-5)
    mean, log_variance = tf.constant([[0.5, 0.5, 0.5]]), tf.constant(np.log(4), tf.float32)
    expected = multivariate_normal([0.5] * 3, 4 * np.eye(3)).logpdf([1, 0, 0.5])
    np.testing.assert_allclose(vae.gaussian_log_likelihood(x, mean, log_variance), [expected], rtol=1e-5)
    # Two numbers, one of them as the prior is.
    found = vae.divergence(tf.constant([[2.0, 0.0]]), tf.constant([[np.log(9), 0.0]], tf.float32))
    np.testing.assert_allclose(found, [0.5 * (4 + 9 - 1 - np.log(9))], rtol=1e-5)
    np.testing.assert_allclose(vae.divergence(tf.zeros((1, 4)), tf.zeros((1, 4))), [0.0])


@pytest.fixture(scope="module")
def linear() -> VAE:
    """A linear decoder and Gaussian noise, whose likelihood is known: x = W z + b + noise."""
    random = np.random.default_rng(0)
    problem = given.name_of(random.normal(size=(200, 4)).astype(np.float32))
    model = make(problem, network="dense", hidden_units=(), latent_size=2, variance=0.5, importance_samples=300)
    for net in (model.average, model.average_encoder):
        for variable in net.trainable_variables:
            variable.assign(random.normal(0, 0.4, variable.shape).astype(np.float32))
    return model


def test_the_bounds_lie_below_the_likelihood_and_the_tight_one_reaches_it(linear: VAE) -> None:
    kernel, bias = (variable.numpy() for variable in linear.average.trainable_variables)
    arrays = linear.examples("train")
    covariance = kernel.T @ kernel + 0.5 * np.eye(4)
    exact = multivariate_normal(bias, covariance).logpdf(arrays.x).mean()
    found = linear.bounds(arrays, seed=0)
    assert found.elbo < found.log_likelihood <= exact + 0.02
    assert found.log_likelihood == pytest.approx(exact, abs=0.05)


def test_with_the_true_posterior_both_bounds_are_the_likelihood(linear: VAE) -> None:
    kernel, bias = (variable.numpy() for variable in linear.average.trainable_variables)
    precision = np.eye(2) + kernel @ kernel.T / 0.5
    # q has no correlations: a decoder whose latent numbers have none in the posterior.
    values, vectors = np.linalg.eigh(precision)
    linear.average.trainable_variables[0].assign(vectors.T @ kernel)
    weights, offset = linear.average_encoder.trainable_variables
    toward = (vectors.T @ kernel).T / 0.5 / values
    weights.assign(np.concatenate([toward, np.zeros((4, 2))], axis=1))
    offset.assign(np.concatenate([-bias @ toward, -np.log(values)]))
    arrays = linear.examples("train")
    exact = multivariate_normal(bias, kernel.T @ kernel + 0.5 * np.eye(4)).logpdf(arrays.x).mean()
    found = linear.bounds(arrays, seed=0)
    assert found.log_likelihood == pytest.approx(exact, abs=1e-3)
    assert found.elbo == pytest.approx(exact, abs=0.2)


@pytest.mark.parametrize("config", [{"network": "dense"}, {}, {"conditional": True}, {"likelihood": "gaussian"}])
def test_every_variable_learns(config: dict[str, Any]) -> None:
    model = make(**config)
    variables = [variable for part in model._learning for variable in part.trainable_variables]
    assert len(model._learning) == (3 if "likelihood" in config else 2)
    before = [variable.numpy() for variable in variables]
    scalars = model.train(4)
    assert [v.path for v, old in zip(variables, before, strict=True) if (v.numpy() == old).all()] == []
    assert set(scalars) >= {"loss/reconstruction", "loss/kl", "train/grad_norm"}


def test_it_gets_better() -> None:
    model = make(network="dense", learning_rate=0.01)
    first = model.train(1)
    model.train(300)
    last = model.train(20)
    assert sum(last[name] for name in ("loss/reconstruction", "loss/kl")) < first["loss/reconstruction"]


def test_a_larger_weight_of_the_divergence_makes_it_smaller() -> None:
    kl = []
    for beta in (0.1, 10.0):
        model = make(network="dense", learning_rate=0.01, beta=beta)
        model.train(200)
        kl.append(model.train(20)["loss/kl"])
    assert kl[1] < 0.2 * kl[0]


def test_it_judges_itself_beside_principal_components(trained: VAE) -> None:
    result = trained.evaluate(episodes=1, seed=0, split="test")
    names = {"elbo", "kl", "log_likelihood", "active_units", "reconstruction_mse", "pca_mse", "quality"}
    assert {f"eval/{name}" for name in names} <= set(result.scalars)
    pictures = {"samples", "fixed_samples", "interpolation", "reconstructions"}
    assert set(result.images) - {"eval/real"} == {f"eval/{name}" for name in pictures}
    x = data.scaled(trained.held_out("test").x)
    back = trained.reconstruct(trained.held_out("test").x)
    assert back.shape == x.shape and back.min() >= 0 and back.max() <= 1
    assert result.scalars["eval/reconstruction_mse"] == pytest.approx(np.mean((x - back) ** 2), rel=1e-5)
    mean, deviation = trained.encode(x)
    assert mean.shape == deviation.shape == (len(x), 3) and (deviation > 0).all()


def test_samples_and_reconstructions_are_of_the_class_that_is_given() -> None:
    model = make(conditional=True, network="dense", importance_samples=2)
    model.train(2)
    pairs = model.held_out("test")
    with pytest.raises(UserError, match="say which class each example is of"):
        model.encode(pairs.x)
    one, other = (model.reconstruct(pairs.x[:2], classes=[label, label]) for label in (0, 1))
    assert (one != other).any()
    assert np.isfinite(model.evaluate(episodes=1, seed=0, split="test").scalars["eval/log_likelihood"])


def test_a_resume_is_exact() -> None:
    same_bits.assert_resumes_to_the_bit(make(), parts=(1, 2), rest=2)


def test_using_it_needs_no_optimizer(trained: VAE) -> None:
    used = make(network="dense")
    state.write(used.inference_state(), state.read(trained.inference_state()))
    x = trained.held_out("test").x
    np.testing.assert_array_equal(used.reconstruct(x), trained.reconstruct(x))


def test_the_book_s_network_has_the_book_s_size_and_presets_train() -> None:
    model = make(small_pictures(28), preset="book-hands-on-ml")
    weights = [*model.encoder.trainable_variables, *model.generator.trainable_variables]
    assert sum(int(np.prod(variable.shape)) for variable in weights) == 269_504
    for preset in ("book-hands-on-ml", "paper"):
        assert np.isfinite(make(preset=preset).train(1)["loss/kl"])


@pytest.mark.parametrize(
    ("problem", "config", "message"),
    [
        ("digits", {"latent_distribution": "uniform"}, "prior of a VAE is standard normal"),
        ("digits", {"output_activation": "tanh"}, "output_activation=tanh makes no probabilities"),
        ("ring", {"likelihood": "bernoulli"}, "output_activation=linear makes no probabilities"),
        ("ring", {"network": "convolutional"}, "network=convolutional sees pictures"),
    ],
)
def test_what_contradicts_itself_is_refused(problem: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(problem, **config)


def test_it_keeps_the_contract() -> None:
    rlgen.register("generative", "vae")(VAE)
    try:
        check_plugin("vae", data="digits", steps=4, config={**SMALL, "importance_samples": 2})
    finally:
        registry.unregister("generative", "vae")


def test_using_it_sees_examples_in_the_range_that_training_saw() -> None:
    """With a tanh at its end: the encoder learned from [-1, 1], and examples come in [0, 1]."""
    model = make(network="dense", likelihood="gaussian", output_activation="tanh")
    model.train(1)
    x = data.scaled(model.held_out("test").x)
    mean, _ = model.encode(x)
    expected, _ = model._posterior(model.average_encoder, tf.constant(2 * x - 1), None, training=False)
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-5)
    back = model.reconstruct(x)
    assert back.min() >= 0 and back.max() <= 1
