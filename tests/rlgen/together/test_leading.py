"""One run in two processes: their networks alike to the bit, the result that of one process, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from side_by_side import Watch

import rlgen
from rlgen import planning, several, workers
from rlgen.errors import Interrupted, UserError
from rlgen.processes import Process, free_address
from rlgen.together import crew, launching, leading, shards

QUICK = {
    "trainer.keep_checkpoints": 100,
    "trainer.film": False,
    "trainer.graph": False,
    "trainer.histograms_every_evaluations": None,
}
AGENT: dict[str, Any] = {
    "env": "CartPole-v1",
    "steps": 20 * 128,
    "config": {**QUICK, "num_envs": 16, "rollout_steps": 8, "trainer.evaluation_episodes": 1, "shards": 2},
}
CLASSIFIER: dict[str, Any] = {
    "data": "digits",
    "steps": 20,
    "config": {**QUICK, "network": "small_cnn", "batch_norm": True, "shards": 2, "trainer.embedding": False},
}
LINEAR: dict[str, Any] = {
    "data": "digits",
    "steps": 600,
    "config": {**QUICK, "trainer.evaluate_every_steps": 100, "trainer.checkpoint_every_steps": 100, "batch_size": 16},
}


def last(run: rlgen.Run) -> dict[str, Any]:
    return {name: np.asarray(array, np.float64) for name, array in run.weights("last")[1].items()}


@pytest.mark.parametrize(("name", "asked"), [("a2c", AGENT), ("mlp", CLASSIFIER)], ids=["agent", "classifier"])
def test_two_processes_come_to_what_one_does_with_both_shards(
    tmp_path: Path, name: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Convolutions sum in as many parts as there are threads.
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    two = several.together(name, {**asked, "run": tmp_path / "two"}, workers=2)
    alone = {"one": {**asked, "name": name, "run": tmp_path / "one"}}
    one = several.side_by_side(alone, workers=1)["one"]
    assert_alike(two, one)
    assert two.stats()[-1]["work/exchanges"] == two.stats()[-1]["work/updates"] == 20
    # The first checkpoint has the others' shards already, and not the chief's in their place.
    first = {label: run.weights("0")[1] for label, run in (("two", two), ("one", one))}
    own, other = (f"shards/{shard}/rollout/state" for shard in range(2))
    if own in first["two"]:
        assert not np.array_equal(first["two"][own], first["two"][other])
        assert np.array_equal(first["two"][other], first["one"][other])


def assert_alike(run: rlgen.Run, other: rlgen.Run) -> None:
    """The weights, but for rounding."""
    one, two = last(run), last(other)
    assert one.keys() == two.keys()
    for name in one:
        if name.startswith(("net", "network", "head")) and one[name].size:
            assert np.abs(one[name] - two[name]).max() < 1e-6, name


def test_where_a_process_dies_all_begin_again_and_the_result_is_the_same(tmp_path: Path) -> None:
    made: list[launching.Crewed] = []

    def start() -> launching.Crewed:
        made.append(launching.Crewed(2))
        return made[-1]

    class Killing(Watch):
        """Ends the second process when the first crew is heard of, and the chief of the second."""

        def at(self, label: str, step: int, steps: int, rate: str) -> None:
            if len(made) < 3 and step >= 100 * len(made):
                victim = made[-1]._members[2 - len(made)]
                assert isinstance(victim, Process)
                os.kill(victim.number, signal.SIGKILL)

    watch, request = Killing(), {**LINEAR, "name": "linear", "run": tmp_path / "killed", "resume": "auto"}
    job = workers.Job("run", workers.portable(request))
    workers.train([job], workers=1, display=watch, start=start)
    assert len(made) == 3
    assert [text for text in watch.told if "goes on in another process" in text and "SIGKILL ended the process" in text]
    assert job.run is not None
    config = {**LINEAR["config"], "shards": 2}
    assert_alike(job.run, rlgen.train("linear", **{**LINEAR, "config": config}, run=tmp_path / "whole"))


def test_a_signal_saves_the_run_and_lets_all_go(tmp_path: Path) -> None:
    request = {**LINEAR, "steps": 2_000_000, "name": "linear", "run": tmp_path / "run", "resume": "auto"}
    watch = Watch(lambda label: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted):
        workers.train(
            [workers.Job("run", workers.portable(request))],
            workers=1,
            display=watch,
            start=lambda: launching.Crewed(2),
        )
    run = rlgen.Run.open(tmp_path / "run")
    assert run.steps > 0 and not run.result


def test_processes_that_a_launcher_has_told_of_each_other(
    tmp_path: Path, subprocess_environment: dict[str, str]
) -> None:
    """As a cluster's launcher starts them: the same command everywhere, and TF_CONFIG."""
    addresses = [free_address("127.0.0.1") for _ in range(2)]
    command = [
        "train",
        "linear",
        "--data",
        "digits",
        "--steps",
        "50",
        "--data-parallel",
        "--run",
        str(tmp_path / "run"),
    ]
    processes = []
    for rank in range(2):
        described = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        environment = {**subprocess_environment, "TF_CONFIG": json.dumps(described)}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "rlgen", *command],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    (chief, said), (other, _) = (process.communicate(timeout=120) for process in processes)
    assert [process.returncode for process in processes] == [0, 0], said
    assert "eval/accuracy" in chief and not other
    assert rlgen.Run.open(tmp_path / "run").config.config["shards"] == 2


def test_what_does_not_divide_is_said_by_the_chief_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="batch_size=9 does not divide into shards=2"):
        several.together("linear", {"data": "digits", "config": {"batch_size": 9}, "run": tmp_path / "run"}, workers=2)
    assert not (tmp_path / "run").exists()


def test_algorithms_that_are_not_made_of_shards_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planning.plan("dqn", run=tmp_path / "run")
    assert leading.led(plan.algorithm, plan.config) is plan.algorithm
    joined = object.__new__(crew.Joined)
    joined.rank, joined.size, joined.whole = 1, 2, True
    monkeypatch.setattr(crew, "_crew", joined)
    with pytest.raises(UserError, match="'dqn' cannot be trained data-parallel: .* of kind agent that can: a2c, "):
        leading.led(plan.algorithm, plan.config)
    with pytest.raises(UserError, match="shards=3 cannot be divided among 2 processes: give --set shards=4"):
        shards.mine(3)


def test_the_command_says_what_is_missing(refused: Any) -> None:
    refused("train", "linear", "--data-parallel", words=["say how many with --workers 2"])
    refused("train", "linear", "--data-parallel", "--seeds", "2", words=["leave --seeds and --folds out"])
    refused("train", "linear", "--workers", "2", words=["with --seeds or --folds, or for one with --data-parallel"])
