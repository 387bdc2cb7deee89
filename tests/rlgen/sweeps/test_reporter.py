"""What a run tells its study, and when it ends for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rlgen
from rlgen.algorithm import Evaluation
from rlgen.errors import RlgenError
from rlgen.sweeps import study as studies
from rlgen.sweeps.reporter import Reporter, _opened
from rlgen.sweeps.study import Asked


@pytest.fixture
def study(tmp_path: Path) -> Any:
    _opened.cache_clear()
    asked = Asked("walk", {"seed": 0}, {}, 2, "final", "eval/score", True, 100, 10)
    return studies.open_study(tmp_path, None, asked)[0]


def moment(step: int, value: float) -> Any:
    return SimpleNamespace(step=step, steps=100, evaluation=Evaluation({"eval/score": value}, 1))


def reporter(place: Path, trial: Any, *, run: int = 0, pruner: str = "successive-halving") -> Reporter:
    return Reporter(study=str(place), storage=None, pruner=pruner, trial=trial._trial_id, run=run)


def test_the_runs_of_a_trial_count_as_one_long_run(study: Any, tmp_path: Path) -> None:
    trial = study.ask()
    for run in (0, 1):
        watching = reporter(tmp_path, trial, run=run, pruner="none")
        for step in (10, 20, 104):
            assert watching.evaluation(moment(step, run + step / 1000)) is None
    # A run that goes on repeats some of its evaluations: the first ones stand.
    reporter(tmp_path, trial, pruner="none").evaluation(moment(20, 5.0))
    found = study.get_trials()[0].intermediate_values
    assert found == {1: 0.01, 2: 0.02, 10: 0.104, 11: 1.01, 12: 1.02, 20: 1.104}


def test_a_bad_run_ends_but_not_at_its_very_end(study: Any, tmp_path: Path) -> None:
    good, bad, late = (study.ask() for _ in range(3))
    assert reporter(tmp_path, good).evaluation(moment(20, 9.0)) is None
    assert reporter(tmp_path, good, run=1).evaluation(moment(100, 9.0)) is None
    reply = reporter(tmp_path, bad).evaluation(moment(20, 1.0))
    assert isinstance(reply, rlgen.Reply) and reply.stop == "pruned: eval/score 1 at step 20"
    assert reporter(tmp_path, late, run=1).evaluation(moment(100, 1.0)) is None


def test_a_run_whose_trial_another_has_ended_stops(study: Any, tmp_path: Path) -> None:
    watching = reporter(tmp_path, study.ask())
    study.tell(0, 1.0)
    reply = watching.evaluation(moment(10, 1.0))
    assert reply is not None and reply.stop == "another process has ended the trial"


def test_a_storage_that_does_not_answer_is_no_fault_of_the_values(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = reporter(tmp_path, study.ask())

    def fail(*_: Any) -> Any:
        raise OSError("the network is down")

    monkeypatch.setattr(type(study._storage), "set_trial_intermediate_value", fail)
    with pytest.raises(studies.StorageTrouble, match="cannot be told of an evaluation: the network is down"):
        watching.evaluation(moment(10, 1.0))
    with pytest.raises(RlgenError, match="no study"):
        Reporter(study=str(tmp_path / "other"), storage=f"sqlite:///{tmp_path}/a.db", pruner="none", trial=0, run=0)
