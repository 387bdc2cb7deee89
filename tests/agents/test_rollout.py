"""Experience from Gymnasium's environments: rows, statistics, and what a resume begins with."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from rlgen import draws, runtime, state
from rlgen.agents.rollout import CompiledRollout, HostRollout
from rlgen.envs.compiled.mountain_car_continuous import MountainCarContinuous
from rlgen.envs.gymnasium import HostEnvs
from rlgen.envs.making import side_by_side


def rollout(seed: int = 0) -> HostRollout:
    envs = HostEnvs(side_by_side(lambda: gym.make("CartPole-v1"), 3), seed=seed)
    generator = np.random.default_rng(seed)
    return HostRollout(envs, seed=seed, act=lambda observation, env_steps: np.ones(3, np.int32), generator=generator)


def forces(repeat_steps: int) -> npt.NDArray[Any]:
    """The forces [24, 2] of an agent on the host that draws all of them."""
    generator = np.random.default_rng(1)
    host = HostRollout(
        HostEnvs(side_by_side(lambda: gym.make("MountainCarContinuous-v0"), 2), seed=1),
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
