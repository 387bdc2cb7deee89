from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rlgen.generative import regularisers

SHAPE = (5, 3, 4, 2)
WEIGHTS = np.random.default_rng(0).standard_normal(SHAPE[1:]).astype(np.float32)
NORM = float(np.linalg.norm(WEIGHTS))


def linear(x: Any) -> Any:
    """A critic whose gradient is its weights, wherever one looks."""
    return tf.reduce_sum(WEIGHTS * x, axis=[1, 2, 3])


def examples(seed: int) -> Any:
    return tf.constant(np.random.default_rng(seed).standard_normal(SHAPE), tf.float32)


def test_the_gradient_of_a_linear_critic_is_its_weights() -> None:
    penalty = regularisers.gradient_penalty(linear, examples(1), examples(2), tf.linspace(0.0, 1.0, 5))
    assert float(penalty) == pytest.approx((NORM - 1) ** 2, rel=1e-5)
    assert float(regularisers.r1(linear, examples(1))) == pytest.approx(NORM**2, rel=1e-5)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_the_penalty_is_two_sided(slope: float) -> None:
    penalty = regularisers.gradient_penalty(
        lambda x: slope * linear(x) / NORM, examples(1), examples(2), tf.fill((5,), 0.5)
    )
    assert float(penalty) == pytest.approx((slope - 1) ** 2, abs=1e-6)


def test_the_penalty_looks_between_the_two_at_one_place_an_example() -> None:
    """The gradient of |x|^2 / 2 is x itself, so the penalty tells where it looked."""
    real, fake, alpha = examples(1), examples(2), np.array([0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
    place = alpha[:, None, None, None] * real.numpy() + (1 - alpha)[:, None, None, None] * fake.numpy()
    expected = np.mean((np.sqrt((place**2).sum((1, 2, 3))) - 1) ** 2)
    penalty = regularisers.gradient_penalty(
        lambda x: tf.reduce_sum(x**2, axis=[1, 2, 3]) / 2, real, fake, tf.constant(alpha)
    )
    assert float(penalty) == pytest.approx(expected, rel=1e-5)


def test_r1_is_the_mean_of_squares_at_real_examples() -> None:
    real = examples(3)
    found = regularisers.r1(lambda x: tf.reduce_sum(x**2, axis=[1, 2, 3]) / 2, real)
    assert float(found) == pytest.approx(np.mean((real.numpy() ** 2).sum((1, 2, 3))), rel=1e-5)


def test_a_critic_without_slope_has_a_finite_gradient() -> None:
    """The root of 0 has an infinite slope; the weights have to get away from there."""
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = regularisers.gradient_penalty(
            lambda x: weight * linear(x), examples(1), examples(2), tf.fill((5,), 0.5)
        )
    assert float(penalty) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(float(tape.gradient(penalty, weight)))


def test_the_penalty_pulls_the_critic_s_slope_to_one() -> None:
    for start, sign in ((0.5, -1), (2.0, 1)):
        weight = tf.Variable(start / NORM)
        with tf.GradientTape() as tape:
            penalty = regularisers.gradient_penalty(
                lambda x, weight=weight: weight * linear(x), examples(1), examples(2), tf.fill((5,), 0.5)
            )
        assert np.sign(float(tape.gradient(penalty, weight))) == sign


def test_clipping_moves_what_is_outside_alone() -> None:
    weights = [tf.Variable([-3.0, -0.1, 0.0, 0.2, 5.0]), tf.Variable([[0.5]])]
    regularisers.clip(weights, 0.2)
    np.testing.assert_allclose(weights[0].numpy(), [-0.2, -0.1, 0, 0.2, 0.2])
    np.testing.assert_allclose(weights[1].numpy(), [[0.2]])
