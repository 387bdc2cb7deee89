"""The compiled CartPole beside Gymnasium's own."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents.rollout import CompiledRollout
from rlgen.envs.compiled.cartpole import CartPole

EPISODES = 100


def balancing(observations: np.ndarray) -> np.ndarray:
    """Keeps the pole up for all 500 steps from every start."""
    return (observations @ np.array([0.1, 0.4, 4.0, 1.2]) > 0).astype(np.int64)


def walk(choose) -> tuple[float, int, int]:
    """100 episodes side by side: the largest difference, how many terminated, how many were truncated.

    Every step is taken from the same state: pushing left or right is chaotic, so the two precisions would
    otherwise part after a few hundred steps however right both are.
    """
    compiled = CartPole()
    step = tf.function(lambda state, action: compiled.step(state, action, tf.constant([0, 0])), jit_compile=True)
    envs = [gym.make("CartPole-v1") for _ in range(EPISODES)]
    theirs = np.array([env.reset(seed=episode)[0] for episode, env in enumerate(envs)])
    ours = tf.constant([env.unwrapped.state for env in envs], tf.float32)
    going, worst, terminations, truncations = np.ones(EPISODES, bool), 0.0, 0, 0
    for elapsed in range(1, compiled.max_episode_steps + 1):
        actions, before = choose(theirs), ours.numpy().astype(np.float64)
        ours, *outcome = step(ours, tf.constant(actions))
        rewards, terminated = (part.numpy() for part in outcome)
        seen = compiled.observe(ours).numpy()
        for i in np.flatnonzero(going):
            envs[i].unwrapped.state = before[i]
            theirs[i], reward, their_end, their_limit, _ = envs[i].step(actions[i])
            assert rewards[i] == reward
            assert terminated[i] == their_end
            assert (elapsed >= compiled.max_episode_steps) == their_limit
            terminations, truncations = terminations + their_end, truncations + their_limit
            going[i] = not (their_end or their_limit)
            worst = max(worst, float(np.abs(seen[i] - theirs[i]).max()))
    assert not going.any()
    return worst, terminations, truncations


def test_random_episodes_are_gymnasiums() -> None:
    generator = np.random.default_rng(0)
    worst, terminations, _ = walk(lambda _: generator.integers(2, size=EPISODES))
    assert worst <= 1e-5
    assert terminations == EPISODES


def test_whole_episodes_are_gymnasiums() -> None:
    worst, terminations, truncations = walk(balancing)
    assert worst <= 1e-5
    assert truncations == EPISODES
    assert terminations == 0


def test_spaces_and_first_states_are_gymnasiums() -> None:
    compiled, env = CartPole(), gym.make("CartPole-v1")
    assert compiled.observation_space == env.observation_space
    assert compiled.action_space == env.action_space
    assert compiled.max_episode_steps == env.spec.max_episode_steps
    states = compiled.reset(10_000, tf.constant([1, 2])).numpy()
    assert states.shape == (10_000, 4)
    assert (np.abs(states) <= 0.05).all()
    np.testing.assert_allclose(states.std(0), 0.1 / np.sqrt(12), rtol=0.05)


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
