"""Entropies and log-probabilities in closed form; samples distributed as they should be, on both engines."""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from rlgen.agents.action_heads import CategoricalHead, GaussianHead, MultiCategoricalHead, action_head

SEED = tf.constant([1, 2])


def test_log_probabilities_and_entropies_are_those_of_tensorflow_probability() -> None:
    generator = np.random.default_rng(0)
    logits, mean = generator.normal(0, 3, (20, 4)).astype(np.float32), generator.normal(size=(20, 2)).astype(np.float32)
    chosen, action = generator.integers(0, 4, 20, np.int32), generator.normal(size=(20, 2)).astype(np.float32)
    head, theirs = CategoricalHead(gym.spaces.Discrete(4)), tfd.Categorical(logits=logits)
    np.testing.assert_allclose(
        head.log_prob(tf.constant(logits), chosen), theirs.log_prob(chosen), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(head.entropy(tf.constant(logits)), theirs.entropy(), rtol=1e-4, atol=1e-6)
    normal = GaussianHead(gym.spaces.Box(-1, 1, (2,), np.float32), initial_log_std=-0.7)
    their_normal = tfd.MultivariateNormalDiag(mean, [math.exp(-0.7)] * 2)
    np.testing.assert_allclose(normal.log_prob(mean, tf.constant(action)), their_normal.log_prob(action), rtol=1e-4)
    np.testing.assert_allclose(normal.entropy(mean), [float(their_normal.entropy()[0])] * 20, rtol=1e-5)


@pytest.mark.parametrize(("probabilities", "entropy"), [((0.1, 0.9), 0.325), ((0.5, 0.5), 0.693)])
def test_the_posts_entropies(probabilities: tuple[float, ...], entropy: float) -> None:
    head = CategoricalHead(gym.spaces.Discrete(2))
    logits = tf.math.log(tf.constant([probabilities]))
    assert float(head.entropy(logits)[0]) == pytest.approx(entropy, abs=5e-4)
    assert float(head.log_prob(logits, tf.constant([1]))[0]) == pytest.approx(math.log(probabilities[1]), rel=1e-5)


@pytest.mark.parametrize("host", [True, False])
def test_categorical_samples(host: bool) -> None:
    head, logits = CategoricalHead(gym.spaces.Discrete(3)), np.log([[0.2, 0.3, 0.5]] * 20_000).astype(np.float32)
    drawn = (
        head.sample_on_host(logits, np.random.default_rng(0))
        if host
        else head.sample(logits, head.noise((20_000,), SEED))
    )
    np.testing.assert_allclose(np.bincount(drawn) / 20_000, [0.2, 0.3, 0.5], atol=0.02)
    assert head.mode_on_host(logits)[0] == 2


def test_several_choices_are_independent() -> None:
    head, single = MultiCategoricalHead(gym.spaces.MultiDiscrete([2, 3])), CategoricalHead(gym.spaces.Discrete(2))
    parameters = tf.constant([[0.0, 1.0, 0.5, 0.2, 0.1]])
    other = CategoricalHead(gym.spaces.Discrete(3))
    action = tf.constant([[1, 2]])
    apart = single.log_prob(parameters[:, :2], action[:, 0]) + other.log_prob(parameters[:, 2:], action[:, 1])
    np.testing.assert_allclose(head.log_prob(parameters, action), apart, rtol=1e-6)
    entropy = single.entropy(parameters[:, :2]) + other.entropy(parameters[:, 2:])
    np.testing.assert_allclose(head.entropy(parameters), entropy, rtol=1e-6)
    np.testing.assert_array_equal(head.mode_on_host(parameters.numpy()), [[1, 0]])
    many = tf.repeat(parameters, 5_000, 0)
    for drawn in (
        head.sample(many, head.noise((5_000,), SEED)),
        head.sample_on_host(many.numpy(), np.random.default_rng(0)),
    ):
        assert abs(np.corrcoef(np.asarray(drawn).T)[0, 1]) < 0.05


def test_choices_may_lie_in_a_table() -> None:
    sizes = np.array([[2, 3], [3, 2]])
    table = MultiCategoricalHead(gym.spaces.MultiDiscrete(sizes))
    row = MultiCategoricalHead(gym.spaces.MultiDiscrete(sizes.ravel()))
    logits = np.random.default_rng(0).normal(size=(5, 10)).astype(np.float32)
    drawn = table.sample(tf.constant(logits), table.noise((5,), SEED))
    assert drawn.shape == (5, 2, 2)
    assert table.sample_on_host(logits, np.random.default_rng(0)).shape == table.mode_on_host(logits).shape == (5, 2, 2)
    np.testing.assert_array_equal(
        table.log_prob(tf.constant(logits), drawn), row.log_prob(tf.constant(logits), tf.reshape(drawn, (5, 4)))
    )


def test_gaussian_closed_forms() -> None:
    head = GaussianHead(gym.spaces.Box(-1, 1, (2,), np.float32), initial_log_std=math.log(0.5))
    mean, action = tf.constant([[0.1, -0.2]]), tf.constant([[0.6, -0.2]])
    normal = -math.log(0.5) - 0.5 * math.log(2 * math.pi)
    assert float(head.log_prob(mean, action)[0]) == pytest.approx(2 * normal - 0.5, rel=1e-5)
    each = 0.5 * math.log(2 * math.pi * math.e) + math.log(0.5)
    assert float(head.entropy(mean)[0]) == pytest.approx(2 * each, rel=1e-5)
    drawn = head.sample(tf.repeat(mean, 20_000, 0), head.noise((20_000,), SEED)).numpy()
    np.testing.assert_allclose(drawn.mean(0), [0.1, -0.2], atol=0.02)
    np.testing.assert_allclose(drawn.std(0), 0.5, atol=0.02)


def test_bounds_are_minus_one_and_one_to_the_agent() -> None:
    head = GaussianHead(gym.spaces.Box(np.float32([-2, 0]), np.float32([2, 10])), initial_log_std=0.0)
    action = np.float32([[-1, -1], [0, 0], [1, 1], [9, -9]])
    expected = [[-2, 0], [0, 5], [2, 10], [2, 0]]
    np.testing.assert_allclose(head.to_environment(action), expected)
    np.testing.assert_allclose(head.to_compiled_environment(tf.constant(action)), expected)


def test_a_space_without_bounds_is_taken_as_it_is() -> None:
    head = GaussianHead(gym.spaces.Box(-np.inf, np.inf, (1,), np.float32), initial_log_std=0.0)
    np.testing.assert_allclose(head.to_environment(np.float32([[123.0]])), [[123.0]])


def test_every_space_finds_its_head() -> None:
    assert isinstance(action_head(gym.spaces.Discrete(2), initial_log_std=0.0), CategoricalHead)
    assert isinstance(action_head(gym.spaces.MultiDiscrete([2, 2]), initial_log_std=0.0), MultiCategoricalHead)
    assert isinstance(action_head(gym.spaces.Box(-1, 1, (2,)), initial_log_std=0.0), GaussianHead)
