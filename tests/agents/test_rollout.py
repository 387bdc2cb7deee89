"""Experience from Gymnasium's environments: rows, statistics, and what a resume begins with."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from rlgen import state
from rlgen.agents.rollout import EPISODES_KEPT, HostRollout, episode_scalars
from rlgen.envs.gymnasium import HostEnvs


def rollout(seed: int = 0) -> HostRollout:
    envs = HostEnvs(lambda: gym.make("CartPole-v1"), num_envs=3, seed=seed)
    return HostRollout(envs, seed=seed, act=lambda observation, env_steps: np.ones(3, np.int32))


def test_rows_are_what_the_environments_gave() -> None:
    rows = rollout().collect(30)
    assert rows.observation.shape == (30, 3, 4)
    assert rows.reward.shape == (30, 3)
    assert rows.terminated.any()
    np.testing.assert_array_equal(rows.reward, 1)
    alone = gym.make("CartPole-v1")
    observation, _ = alone.reset(seed=1)  # The second copy has the next seed.
    for t in range(int(rows.terminated[:, 1].argmax())):
        np.testing.assert_array_equal(rows.observation[t, 1], observation)
        observation = alone.step(1)[0]
        np.testing.assert_array_equal(rows.next_observation[t, 1], observation)


def test_statistics_are_of_whole_episodes() -> None:
    collected = rollout()
    ends = collected.collect(40).terminated
    lengths = [np.diff(np.flatnonzero(ends[:, i]), prepend=-1) for i in range(3)]
    scalars = collected.scalars()
    assert scalars["rollout/ep_len_mean"] == pytest.approx(np.concatenate(lengths).mean())
    assert scalars["rollout/ep_rew_mean"] == scalars["rollout/ep_len_mean"]
    assert scalars["time/env_ms"] > 0
    assert collected.scalars()["time/env_ms"] == 0


def test_nothing_is_said_before_an_episode_has_ended() -> None:
    empty = np.full(EPISODES_KEPT, np.nan)
    assert episode_scalars(empty, empty) == {}


def test_a_resume_keeps_the_statistics_and_begins_other_episodes() -> None:
    first = rollout()
    start = first.envs.observation.copy()
    first.collect(25)
    second = rollout()
    state.write({"rollout": second.state()}, state.read({"rollout": first.state()}))
    assert int(second.vector_steps) == 25
    np.testing.assert_array_equal(first.returns, second.returns)
    assert not np.array_equal(second.envs.observation, start)
    assert np.abs(second.envs.observation).max() <= 0.05
