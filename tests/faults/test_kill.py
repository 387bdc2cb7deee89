"""Runs of real algorithms that are killed by `kill -9` at random moments, and go on by the same command.

They have to end, and to end in what a run comes to that nobody disturbed: the same weights, replay, curves and result.
In `make test` some runs, in `make test-faults` two hundred.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outcomes import outcome
from trainers import Trainers, started

from rlgen.run import Run

SAMPLE, WHOLE = 1, 40
MOST_KILLS = 3

# Small enough for a test, with everything a resume needs: replay, both networks, optimizer, random state.
OFF_POLICY = {
    "hidden_units": [16],
    "batch_size": 16,
    "replay_capacity": 600,
    "train_every_env_steps": 32,
    "updates_per_train": 4,
    "learning_starts_env_steps": 64,
    "trainer.evaluate_every_steps": 640,
    "trainer.evaluation_episodes": 1,
    "trainer.checkpoint_every_steps": 128,
}
ON_DATA = {"trainer.checkpoint_every_steps": 20, "trainer.evaluate_every_steps": 100, "trainer.evaluation_episodes": 1}
JOBS: dict[str, dict[str, Any]] = {
    "double_dqn": {"steps": 1920, "config": {**OFF_POLICY, "priority_exponent": 0.6, "n_step": 3}},
    "sac": {"steps": 1280, "env": "Pendulum-v1", "config": OFF_POLICY},
    "a2c": {
        "steps": 1920,
        "config": {
            **{"hidden_units": [16], "trainer.evaluate_every_steps": 640, "trainer.evaluation_episodes": 1},
            "trainer.checkpoint_every_steps": 128,
        },
    },
    "gan": {"steps": 200, "config": ON_DATA},
    "mlp": {"steps": 300, "config": {**ON_DATA, "hidden_units": [16]}},
}


def disturbed(trainers: Trainers, name: str, run: Path, seconds: float, rng: random.Random) -> int:
    """Train, killed at random moments, until it ends well; how often it was killed."""
    kills = 0
    for kill in range(MOST_KILLS):
        # Later ones do something else than to begin, too: what is compiled already is quicker.
        moment = rng.uniform(0, seconds if kill == 0 else seconds * rng.random())
        status = trainers.train(name, run=str(run), kill_after_seconds=moment, **JOBS[name])
        assert status in (0, -signal.SIGKILL)
        if status == 0:
            break
        kills += 1
    # Twice: what is finished is left as it is.
    for _ in range(2):
        assert trainers.train(name, run=str(run), **JOBS[name]) == 0
    return kills


@pytest.fixture(scope="module")
def trainers(subprocess_environment: dict[str, str]) -> Iterator[Trainers]:
    """One process for all: importing TensorFlow takes longer than most runs here."""
    with started(subprocess_environment) as made:
        yield made


@pytest.mark.parametrize("name", JOBS)
def test_killed_at_random_moments(
    name: str, everything: bool, figures: Any, trainers: Trainers, tmp_path: Path
) -> None:
    if name == "sac" and not everything:
        pytest.skip("what it does to files a Double DQN does too; `make test-faults` runs it")
    rng, kills, others = random.Random(name), 0, []
    begun = time.monotonic()
    assert trainers.train(name, run=str(tmp_path / "whole"), **JOBS[name]) == 0
    wanted, seconds = outcome(Run(tmp_path / "whole")), time.monotonic() - begun
    runs = WHOLE if everything else SAMPLE
    for number in range(runs):
        run = tmp_path / str(number)
        kills += disturbed(trainers, name, run, seconds, rng)
        if outcome(Run(run)) != wanted:
            others.append(number)
        shutil.rmtree(run)
    what = f"a run of {name} is killed by kill -9 at random moments, up to {MOST_KILLS} times"
    figures(f"kills-{name}", what, runs=runs, kills=kills, other_results=len(others))
    assert others == []
    assert kills or not everything
