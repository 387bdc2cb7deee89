"""The small worlds of the two books, solved exactly: what their tables print."""

from __future__ import annotations

import numpy as np
import pytest
from tabular import bandit, grid_world, q_iteration, q_learning, random_policy_values, three_states

NONE = -np.inf
TABLES = {
    0.90: [
        [18.91891892, 17.02702702, 13.62162162],
        [0.0, NONE, -4.87971488],
        [NONE, 50.13365013, NONE],
    ],
    0.95: [
        [21.73304188, 20.63807938, 16.70138772],
        [0.95462106, NONE, 1.01361207],
        [NONE, 53.70728682, NONE],
    ],
}


@pytest.mark.parametrize(("discount", "policy"), [(0.90, [0, 0, 1]), (0.95, [0, 2, 1])])
def test_q_iteration_on_three_states(discount: float, policy: list[int]) -> None:
    q = q_iteration(three_states(), discount=discount, sweeps=50)
    np.testing.assert_allclose(q, TABLES[discount], atol=1e-8)
    np.testing.assert_array_equal(q.argmax(-1), policy)


def test_the_fire_is_worth_crossing_only_for_the_far_sighted() -> None:
    q = {discount: q_iteration(three_states(), discount=discount, sweeps=50)[1] for discount in TABLES}
    assert q[0.90][0] > q[0.90][2]
    assert q[0.95][0] < q[0.95][2]


@pytest.mark.parametrize("seed", range(3))
def test_q_learning_comes_near_the_table(seed: int) -> None:
    q = q_learning(three_states(), discount=0.90, steps=10_000, seed=seed)
    np.testing.assert_array_equal(q.argmax(-1), [0, 0, 1])
    assert 16 < q[0, 0] < 21
    assert 44 < q[2, 1] < 52
    assert -13 < q[1, 2] < -5


def test_the_random_policy_in_the_grid() -> None:
    values = random_policy_values(grid_world(), discount=1.0, sweeps=1000).reshape(4, 4)
    expected = [[0, -14, -20, -22], [-14, -18, -20, -20], [-20, -20, -18, -14], [-22, -20, -14, 0]]
    np.testing.assert_allclose(values, expected, atol=1e-3)


def test_the_best_policy_in_the_grid() -> None:
    q = q_iteration(grid_world(), discount=1.0, sweeps=10)
    values, policy = np.maximum(q.max(-1), -1e9), q.argmax(-1)
    values[[0, 15]] = 0
    np.testing.assert_array_equal(
        values.reshape(4, 4), [[0, -1, -2, -3], [-1, -2, -3, -2], [-2, -3, -2, -1], [-3, -2, -1, 0]]
    )
    # Among equals the first of up, right, down, left; the corners have no action at all.
    np.testing.assert_array_equal(policy.reshape(4, 4), [[0, 3, 3, 2], [0, 0, 0, 2], [0, 0, 1, 2], [0, 1, 1, 0]])


def test_a_bandit_pays_2_9_in_the_long_run() -> None:
    # The best arm's 3 in 90 steps of 100, in the others the mean of all arms, 2.
    estimates, paid = bandit([1, 2, 3], epsilon=0.1, steps=100_000, seed=0)
    assert paid.mean() == pytest.approx(0.9 * 3 + 0.1 * 2, abs=0.02)
    np.testing.assert_allclose(estimates, [1, 2, 3], atol=0.06)
