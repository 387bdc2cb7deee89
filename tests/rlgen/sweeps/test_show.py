"""A study as a table, and its best trial as a preset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rlgen.errors import RlgenError
from rlgen.sweeps import show
from rlgen.sweeps import study as studies
from rlgen.sweeps.trials import WHY, WITHDRAWN

SEARCH = {"rate": "0.001..1.0:log", "size": "2|4"}


def asked(**more: Any) -> studies.Asked:
    return studies.Asked(
        **{
            **{"algorithm": "walk", "request": {"seed": 0, "config": {"chunk": "5", "trainer.film": "false"}}},
            **{"search": SEARCH, "seeds": 1, "objective": "final", "score": "eval/score", "higher_is_better": False},
            **{"steps": 100, "evaluate_every_steps": 10, **more},
        }
    )


@pytest.fixture
def study(tmp_path: Path) -> Any:
    """Two complete trials, one that failed, one that runs, and one too many."""
    optuna = studies.import_optuna()
    study, _ = studies.open_study(tmp_path, None, asked())
    of = {"rate": optuna.distributions.FloatDistribution(0.001, 1, log=True)}
    of["size"] = optuna.distributions.CategoricalDistribution(("2", "4"))
    study.sampler = studies.make_sampler("random", {}, seed=0)
    trials = [study.ask(fixed_distributions=of) for _ in range(5)]
    trials[2].set_user_attr(WHY, "it diverged")
    trials[4].set_user_attr(WITHDRAWN, True)
    study.tell(0, 3.0)
    study.tell(1, 2.0)
    study.tell(2, state=optuna.trial.TrialState.FAIL)
    study.tell(4, state=optuna.trial.TrialState.FAIL)
    return study


def test_rows_and_the_best(study: Any, tmp_path: Path) -> None:
    rows = show.rows(study, asked(), tmp_path)
    assert [row["state"] for row in rows] == ["complete", "complete", "failed", "running"]
    assert json.loads(json.dumps(rows)) == rows
    for higher, number in ((False, 1), (True, 0)):
        best = show.best(rows, asked(higher_is_better=higher))
        assert best is not None and best["number"] == number
    assert show.best(rows[2:], asked()) is None


def test_the_table_has_the_best_first(study: Any, tmp_path: Path) -> None:
    lines = show.text(show.rows(study, asked(), tmp_path), asked(), tmp_path).splitlines()
    assert lines[0].split() == ["trial", "state", "eval/score", "(mean", "of", "last", "5)", "rate", "size"]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["1", "complete", "2"],
        ["0", "complete", "3"],
        ["3", "running", "–"],
    ]
    assert "trial 2 failed: it diverged" in lines
    assert lines[-1] == f"{tmp_path}: 2 complete, 1 running, 1 failed"
    assert show.text([], asked(), tmp_path).splitlines()[-1] == f"{tmp_path}: no trials"
    assert show.objective(asked(objective="best", seeds=3)) == "eval/score (best, median of 3 seeds)"


def test_a_preset_of_a_trial_that_ran_elsewhere(study: Any, tmp_path: Path, walk: Any) -> None:
    row = show.best(show.rows(study, asked(), tmp_path), asked())
    assert row is not None
    preset = json.loads(show.write_preset(tmp_path, row, asked()).read_text())
    assert preset["about"] == f"Trial 1 of {tmp_path.name}: eval/score (mean of last 5) 2 after 100 steps."
    assert (preset["chunk"], preset["rate"], preset["size"]) == (5, row["params"]["rate"], int(row["params"]["size"]))
    assert (preset["algorithm"], preset["trainer.film"]) == ("walk", "false")
    (tmp_path / "file").write_text("")
    with pytest.raises(RlgenError, match=r"best.json cannot be written"):
        show.write_preset(tmp_path / "file", row, asked())
