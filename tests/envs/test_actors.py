"""Environments in actors of a cluster that is this machine: the same steps as side by side."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from elsewhere_envs import LAKE, WRAPPERS, assert_step_alike

import rlgen
from rlgen import cluster
from rlgen.envs.making import Environments
from rlgen.errors import EnvironmentFault, UserError

pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def here() -> Iterator[None]:
    """A cluster of two CPUs."""
    ray = cluster.imported()
    # Ray takes SIGTERM for itself.
    before = signal.getsignal(signal.SIGTERM)
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000, log_to_driver=False)
    signal.signal(signal.SIGTERM, before)
    yield
    ray.shutdown()


def actors(count: int) -> Any:
    made = Environments(LAKE, wrappers=WRAPPERS, engine="gymnasium", processes="ray")
    return made, made.training(num_envs=count, seed=5)


def test_they_step_as_they_do_side_by_side_and_three_of_them_share_two_actors() -> None:
    made, apart = actors(3)
    beside = Environments(LAKE, wrappers=WRAPPERS, engine="gymnasium")
    assert len(apart._envs._actors) == 2
    assert_step_alike(apart, beside.training(num_envs=3, seed=5))
    made.close()
    beside.close()


def free_cpus(wanted: int) -> None:
    """Wait until so many are: what is let go is so a moment later."""
    patience = time.monotonic() + 30
    while cluster.imported().available_resources().get("CPU", 0) < wanted and time.monotonic() < patience:
        time.sleep(0.1)


def test_an_actor_that_is_gone_is_named_and_where_no_cpu_is_free_that_is_said() -> None:
    free_cpus(2)
    made, envs = actors(2)
    with pytest.raises(UserError, match="wants a CPU of the cluster for environments, and all are taken"):
        actors(1)
    cluster.imported().kill(envs._envs._actors[1])
    with pytest.raises(EnvironmentFault, match="an actor with environments is gone"):
        envs.step(np.zeros(2, np.int64))
    made.close()


def test_agents_learn_there(tmp_path: Any) -> None:
    free_cpus(2)
    fields: dict[str, Any] = {
        "env_processes": "ray",
        "num_envs": 2,
        "hidden_units": (4,),
        "trainer.film": False,
        "trainer.evaluation_episodes": 1,
        "learning_starts_env_steps": 16,
        "train_every_env_steps": 2,
    }
    run = rlgen.train("dqn", env=LAKE, engine="gymnasium", steps=100, config=fields, run=tmp_path / "run")
    assert run.stats()[-1]["rollout/staleness_updates"] > 0
