"""The compiled CartPole beside Gymnasium's own."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from beside_gymnasium import EPISODES, check_interface, check_uniform, walk

from rlgen.agents.rollout import CompiledRollout
from rlgen.envs.compiled.cartpole import CartPole, CartPoleV0


def balancing(observations: np.ndarray) -> np.ndarray:
    """Keeps the pole up for all 500 steps from every start."""
    return (observations @ np.array([0.1, 0.4, 4.0, 1.2]) > 0).astype(np.int64)


def test_random_episodes_are_gymnasiums() -> None:
    generator = np.random.default_rng(0)
    told = walk(CartPole(), lambda _: generator.integers(2, size=EPISODES))
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.terminations == EPISODES


def test_whole_episodes_are_gymnasiums() -> None:
    told = walk(CartPole(), balancing)
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.truncations == EPISODES
    assert told.terminations == 0


def test_spaces_and_first_states_are_gymnasiums() -> None:
    check_interface(CartPole())
    states = CartPole().reset(10_000, tf.constant([1, 2]))
    assert states.shape == (10_000, 4)
    for column in range(4):
        check_uniform(states[:, column], -0.05, 0.05)


def test_the_older_one_ends_after_200_steps() -> None:
    check_interface(CartPoleV0())
    told = walk(CartPoleV0(), balancing)
    assert told.observation_error <= 1e-5
    assert (told.truncations, told.terminations) == (EPISODES, 0)


def test_a_rollout_resets_what_ended_and_keeps_the_true_successor() -> None:
    rollout = CompiledRollout(CartPole(), num_envs=4, rows=64, seed=3, act=lambda o, t, s: tf.ones((4,), tf.int32))
    rows = rollout.collect(tf.constant(64))
    done = rows.terminated.numpy()
    assert done.any()
    for t, env in zip(*np.nonzero(done[:-1]), strict=True):
        assert np.abs(rows.next_observation[t, env]).max() > 0.2
        assert np.abs(rows.observation[t + 1, env]).max() <= 0.05
    for t, env in zip(*np.nonzero(~done[:-1]), strict=True):
        # Not to the bit: the compiler computes the two in different places, with other roundings.
        np.testing.assert_allclose(rows.next_observation[t, env], rows.observation[t + 1, env], atol=1e-6)


def test_a_rollout_truncates_at_the_limit() -> None:
    class Short(CartPole):
        max_episode_steps = 3

    rollout = CompiledRollout(Short(), num_envs=2, rows=7, seed=3, act=lambda o, t, s: tf.ones((2,), tf.int32))
    rows = rollout.collect(tf.constant(7))
    np.testing.assert_array_equal(rows.truncated[:, 0], [False, False, True, False, False, True, False])
    assert not rows.terminated.numpy().any()
    assert rollout.scalars() == {"rollout/ep_rew_mean": 3.0, "rollout/ep_len_mean": 3.0}


@pytest.mark.parametrize("cuts", [[10, 10], [1, 7, 12], [20]])
def test_a_rollout_does_not_depend_on_how_it_is_cut(cuts: list[int]) -> None:
    def act(observation, env_steps, seed):
        return tf.random.stateless_uniform((4,), seed, 0, 2, tf.int32)

    whole = CompiledRollout(CartPole(), num_envs=4, rows=20, seed=3, act=act).collect(tf.constant(20))
    rollout = CompiledRollout(CartPole(), num_envs=4, rows=20, seed=3, act=act)
    parts = [rollout.collect(tf.constant(count)) for count in cuts]
    for field, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(field, np.concatenate(pieces))
