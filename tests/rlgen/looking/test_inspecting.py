import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rlgen
from rlgen.looking import inspecting
from rlgen.looking.inspecting import sparkline
from rlgen.summary import SummaryWriter

pytestmark = pytest.mark.usefixtures("undrawn")


def test_a_completed_run(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=60, run=tmp_path / "run", seed=3, config={"trainer.evaluate_every_steps": 10})
    row = inspecting.inspection(run.path)
    assert (row["algorithm"], row["problem"], row["seed"], row["steps"]) == ("walk", "plain", 3, 60)
    assert row["completed"] and row["evaluation"] == run.evaluation
    scores = [each["eval/score"] for each in run.evaluations()]
    assert (row["evaluations"], row["last_step"], row["last"]) == (6, 60, scores[-1])
    assert row["mean_of_last_5"] == pytest.approx(np.mean(scores[-5:]))
    assert row["best"] == max(scores) and row["best_step"] == run.result["best_step"]
    assert row["last_5_from_best"] == pytest.approx(max(scores) - np.mean(scores[-5:]))
    curve = row["curves"]["eval/score"]
    assert (curve["points"], curve["first"], curve["last"]) == (6, scores[0], scores[-1])
    assert next(iter(row["curves"])) == "eval/score" and list(row["curves"])[-1].startswith(("time/", "work/"))
    assert inspecting.text(row).count(curve["form"]) >= 1


def test_a_run_that_has_not_ended(tmp_path: Path, walk: Any) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run", config={"trainer.evaluate_every_steps": 10})
    (run.path / "result.json").unlink()
    row = inspecting.inspection(run.path)
    assert not row["completed"] and row["score"] == "eval/score" and row["evaluations"] == 2
    (run.path / "evaluations.jsonl").write_text("")
    row = inspecting.inspection(run.path)
    assert row["evaluations"] == 0 and "last" not in row and "eval/score" not in row["curves"]
    assert "algorithm" in inspecting.text(row)


def test_what_another_program_logged(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path / "log")
    for step in range(100):
        writer.scalars(step, {"loss": float(step), "odd": float("nan")})
    writer.close()
    row = inspecting.inspection(tmp_path)
    assert row["curves"]["loss"] | {"form": ""} == {
        "points": 100,
        "first_step": 0,
        "last_step": 99,
        "first": 0.0,
        "last": 99.0,
        "lowest": 0.0,
        "highest": 99.0,
        "form": "",
    }
    assert row["curves"]["odd"]["first"] is row["curves"]["odd"]["lowest"] is None
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert "nan" in inspecting.text(row)


def test_forms() -> None:
    assert sparkline(np.arange(8), np.arange(8.0)) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.arange(800), np.repeat(np.arange(8.0), 100), columns=8) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.array([0, 1, 98, 99]), np.array([0.0, 0.0, 1.0, 1.0]), columns=3) == "▁ █"
    assert sparkline(np.array([5, 5]), np.array([2.0, 4.0])) == "▁"
    assert sparkline(np.arange(3), np.array([1e300, 2e300, np.inf])) == "▁█"
    assert sparkline(np.array([1]), np.array([np.nan])) == ""
    assert sparkline(np.array([-5, 0, 5]), np.array([1.0, 1.0, 1.0])) == "▁▁▁"


def test_the_commands(rlgen_command: Callable[..., Any], in_empty_directory: Path) -> None:
    rlgen.train("walk", steps=20, run="run")
    shown = rlgen_command("inspect", "run")
    assert shown.code == 0 and "eval/score" in shown.out and "→" in shown.out
    assert json.loads(rlgen_command("inspect", "run", "--json").out)["algorithm"] == "walk"
    assert rlgen_command("export-scalars", "run", "--out", "a.csv").out == "a.csv\n"
    assert (in_empty_directory / "a.csv").read_text().startswith("scalar,step,value,time\n")
    for arguments in (["inspect", "nowhere"], ["export-scalars", "run", "--out", "b.csv", "--scalar", "eval/scor"]):
        refused = rlgen_command(*arguments)
        assert refused.code == 2 and refused.out == "" and refused.err.startswith("rlgen: ")
    assert not (in_empty_directory / "b.csv").exists()
