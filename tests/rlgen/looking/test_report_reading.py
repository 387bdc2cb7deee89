from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen.errors import UserError
from rlgen.looking.report_reading import read

pytestmark = pytest.mark.usefixtures("undrawn")


def test_a_whole_run(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=40, run=tmp_path / "run", config={"trainer.evaluate_every_steps": 10})
    known = read(run.path)
    assert (known.kind, known.score, known.unit, known.step, known.notes) == (
        "supervised",
        "eval/score",
        "steps",
        40,
        (),
    )
    assert known.best_step == run.result["best_step"] and known.evaluations["eval/score"][0].tolist() == [
        10,
        20,
        30,
        40,
    ]


def test_what_is_damaged_becomes_a_note(tmp_path: Path, walk: Any) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run")
    (run.path / "result.json").write_text("[]")
    for name in ("stats.jsonl", "evaluations.jsonl"):
        (run.path / name).unlink()
        (run.path / name).mkdir()
    known = read(run.path)
    assert (known.result, known.stats, known.evaluations, known.step) == ({}, {}, {}, 20)
    assert known.best_step is not None and len(known.notes) == 3
    (run.path / "config.json").write_text("{")
    assert read(run.path).config == run.config  # The copy in a checkpoint.


def test_nothing_is_read_of_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="config.json"):
        read(tmp_path)
