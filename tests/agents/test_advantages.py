"""Advantages and returns against closed forms, with both masks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents.advantages import discounted_returns, explained_variance, gae, normalized, returns_so_far


def advantages(
    reward, value, next_value, terminated=None, truncated=None, *, discount=0.5, gae_lambda=1.0
) -> np.ndarray:
    """Of one environment."""
    none = [False] * len(reward)
    columns = [tf.constant(column, tf.float32)[:, None] for column in (reward, value, next_value)]
    flags = [tf.constant(column or none)[:, None] for column in (terminated, truncated)]
    return gae(*columns, *flags, discount=discount, gae_lambda=gae_lambda).numpy()[:, 0]


def test_a_constant_value_gives_the_closed_form() -> None:
    # With r = 0 and V = c every TD error is (gamma - 1) c, and the advantage a geometric sum.
    value, discount, decay = 4.0, 0.9, 0.8
    ours = advantages([0] * 5, [value] * 5, [value] * 5, discount=discount, gae_lambda=decay)
    expected = [(discount - 1) * value * sum((discount * decay) ** k for k in range(5 - t)) for t in range(5)]
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_lambda_one_is_the_n_step_return_less_the_value() -> None:
    ours = advantages([1, 2, 4], [10, 20, 30], [20, 30, 8])
    np.testing.assert_allclose(ours, [1 + 1 + 1 + 1 - 10, 2 + 2 + 2 - 20, 4 + 4 - 30])


def test_lambda_zero_is_the_td_error() -> None:
    ours = advantages([1, 2], [10, 20], [20, 8], gae_lambda=0.0)
    np.testing.assert_allclose(ours, [1 + 10 - 10, 2 + 4 - 20])


def test_a_termination_is_not_bootstrapped_and_cuts() -> None:
    ours = advantages([1, 2, 4], [0, 0, 0], [6, 100, 8], terminated=[False, True, False])
    # Neither the 100 behind the end nor the next episode's 8 is worth anything.
    np.testing.assert_allclose(ours, [1 + 3 + 0.5 * 2, 2, 8])


def test_a_truncation_is_bootstrapped_with_its_own_successor_and_cuts() -> None:
    ours = advantages([1, 2, 4], [0, 0, 0], [0, 6, 8], truncated=[False, True, False])
    # 2 + .5 * 6, and nothing of the next episode's 8.
    np.testing.assert_allclose(ours, [1 + 0.5 * 5, 5, 8])


@pytest.mark.parametrize("kind", [float, int])
def test_the_books_returns_also_of_whole_numbers(kind: type) -> None:
    reward = tf.constant([[kind(r)] for r in (10, 0, -50)])
    returns = discounted_returns(reward, tf.zeros((3, 1), tf.bool), discount=0.8)
    np.testing.assert_allclose(returns[:, 0], [-22, -40, -50], rtol=1e-6)


def test_normalised_advantages_are_the_books() -> None:
    first = discounted_returns(tf.constant([[10.0], [0.0], [-50.0]]), tf.zeros((3, 1), tf.bool), discount=0.8)
    second = discounted_returns(tf.constant([[10.0], [20.0]]), tf.zeros((2, 1), tf.bool), discount=0.8)
    both = normalized(tf.concat([first, second], 0))[:, 0]
    np.testing.assert_allclose(both, [-0.28435071, -0.86597718, -1.18910299, 1.26665318, 1.0727777], rtol=1e-5)


def test_the_posts_advantages() -> None:
    for returns, expected in (([51, 50, 49], [1, 0, -1]), ([10, 50, 100], [-43.33, -3.33, 46.67])):
        value = np.mean(returns)
        ours = advantages(returns, [value] * 3, [0] * 3, terminated=[True] * 3)
        np.testing.assert_allclose(ours, expected, atol=0.01)


def test_explained_variance() -> None:
    returns = tf.constant([1.0, 2.0, 3.0])
    assert float(explained_variance(returns, returns)) == 1
    assert float(explained_variance(tf.zeros(3), returns)) == pytest.approx(0)
    assert float(explained_variance(-returns, returns)) == pytest.approx(-3)


def test_returns_so_far_begin_anew_after_an_end_and_go_on_over_a_cut() -> None:
    reward = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    done = tf.constant([[False, False], [True, False], [False, False]])
    returns, running = returns_so_far(reward, done, tf.constant([10.0, 20.0]), discount=0.5)
    np.testing.assert_allclose(returns, [[6.0, 12.0], [6.0, 10.0], [5.0, 11.0]])
    np.testing.assert_allclose(running, [5.0, 11.0])
    first, carried = returns_so_far(reward[:1], done[:1], tf.constant([10.0, 20.0]), discount=0.5)
    rest, _ = returns_so_far(reward[1:], done[1:], carried, discount=0.5)
    np.testing.assert_array_equal(tf.concat([first, rest], 0), returns)
