"""Rollouts of both engines: rows, statistics, and what a resume begins with."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from rlgen import draws, runtime, state
from rlgen.agents.rollout import CompiledRollout, HostRollout
from rlgen.environment import CompiledEnv
from rlgen.envs.compiled.cartpole import CartPole
from rlgen.envs.compiled.mountain_car_continuous import MountainCarContinuous
from rlgen.envs.host import SideBySide


def rollout(seed: int = 0) -> HostRollout:
    envs = SideBySide(lambda: gym.make("CartPole-v1"), num_envs=3, seed=seed)
    generator = np.random.default_rng(seed)
    return HostRollout(envs, seed=seed, act=lambda observation, env_steps: np.ones(3, np.int32), generator=generator)


def forces(repeat_steps: int) -> npt.NDArray[Any]:
    """The forces [24, 2] of an agent on the host that draws all of them."""
    generator = np.random.default_rng(1)
    host = HostRollout(
        SideBySide(lambda: gym.make("MountainCarContinuous-v0"), num_envs=2, seed=1),
        seed=1,
        act=lambda observation, env_steps: generator.random((2, 1), np.float32),
        generator=generator,
        repeat_steps=repeat_steps,
    )
    first, second = (host.collect(count)[0].action for count in (10, 14))
    return np.concatenate([first, second])[:, :, 0]


def compiled_forces(repeat_steps: int) -> npt.NDArray[Any]:
    """The same of three stretches of eight steps."""
    rollout = CompiledRollout(
        MountainCarContinuous(),
        num_envs=2,
        rows=8,
        seed=1,
        draw=lambda steps, seed: draws.uniform((steps, 2, 1), seed),
        act=lambda observation, _, noise: noise,
        repeat_steps=repeat_steps,
    )
    standing, actions = rollout.standing(), []
    for stretch in range(3):
        standing, rows, _ = rollout.steps(standing, tf.constant(8 * stretch, tf.int64))
        actions.append(rows.action.numpy())
    return np.concatenate(actions)[:, :, 0]


@pytest.mark.parametrize("drawn", [forces, compiled_forces])
@pytest.mark.parametrize("repeat_steps", [3, 8, 12])
def test_draws_are_repeated_across_calls_and_stretches(drawn: Any, repeat_steps: int) -> None:
    strokes = drawn(repeat_steps).reshape(24 // repeat_steps, repeat_steps, 2)
    np.testing.assert_array_equal(strokes, strokes[:, :1].repeat(repeat_steps, 1))
    assert len(np.unique(strokes)) == 2 * 24 // repeat_steps
    assert len(np.unique(drawn(1))) == 48


def test_rows_are_what_the_environments_gave() -> None:
    rows, _ = rollout().collect(30)
    assert rows.observation.shape == (30, 3, 4)
    assert rows.reward.shape == (30, 3)
    assert rows.terminated.any()
    np.testing.assert_array_equal(rows.reward, 1)
    alone = gym.make("CartPole-v1")
    observation, _ = alone.reset(seed=runtime.derive_seed(0, 0) + 1)  # The second copy has the next seed.
    for t in range(int(rows.terminated[:, 1].argmax())):
        np.testing.assert_array_equal(rows.observation[t, 1], observation)
        observation = alone.step(1)[0]
        np.testing.assert_array_equal(rows.next_observation[t, 1], observation)


def test_statistics_are_of_whole_episodes() -> None:
    collected = rollout()
    rows, episodes = collected.collect(40)
    collected.count(episodes)
    ends = rows.terminated
    lengths = [np.diff(np.flatnonzero(ends[:, i]), prepend=-1) for i in range(3)]
    scalars = collected.scalars()
    assert scalars["rollout/ep_len_mean"] == pytest.approx(np.concatenate(lengths).mean())
    assert scalars["rollout/ep_rew_mean"] == scalars["rollout/ep_len_mean"]
    assert scalars["time/env_ms"] > 0
    assert collected.scalars()["time/env_ms"] == 0


def test_nothing_is_said_before_an_episode_has_ended() -> None:
    assert "rollout/ep_rew_mean" not in rollout().scalars()


def test_a_resume_keeps_the_statistics_and_begins_other_episodes() -> None:
    first = rollout()
    start = first.envs.observation.copy()
    first.count(first.collect(25)[1])
    second = rollout()
    state.write({"rollout": second.state()}, state.read({"rollout": first.state()}))
    assert int(second.vector_steps) == 25
    np.testing.assert_array_equal(first.returns, second.returns)
    assert not np.array_equal(second.envs.observation, start)
    assert np.abs(second.envs.observation).max() <= 0.05


def of_ones(env: CompiledEnv, *, num_envs: int, rows: int) -> CompiledRollout:
    """A rollout that does nothing but action 1."""
    return CompiledRollout(
        env,
        num_envs=num_envs,
        rows=rows,
        seed=3,
        draw=lambda steps, seed: tf.zeros((steps, num_envs)),
        act=lambda observation, _, noise: tf.ones((num_envs,), tf.int32),
    )


def test_what_ended_begins_anew_and_its_true_successor_is_kept() -> None:
    compiled = of_ones(CartPole(), num_envs=4, rows=64)
    _, rows, _ = compiled.steps(compiled.standing(), tf.constant(0, tf.int64))
    done = rows.terminated.numpy()
    assert done.any()
    for t, env in zip(*np.nonzero(done[:-1]), strict=True):
        assert np.abs(rows.next_observation[t, env]).max() > 0.2
        assert np.abs(rows.observation[t + 1, env]).max() <= 0.05
    for t, env in zip(*np.nonzero(~done[:-1]), strict=True):
        np.testing.assert_array_equal(rows.next_observation[t, env], rows.observation[t + 1, env])


def test_a_compiled_rollout_truncates_at_the_limit() -> None:
    class Short(CartPole):
        max_episode_steps = 3

    compiled = of_ones(Short(), num_envs=2, rows=7)
    _, rows, ended = compiled.steps(compiled.standing(), tf.constant(0, tf.int64))
    np.testing.assert_array_equal(rows.truncated[:, 0], [False, False, True, False, False, True, False])
    assert not rows.terminated.numpy().any()
    compiled.count(ended)
    assert compiled.scalars() == {"rollout/ep_rew_mean": 3.0, "rollout/ep_len_mean": 3.0}


def test_a_stretch_is_its_steps_wherever_one_goes_on() -> None:
    """Step by step, with all that is drawn drawn again for each, as after a resume in the middle."""
    compiled = CompiledRollout(
        CartPole(),
        num_envs=4,
        rows=20,
        seed=3,
        draw=lambda steps, seed: draws.uniform((steps, 4), seed),
        act=lambda observation, _, noise: tf.cast(noise < 0.5, tf.int32),
    )
    standing = compiled.standing()
    _, whole, _ = compiled.steps(standing, tf.constant(20, tf.int64))
    for t in range(20):
        at = tf.constant(20 + t, tf.int64)
        standing, row, _ = compiled.step(standing, at, compiled.drawn(at))
        for field, value in zip(whole, row, strict=True):
            np.testing.assert_array_equal(field[t], value)
