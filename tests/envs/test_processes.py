"""Environments in processes of their own: the same steps as side by side, and sentences where one is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from elsewhere_envs import LAKE, WRAPPERS, assert_step_alike

import rlgen
from rlgen import sources
from rlgen.envs.making import Environments
from rlgen.errors import EnvironmentFault, UserError


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Any, Any]]:
    """A lake, three times: in three processes, and in this one."""
    made = [Environments(LAKE, wrappers=WRAPPERS, engine="gymnasium", processes=each) for each in ("machine", None)]
    yield tuple(each.training(num_envs=3, seed=5) for each in made)
    for each in made:
        each.close()


def test_they_step_as_they_do_side_by_side(both: tuple[Any, Any]) -> None:
    assert_step_alike(*both)


def test_new_episodes_begin_whatever_was_begun_before(both: tuple[Any, Any]) -> None:
    apart, together = both
    for envs in both:
        envs.step(np.zeros(3, np.int64))
        envs.reset(seed=9)
    np.testing.assert_array_equal(apart.observation, together.observation)


def test_tuples_of_observations_are_seen_as_rows() -> None:
    made = Environments("Blackjack-v1", engine="gymnasium", processes="machine")
    envs = made.training(num_envs=1, seed=0)
    assert envs.observation.shape == (1, *made.observation.shape)
    made.close()


def test_a_process_that_was_killed_is_named() -> None:
    made = Environments(LAKE, engine="gymnasium", processes="machine")
    envs: Any = made.training(num_envs=1, seed=0)
    os.kill(envs._envs.processes[0].pid, signal.SIGKILL)
    envs._envs.processes[0].join()
    with pytest.raises(EnvironmentFault, match="process of an environment has ended|Broken pipe"):
        for _ in range(3):
            envs.step(np.zeros(1, np.int64))


def test_what_has_no_place_in_another_process() -> None:
    with pytest.raises(UserError, match="give --engine gymnasium"):
        Environments("CartPole-v1", processes="machine")
    with pytest.raises(UserError, match="is an object of this program"):
        Environments(sources.name_of(lambda: gym.make(LAKE)), engine="gymnasium", processes="machine")


@pytest.mark.parametrize("name", ["dqn", "a2c"])
def test_an_agent_learns_from_them(name: str) -> None:
    fields: dict[str, Any] = {"env_processes": True, "num_envs": 2, "hidden_units": (4,)}
    if name == "dqn":
        fields |= {"learning_starts_env_steps": 8, "train_every_env_steps": 4, "updates_per_train": 3, "batch_size": 4}
    agent = rlgen.make(name, env=LAKE, engine="gymnasium", config=fields)
    steps = 10 * agent.step_quantum
    scalars = agent.train(steps)
    assert scalars["work/env_steps"] == steps
    assert scalars.get("rollout/staleness_updates") == (3 if name == "dqn" else None)
    agent.close()
