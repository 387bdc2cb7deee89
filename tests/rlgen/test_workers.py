"""Runs side by side in processes: each is what it is alone, whatever happens to its process."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from side_by_side import OFTEN, Watch, assert_same, job

import rlgen
from rlgen import workers
from rlgen.errors import Interrupted, RlgenError, UserError
from rlgen.processes import Process


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The worker processes, in the order they were started."""
    made: list[Any] = []
    start = Process.__init__

    def noted(self: Any) -> None:
        start(self)
        made.append(self._process)

    monkeypatch.setattr(Process, "__init__", noted)
    return made


def test_a_run_that_loses_its_process_goes_on_in_another_and_is_what_it_is_alone(
    tmp_path: Path, processes: list[Any]
) -> None:
    jobs = [job(tmp_path, seed) for seed in range(3)]
    watch = Watch(lambda label: processes[0].kill() if len(processes) <= 2 and label == "s0" else None)
    workers.train(jobs, workers=2, display=watch)
    assert sorted(watch.ended) == ["s0", "s1", "s2"]
    assert any("goes on in another process from step" in text and "SIGKILL" in text for text in watch.told)
    alone = rlgen.train("linear", data="digits", steps=400, seed=2, config=OFTEN, run=tmp_path / "alone")
    assert jobs[2].run is not None
    assert_same(jobs[2].run, alone)
    before = jobs[0].run
    again = [job(tmp_path, 0)]
    workers.train(again, workers=1, display=Watch())
    assert before is not None and again[0].run is not None
    assert_same(before, again[0].run)


def test_a_run_that_gets_nowhere_is_given_up_and_the_others_are_there(tmp_path: Path, processes: list[Any]) -> None:
    (tmp_path / "ending.py").write_text("import os\n\ndef make(inputs, outputs):\n    os._exit(7)\n")
    import sys

    sys.path.insert(0, str(tmp_path))
    try:
        jobs = [job(tmp_path, 0, name="mlp", network="ending:make"), job(tmp_path, 1)]
        workers.train(jobs, workers=1, display=Watch())
    finally:
        sys.path.remove(str(tmp_path))
    assert jobs[1].run is not None and jobs[0].run is None
    assert isinstance(jobs[0].error, RlgenError)
    assert "s0 has lost 4 processes at step 0 and is given up: the process ended with code 7" in str(jobs[0].error)


def test_what_is_fed_may_come_later_and_bring_a_callback(tmp_path: Path) -> None:
    at_once = ["rlgen.callbacks:StopAfter", {"seconds": 1e-9}]
    jobs = [job(tmp_path, 0, callback=at_once), job(tmp_path, 1, data="nowhere")]
    given: list[Any] = [workers.Later(), jobs[0], workers.Later(), jobs[1], None]
    watch = Watch()
    workers.train_fed(lambda: given.pop(0), workers=1, display=watch)
    assert watch.ended == ["s0", "s1"] and not given
    assert jobs[0].run is not None and "seconds it had are over" in jobs[0].run.result["stopped"]
    assert (jobs[0].kind, jobs[1].kind, jobs[1].run) == (None, "UnknownName", None)


def test_a_signal_lets_every_run_be_saved(tmp_path: Path) -> None:
    jobs = [job(tmp_path, seed, steps=2_000_000) for seed in range(3)]
    heard: list[str] = []

    def stop_both(label: str) -> None:
        heard.append(label)
        if len(heard) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    watch = Watch(stop_both)
    with pytest.raises(Interrupted, match="every run that had begun is saved"):
        workers.train(jobs, workers=2, display=watch)
    assert "SIGINT: saving what runs, then stopping." in watch.told
    assert all(rlgen.Run.open(tmp_path / f"s{seed}").steps > 0 for seed in (0, 1))
    assert not (tmp_path / "s2").exists()


def test_several_specifications_are_trained_and_what_fails_is_named(tmp_path: Path) -> None:
    specs: list[Mapping[str, Any]] = [
        {"name": "linear", "data": "digits", "steps": 50, "run": tmp_path / "good"},
        {"name": "linear", "data": "nowhere", "steps": 50, "run": tmp_path / "bad"},
    ]
    with pytest.raises(
        RlgenError, match="1 of 2 runs have failed; the others are there:\n  r1: .*no dataset 'nowhere'"
    ):
        rlgen.train_many(specs, workers=2)
    (run,) = rlgen.train_many(specs[:1], workers=1)
    assert run.path == tmp_path / "good" and run.result["steps"] == 50
    assert not (tmp_path / "bad").exists()


def test_wrong_specifications_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    for specs, message in (
        ([{"data": "digits"}], r"specs\[0\]=.* is no dictionary with the `name`"),
        (
            [{"name": "linear", "stepps": 3}],
            "specs.0. has 'stepps', which rlgen.train does not know. Did you mean 'steps'",
        ),
        ([{"name": "lineer"}], "Did you mean 'linear'"),
        ([{"name": "linear", "run": tmp_path}, {"name": "mlp", "run": tmp_path}], "Two runs are to be written to"),
        ([{"name": "linear", "data": np.zeros}, {"name": "linear", "data": lambda: 0}], "is an object of this process"),
    ):
        with pytest.raises(UserError, match=message):
            rlgen.train_many(specs)
    with pytest.raises(UserError, match="workers"):
        rlgen.train_many([{"name": "linear"}], workers=0)
    assert not list(tmp_path.iterdir())


def test_the_command_trains_seeds_side_by_side(rlgen_command: Any, in_empty_directory: Path) -> None:
    asked = ("train", "linear", "--data", "digits", "--steps", 50, "--seeds", 2, "--workers", 2)
    done = rlgen_command(*asked, "--run", "both")
    assert done.code == 0, done.err
    assert [line.split()[:2] for line in done.out.splitlines()[:2]] == [["seed", "0"], ["seed", "1"]]
    assert "s0: eval/accuracy" in done.err
    wrong = rlgen_command(*asked[:-4], "--seeds", 2, "--workers", 2, "--set", "batch_size=-1", "--run", "wrong")
    assert wrong.code == 2 and "batch_size" in wrong.err and not Path("wrong").exists()
    alone = rlgen_command(*asked[:-4], "--workers", 2)
    assert alone.code == 2 and "with --seeds or --folds, or for one with --data-parallel" in alone.err
