"""Distributions of returns against slow loops, closed forms, and what has to hold of any of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents import distributions
from rlgen.agents.distributions import huber, project, quantile_huber


def probabilities(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32)


def slowly_projected(places: np.ndarray, probability: np.ndarray, low: float, high: float) -> np.ndarray:
    """Place by place, as the paper's algorithm 1 says; at a whole number both neighbours are one."""
    atoms = places.shape[-1]
    result = np.zeros(places.shape)
    for row, (wheres, parts) in enumerate(zip(places, probability, strict=True)):
        for where, part in zip(wheres, parts, strict=True):
            b = 0.0 if atoms == 1 else (min(max(where, low), high) - low) / ((high - low) / (atoms - 1))
            lower, upper = int(np.floor(b)), int(np.ceil(b))
            if lower == upper:
                result[row, lower] += part
            else:
                result[row, lower] += part * (upper - b)
                result[row, upper] += part * (b - lower)
    return result


@pytest.mark.parametrize("atoms", [1, 2, 3, 51])
@pytest.mark.parametrize(("low", "high"), [(-10.0, 10.0), (0.0, 100.0), (-3.5, -0.25)])
def test_the_projection_is_that_of_a_slow_loop(atoms: int, low: float, high: float) -> None:
    generator = np.random.default_rng(0)
    places = generator.uniform(1.5 * low - 1, 1.5 * high + 1, (40, atoms)).astype(np.float32)
    # Some that fall on an even place exactly.
    places[::4] = generator.choice(np.linspace(low, high, atoms), (10, atoms))
    probability = probabilities(40, atoms)
    ours = project(tf.constant(places), tf.constant(probability), low, high).numpy()
    np.testing.assert_allclose(ours, slowly_projected(places, probability, low, high), atol=2e-5)
    np.testing.assert_allclose(ours.sum(-1), 1, rtol=1e-5)
    assert (ours >= 0).all()


def test_a_place_between_two_goes_to_the_nearer_one_more() -> None:
    one = tf.constant([[1.0, 0.0, 0.0]])
    for place, expected in ((0.25, [0.75, 0.25, 0]), (1.0, [0, 1, 0]), (-7.0, [1, 0, 0]), (7.0, [0, 0, 1])):
        np.testing.assert_allclose(project(tf.constant([[place, 0, 0]]), one, 0.0, 2.0), [expected], atol=1e-6)


def test_inside_the_support_the_projection_keeps_the_mean() -> None:
    returns = distributions.CategoricalReturn(atoms=21, value_min=-10, value_max=10)
    following = tf.constant(np.random.default_rng(0).normal(size=(30, 21)).astype(np.float32))
    reward, discount = tf.linspace(-1.0, 1.0, 30), tf.fill((30,), 0.9)
    target = returns.target(reward, discount, following)
    np.testing.assert_allclose(
        returns.target_mean(target), reward + discount * returns.mean(following), rtol=1e-4, atol=1e-4
    )
    # After a termination all that is left is the reward.
    ended = returns.target(tf.constant([0.5]), tf.constant([0.0]), following[:1])
    np.testing.assert_allclose(ended[0, 9:13], [0, 0.5, 0.5, 0], atol=1e-6)


def test_an_atom_alone_knows_one_return_and_has_nothing_to_learn() -> None:
    returns = distributions.CategoricalReturn(atoms=1, value_min=-2, value_max=3)
    logits = tf.Variable([[0.7], [-4.0]])
    np.testing.assert_array_equal(returns.mean(logits), [-2, -2])
    target = returns.target(tf.constant([1.0, 9.0]), tf.constant([0.9, 0.0]), logits)
    np.testing.assert_allclose(target, [[1], [1]], rtol=1e-6)
    with tf.GradientTape() as tape:
        losses = returns.losses(returns.error(logits, target))
    np.testing.assert_allclose(losses, [0, 0], atol=1e-6)
    np.testing.assert_allclose(tape.gradient(losses, logits), [[0], [0]], atol=1e-6)


def test_the_categorical_loss_is_the_divergence() -> None:
    returns = distributions.CategoricalReturn(atoms=4, value_min=0, value_max=3)
    p = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    for m in ([[0.25, 0.25, 0.25, 0.25]], [[0.0, 0.5, 0.5, 0.0]]):
        logits, target = tf.Variable(np.log(p) + 5), tf.constant(m)
        with tf.GradientTape() as tape:
            loss = returns.losses(returns.error(logits, target))
        expected = sum(a * np.log(a / b) for a, b in zip(m[0], p[0], strict=True) if a)
        assert float(loss[0]) == pytest.approx(expected, rel=1e-5)
        # That of the cross-entropy: softmax less target.
        np.testing.assert_allclose(tape.gradient(loss, logits), p - m, atol=1e-6)
    same = returns.losses(returns.error(tf.constant(np.log(p)), tf.constant(p)))
    assert float(same[0]) == pytest.approx(0, abs=1e-6)


# ---- quantiles ----------------------------------------------------------------------------------------


def test_the_quantile_huber_loss_is_that_of_a_slow_loop() -> None:
    generator = np.random.default_rng(0)
    theta, target = generator.normal(0, 2, (3, 5)), generator.normal(0, 2, (3, 4))
    fractions = (np.arange(5) + 0.5) / 5
    expected = np.zeros(3)
    for b, i, j in itertools.product(range(3), range(5), range(4)):
        u = target[b, j] - theta[b, i]
        smooth = 0.5 * u**2 if abs(u) <= 1 else abs(u) - 0.5
        expected[b] += abs(fractions[i] - (u < 0)) * smooth / 4
    error = tf.constant(target[:, None, :] - theta[:, :, None], tf.float32)
    np.testing.assert_allclose(quantile_huber(error, fractions.astype(np.float32)), expected, rtol=1e-5)


def test_one_quantile_is_the_median_half_of_hubers_loss() -> None:
    returns = distributions.QuantileReturn(atoms=1)
    np.testing.assert_array_equal(returns.fractions, [0.5])
    error = returns.error(tf.constant([[1.0], [2.0]]), tf.constant([[1.5], [-2.0]]))
    np.testing.assert_allclose(returns.losses(error), huber(tf.constant([0.5, -4.0])) / 2)


def test_descending_the_quantile_loss_finds_the_quantiles() -> None:
    """Of returns so far apart that the bend of Huber's loss is no matter: 0, 100 ... 900, each as likely."""
    returns = distributions.QuantileReturn(atoms=5)
    theta, target = np.zeros((1, 5), np.float32), tf.constant([[100.0 * i for i in range(10)]])
    for _ in range(300):
        variable = tf.Variable(theta)
        with tf.GradientTape() as tape:
            loss = returns.losses(returns.error(variable, target))
        theta -= 20 * tape.gradient(loss, variable).numpy()
    # A fraction of .1 is anywhere between 0 and 100.
    for quantile, low in zip(theta[0], range(0, 1000, 200), strict=True):
        assert low - 20 <= quantile <= low + 120


def test_returns_of_the_next_state_are_shifted_and_shrunk() -> None:
    returns = distributions.QuantileReturn(atoms=3)
    target = returns.target(tf.constant([1.0, 2.0]), tf.constant([0.5, 0.0]), tf.constant([[2.0, 4.0, 6.0]] * 2))
    np.testing.assert_allclose(target, [[2, 3, 4], [2, 2, 2]])
    np.testing.assert_allclose(returns.target_mean(target), [3, 2])


# ---- all of them --------------------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", ["none", "categorical", "quantile"])
def test_the_mean_is_the_same_in_numpy(distribution) -> None:
    returns = distributions.make(distribution, atoms=7, value_min=-3, value_max=5)
    outputs = np.random.default_rng(0).normal(0, 3, (6, 2, *returns.atoms)).astype(np.float32)
    on_host = returns.mean(outputs)
    assert on_host.shape == (6, 2)
    np.testing.assert_allclose(on_host, returns.mean(tf.constant(outputs)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("distribution", ["none", "categorical", "quantile"])
def test_a_reward_of_nothing_changes_nothing(distribution) -> None:
    returns = distributions.make(distribution, atoms=7, value_min=-3, value_max=5)
    outputs = tf.constant(np.random.default_rng(0).normal(size=(6, *returns.atoms)), tf.float32)
    target = returns.target(tf.zeros(6), tf.ones(6), outputs)
    np.testing.assert_allclose(returns.target_mean(target), returns.mean(outputs), rtol=1e-4, atol=1e-5)
    for each in (returns.losses, returns.priorities):
        assert each(returns.error(outputs, target)).shape == (6,)


def test_priorities_are_td_errors_or_the_loss() -> None:
    plain = distributions.make("none", atoms=7, value_min=-3, value_max=5)
    np.testing.assert_allclose(plain.priorities(plain.error(tf.constant([2.0]), tf.constant([-3.0]))), [-5])
    for kind in ("categorical", "quantile"):
        returns = distributions.make(kind, atoms=7, value_min=-3, value_max=5)
        error = returns.error(tf.zeros((2, 7)), tf.constant(probabilities(2, 7)))
        np.testing.assert_array_equal(returns.priorities(error), returns.losses(error))
