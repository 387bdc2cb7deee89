"""Sweeps from beginning to end: what they find, that they go on, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import rlgen
from rlgen.errors import Interrupted, RlgenError, UserError
from rlgen.run import is_run
from rlgen.sweeps.sweep import conclude
from rlgen.sweeps.trials import Trials

Swept = Callable[..., Any]


def test_the_best_of_all_trials_is_a_preset_that_trains(swept: Swept) -> None:
    found = swept(trials=6, pruner="none", seeds_per_trial=2)
    assert [row["number"] for row in found.trials] == [*range(6)]
    assert {row["state"] for row in found.trials} == {"complete"}
    assert found.best["value"] == max(row["value"] for row in found.trials)
    assert all(len(row["scores"]) == len(row["runs"]) == 2 for row in found.trials)
    assert found.best["value"] == sum(found.best["scores"]) / 2
    first, second = (rlgen.Run.open(run) for run in found.best["runs"])
    assert first.path == found.path / "trials" / f"{found.best['number']:04d}-s0"
    assert (first.config.seed, second.config.seed) == (0, 1)
    rows = [row["eval/score"] for row in first.evaluations()[-5:]]
    assert found.best["scores"][0] == pytest.approx(sum(rows) / 5)
    run = rlgen.train("walk", preset=str(found.preset), steps=100, run="again")
    assert run.config.config == first.config.config
    assert run.config.trainer == first.config.trainer
    assert [path.name for path in found.plots] == ["parallel.png", "importance.png"]


def test_the_same_call_goes_on_and_another_search_is_refused(swept: Swept, in_empty_directory: Path) -> None:
    few = swept(trials=2)
    before = {run: Path(run, "result.json").read_bytes() for row in few.trials for run in row["runs"]}
    more = swept(trials=4)
    assert len(more.trials) == 4 and list(more.trials[:2]) == list(few.trials)
    assert all(Path(run, "result.json").read_bytes() == data for run, data in before.items())
    assert len({row["params"]["rate"] for row in more.trials}) == 4
    assert len(swept(trials=3).trials) == 4, "there are enough"
    for asked, words in (
        ({"search": {"rate": "0.001..0.5:log"}}, "--search rate: the study has '0.001..1.0:log', you asked for '0.001"),
        ({"search": {"size": "2|4"}}, "--search size: the study has None, you asked for '2|4'"),
        ({"seeds_per_trial": 2}, "seeds: the study has 1, you asked for 2"),
        ({"data": "hard"}, "data: the study has None, you asked for 'hard'"),
        ({"config": {"size": 3}}, "--set size: the study has None, you asked for 3"),
    ):
        with pytest.raises(UserError) as caught:
            swept(**asked)
        assert words in str(caught.value)
    assert len(conclude(Path("study")).trials) == 4


def test_bad_trials_are_cut_short_and_noted(swept: Swept) -> None:
    found = swept(trials=12, pruner="successive-halving", sampler="random")
    states = [row["state"] for row in found.trials]
    assert set(states) == {"complete", "pruned"}
    cut = found.trials[states.index("pruned")]
    run = rlgen.Run.open(cut["runs"][0])
    assert run.result["stopped"].startswith("pruned: eval/score") and run.result["steps"] < 100
    assert cut["evaluations"] == len(run.evaluations())
    assert found.best["state"] == "complete"


def test_a_trial_that_diverges_has_failed_and_says_why(swept: Swept) -> None:
    found = swept(sampler="grid", trials=None, search={"nan_loss_at": "none|50", "size": "2|4"})
    assert sorted(row["state"] for row in found.trials) == ["complete", "complete", "failed", "failed"]
    failed = next(row for row in found.trials if row["state"] == "failed")
    assert failed["params"]["nan_loss_at"] == "50" and "nan" in failed["why"]
    assert len(swept(sampler="grid", search={"nan_loss_at": "none|50", "size": "2|4"}).trials) == 4
    with pytest.raises(RlgenError, match="No trial of other was completed.\n  .*nan"):
        swept(study="other", trials=2, config={"nan_loss_at": 20})


def test_a_stopped_sweep_goes_on_with_its_trial(swept: Swept) -> None:
    # The signal comes in the first run alone: the second call finds it behind its checkpoint.
    asked: dict[str, Any] = {"trials": 3, "pruner": "none"}
    config = {"signal_at": 55, "trainer.checkpoint_every_steps": 10}
    with pytest.raises(Interrupted):
        swept(**asked, config=config)
    (row,) = conclude(Path("study")).trials
    assert row["state"] == "running" and rlgen.Run.open(row["runs"][0]).steps == 60
    with pytest.raises(Interrupted):
        swept(**asked, config=config)
    first, second = conclude(Path("study")).trials
    assert (first["state"], second["state"]) == ("complete", "running")
    assert first["params"] == row["params"] and rlgen.Run.open(first["runs"][0]).steps == 100


def test_a_database_keeps_a_study(swept: Swept) -> None:
    url = "sqlite:///kept.db"
    swept(storage=url, trials=2, study="one")
    found = swept(storage=url, trials=3, study="one")
    assert len(found.trials) == 3 and not Path("one/study.log").exists()
    assert conclude(Path("one")).best == found.best
    assert swept(storage=url, trials=1, study="two").trials[0]["number"] == 0
    with pytest.raises(UserError, match="asked for something else"):
        swept(storage=url, study="elsewhere/one", search={"size": "2|4"})
    assert not Path("elsewhere").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"search": {"rat": "0..1"}}, "no field 'rat' in WalkConfig to search. Did you mean 'rate'"),
        ({"search": {"rate": "0.1..2"}}, "rate=2.0 is out of range"),
        ({"search": {}}, "nothing to search"),
        ({"sampler": "tp"}, "no sampler 'tp'. Did you mean 'tpe'"),
        ({"pruner": "halving"}, "no pruner 'halving'"),
        ({"objective": "worst"}, "no objective 'worst'"),
        ({"sampler": "grid"}, "--sampler grid needs an end"),
        ({"trials": 0}, "trials=0 is out of range"),
        ({"workers": 0}, "workers=0 is out of range"),
        ({"seeds_per_trial": 0}, "seeds_per_trial=0 is out of range"),
        ({"data": "nowhere"}, "no data set 'nowhere'"),
        ({"dat": "hard"}, "does not know 'dat'. Did you mean 'data'"),
        ({"run": "here"}, "does not know 'run'"),
        ({"config": {"size": 0}}, "size=0 is out of range"),
        ({"config": {"rate": 0.5}}, "both set and searched"),
        ({"storage": "nothing"}, "is no URL of a database"),
        ({"storage": "sqlite:////no/such/place/a.db"}, "The storage sqlite:////no/such/place/a.db cannot be used"),
        ({"storage": "nosuch://host/name"}, "The storage nosuch://host/name cannot be used"),
        ({"study": "full"}, "full is not empty and no study"),
        ({"study": "full/file"}, "is a file"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    swept: Swept, in_empty_directory: Path, asked: dict[str, Any], words: str
) -> None:
    Path("full").mkdir()
    Path("full/file").write_text("mine")
    with pytest.raises(UserError) as caught:
        swept(**asked)
    assert words in str(caught.value)
    assert sorted(map(str, Path().rglob("*"))) == ["full", "full/file"]


# With processes: an installed algorithm, slow enough to be killed.
SEARCH = {"rate": "0.001..1:log"}
ASKED: dict[str, Any] = {"steps": 3000, "trials": 6, "sampler": "random", "pruner": "successive-halving"}
CONFIG = {"trainer.checkpoint_every_steps": 100}


@pytest.fixture
def installed(add_package: Any, in_empty_directory: Path) -> str:
    source = "import walk\n\n\nclass Strolling(walk.Walk):\n    pass\n"
    add_package("strolling", {"supervised.strolling": "strolling:Strolling"}, source)
    return "strolling"


def check_whole(found: Any) -> None:
    """Every trial is there once, and has ended as it should."""
    assert [row["number"] for row in found.trials] == [*range(6)]
    assert {row["state"] for row in found.trials} == {"complete", "pruned"}
    assert all(rlgen.Run.open(run).result for row in found.trials for run in row["runs"])


def test_a_killed_worker_costs_no_trial(
    installed: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    killed: list[int] = []
    shown = Trials.at

    def at(self: Trials, label: str, step: int, steps: int, rate: str) -> None:
        if not killed:
            processes = psutil.Process().children()
            killed.extend(each.pid for each in processes if "rlgen.worker" in each.cmdline())
            os.kill(killed[0], signal.SIGKILL)
        shown(self, label, step, steps, rate)

    monkeypatch.setattr(Trials, "at", at)
    found = rlgen.sweep(installed, search=SEARCH, workers=2, study="study", config=CONFIG, **ASKED)
    assert len(killed) == 2
    assert "goes on in another process from step" in capfd.readouterr().err
    check_whole(found)


def test_a_killed_sweep_is_taken_up_by_the_next_one(installed: str, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = {"search": SEARCH, "study": "study", "config": CONFIG, "workers": 2, **ASKED}
    program = f"import rlgen; rlgen.sweep({installed!r}, **{json.loads(json.dumps(arguments))!r})"
    path = os.pathsep.join(place for place in sys.path if place)
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path})
    try:
        first, limit = Path("study/trials/0000-s0"), time.monotonic() + 240
        while not (is_run(first) and rlgen.Run(first).steps):
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    left = conclude(Path("study")).trials
    assert any(row["state"] == "running" for row in left)
    found = rlgen.sweep(installed, **arguments)
    assert "was left by a process that is gone; it goes on" in capfd.readouterr().err
    check_whole(found)
    assert all(row["params"] == found.trials[row["number"]]["params"] for row in left)
