"""Experience from Gymnasium's environments: rows, statistics, and what a resume begins with."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from rlgen import runtime, state
from rlgen.agents.rollout import EPISODES_KEPT, CompiledRollout, HostRollout, episode_scalars
from rlgen.envs.compiled.mountain_car_continuous import MountainCarContinuous
from rlgen.envs.gymnasium import HostEnvs


def rollout(seed: int = 0) -> HostRollout:
    envs = HostEnvs(lambda: gym.make("CartPole-v1"), num_envs=3, seed=seed)
    generator = np.random.default_rng(seed)
    return HostRollout(envs, seed=seed, act=lambda observation, env_steps: np.ones(3, np.int32), generator=generator)


def drawn(engine: str, held_steps: int) -> npt.NDArray[Any]:
    """The forces [24, 2] of an agent that draws all of them."""
    if engine == "compiled":
        compiled = CompiledRollout(
            MountainCarContinuous(),
            num_envs=2,
            rows=24,
            seed=1,
            act=lambda observation, _, seed: tf.random.stateless_uniform((2, 1), seed),
            held_steps=held_steps,
        )
        first, second = (compiled.collect(tf.constant(count)).action.numpy() for count in (10, 14))
    else:
        generator = np.random.default_rng(1)
        host = HostRollout(
            HostEnvs(lambda: gym.make("MountainCarContinuous-v0"), num_envs=2, seed=1),
            seed=1,
            act=lambda observation, env_steps: generator.random((2, 1), np.float32),
            generator=generator,
            held_steps=held_steps,
        )
        first, second = (host.collect(count).action for count in (10, 14))
    return np.concatenate([first, second])[:, :, 0]


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_draws_are_held(engine: str) -> None:
    # Ten steps and fourteen: a stroke goes on across calls.
    strokes = drawn(engine, held_steps=8).reshape(3, 8, 2)
    np.testing.assert_array_equal(strokes, strokes[:, :1].repeat(8, 1))
    assert len(np.unique(strokes)) == 6
    assert len(np.unique(drawn(engine, held_steps=1))) == 48


def test_rows_are_what_the_environments_gave() -> None:
    rows = rollout().collect(30)
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
