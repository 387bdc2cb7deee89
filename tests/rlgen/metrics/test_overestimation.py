"""Overestimation in closed form, and the small decision problem in which only Double Q keeps its head."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.overestimation import overestimation


def test_perfect_values_are_not_over_estimated() -> None:
    rewards = np.array([[1.0], [2.0], [4.0]])
    values = np.array([[1 + 1 + 1.0], [2 + 2.0], [4.0]])
    lived, by_time = np.ones((3, 1), bool), np.array([False])
    assert overestimation(values, rewards, lived, by_time, discount=0.5) == pytest.approx(0)
    assert overestimation(values + 3, rewards, lived, by_time, discount=0.5) == pytest.approx(3)


def test_steps_after_the_end_do_not_count() -> None:
    rewards = np.array([[1.0, 1.0], [1.0, 0.0]])
    values = np.array([[2.0, 1.0], [1.0, 100.0]])
    lived = np.array([[True, True], [True, False]])
    assert overestimation(values, rewards, lived, np.array([False, False]), discount=1.0) == pytest.approx(0)


def test_of_an_episode_cut_by_time_only_states_count_whose_return_is_known() -> None:
    rewards, lived = np.ones((10, 1)), np.ones((10, 1), bool)
    values = np.arange(10.0)[:, None]
    # .1 ** 2 is the tolerance: the last two states' returns are not known.
    expected = np.mean([values[t, 0] - sum(0.1**k for k in range(10 - t)) for t in range(9)])
    measured = overestimation(values, rewards, lived, np.array([True]), discount=0.1, tolerance=0.01)
    assert measured == pytest.approx(expected)
    assert overestimation(values, rewards, lived, np.array([True]), discount=0.999) is None


def q_learning(double: bool, seed: int, steps: int = 300) -> float:
    """The post's problem, tabular: how much better right looks than left at A after `steps` visits.

    From A, right leads to B, whose two exits pay N(1, 4) each; left leads to E, which pays 2. At discount
    .95 right is worth .95 and left 1.9, but the larger of two noisy estimates looks better than it is.
    """
    generator = np.random.default_rng(seed)
    exits, counts = np.zeros((2, 2)), np.zeros((2, 2))
    for _ in range(steps):
        table = int(generator.integers(2)) if double else 0
        action = int(generator.integers(2))
        counts[table, action] += 1
        exits[table, action] += (generator.normal(1, 4) - exits[table, action]) / counts[table, action]
        if (counts[: 1 + double] >= 4).all():
            break
    chosen = int(exits[0].argmax())
    right = 0.95 * (exits[1, chosen] if double else exits[0].max())
    return right - 0.95 * 2


def test_the_posts_problem_fools_q_learning_but_not_double_q_learning() -> None:
    plain, double = (np.array([q_learning(kind, seed) for seed in range(2000)]) for kind in (False, True))
    truth = 0.95 * 1 - 0.95 * 2
    assert plain.mean() > truth + 0.5  # Too high by the expected maximum of two noisy means.
    assert double.mean() == pytest.approx(truth, abs=0.15)
    assert (plain > 0).mean() > (double > 0).mean()
