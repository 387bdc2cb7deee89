"""One coin for every environment, and the schedules of books and posts."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents.exploration import epsilon_greedy, epsilon_greedy_host, toss
from rlgen.schedules import Schedule


def test_the_books_and_the_posts_schedules() -> None:
    falling = Schedule.parse("exponential:start=1,factor=0.995,end=0.01")(tf.range(1000)).numpy()
    assert falling[100] == pytest.approx(0.995**100, rel=1e-5)
    assert int(np.argmax(falling <= 0.01)) == 919
    steps = np.array([0, 1, 1000, 20_000])
    values = Schedule.parse(f"asymptotic:start=1,end=0.01,factor={np.exp(-0.0005)}")(tf.constant(steps))
    np.testing.assert_allclose(values, 0.01 + 0.99 * np.exp(-0.0005 * steps), rtol=1e-3)


def explored(host: bool, epsilon: float, envs: int, draws: int) -> np.ndarray:
    """Whether each environment left the greedy action 0, of 1,000 actions: bool [draws, envs]."""
    if host:
        generator = np.random.default_rng(0)
        greedy = np.zeros(envs, np.int32)
        rows = [epsilon_greedy_host(greedy, epsilon, actions=1000, generator=generator) for _ in range(draws)]
        return np.array(rows) != 0
    seeds = [tf.constant([9, i]) for i in range(draws)]
    coins = [toss((envs,), actions=1000, seed=seed) for seed in seeds]
    rows = [epsilon_greedy(tf.zeros((envs,), tf.int32), epsilon, coin).numpy() for coin in coins]
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
