"""Schedules in closed form; one coin for every environment."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents.exploration import (
    asymptotic_epsilon,
    epsilon_greedy,
    epsilon_greedy_host,
    exponential_epsilon,
    linear_epsilon,
)


@pytest.mark.parametrize(("step", "expected"), [(0, 1.0), (500, 0.52), (1000, 0.04), (9999, 0.04)])
def test_linear(step: int, expected: float) -> None:
    assert float(linear_epsilon(step, start=1.0, end=0.04, decay_steps=1000)) == pytest.approx(expected)


def test_exponential_reaches_its_floor_after_919_steps() -> None:
    values = exponential_epsilon(tf.range(1000), start=1.0, end=0.01, rate=0.995).numpy()
    assert values[100] == pytest.approx(0.995**100, rel=1e-5)
    assert int(np.argmax(values <= 0.01)) == 919
    assert values[-1] == pytest.approx(0.01)


def test_asymptotic_is_the_posts_formula() -> None:
    steps = np.array([0, 1, 1000, 20_000])
    values = asymptotic_epsilon(tf.constant(steps), start=1.0, end=0.01, rate=float(np.exp(-0.0005)))
    np.testing.assert_allclose(values, 0.01 + 0.99 * np.exp(-0.0005 * steps), rtol=1e-3)


def explored(host: bool, epsilon: float, envs: int, draws: int) -> np.ndarray:
    """Whether each environment left the greedy action 0, of 1,000 actions: bool [draws, envs]."""
    if host:
        generator = np.random.default_rng(0)
        greedy = np.zeros(envs, np.int32)
        rows = [epsilon_greedy_host(greedy, epsilon, actions=1000, generator=generator) for _ in range(draws)]
        return np.array(rows) != 0
    seeds = [tf.constant([9, i]) for i in range(draws)]
    rows = [epsilon_greedy(tf.zeros((envs,), tf.int32), epsilon, actions=1000, seed=seed).numpy() for seed in seeds]
    return np.array(rows) != 0


@pytest.mark.parametrize("host", [True, False])
def test_every_environment_tosses_its_own_coin(host: bool) -> None:
    away = explored(host, 0.5, envs=64, draws=50)
    assert away.mean() == pytest.approx(0.5, abs=0.05)
    # With one coin for all, a row would be all or nothing.
    assert ((away.mean(1) > 0.2) & (away.mean(1) < 0.8)).all()


@pytest.mark.parametrize("host", [True, False])
def test_the_ends_of_the_range(host: bool) -> None:
    assert not explored(host, 0.0, envs=8, draws=5).any()
    assert explored(host, 1.0, envs=200, draws=5).mean() > 0.99
