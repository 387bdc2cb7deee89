"""The curves of a run: written twice, known by what a checkpoint says of them, and taken back to it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scalars import read_scalars

from rlgen.algorithm import Evaluation
from rlgen.callbacks import Reply
from rlgen.errors import UserError
from rlgen.records import FILES, Records, marks_in, take_back
from rlgen.run import Run, RunConfig

PIXELS = np.zeros((2, 2, 3), np.uint8)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", RunConfig("walk", "plain", "compiled", 0, "default", {}, {}))
    made.make_ready()
    return made


def written(run: Run, *, until: int) -> dict[str, Any]:
    """Records of each tenth step; what a checkpoint at the end would keep."""
    records = Records(run, resumed_at=None)
    for step in range(10, until + 1, 10):
        records.chunk(step, {"train/loss": 1 / step}, Reply(scalars={"ear/x": 1.0}, texts={"ear/t": "*hi*"}))
        records.evaluation(step, Evaluation({"eval/a": step}, 1, images={"eval/p": PIXELS}), Reply(scalars={"e/y": 2}))
    marks = records.sync()
    records.close()
    return marks


def test_everything_is_written_twice(run: Run) -> None:
    assert written(run, until=20).keys() == set(FILES)
    assert run.stats() == [{"step": step, "train/loss": 1 / step, "ear/x": 1.0} for step in (10, 20)]
    assert run.evaluations() == [{"step": step, "eval/a": step, "e/y": 2} for step in (10, 20)]
    for part, rows in {"train": run.stats(), "eval": run.evaluations()}.items():
        points = read_scalars(run.path / part)
        for name in set(rows[0]) - {"step"}:
            assert points[name] == [(row["step"], pytest.approx(row[name])) for row in rows]


def test_they_go_back_to_a_checkpoint(run: Run) -> None:
    written(run, until=30)
    marks = {name: dict(zip(("bytes", "sha256"), half(run.path / name, lines=2), strict=True)) for name in FILES}
    assert take_back(run, step=20, marks=marks) == []
    assert [row["step"] for row in run.stats()] == [row["step"] for row in run.evaluations()] == [10, 20]
    assert take_back(run, step=10, marks={}) == [], "of an unknown mark nothing is wrong"
    assert [row["step"] for row in run.stats()] == [10]


def half(path: Path, *, lines: int) -> tuple[int, str]:
    data = b"".join(path.read_bytes().splitlines(keepends=True)[:lines])
    return len(data), hashlib.sha256(data).hexdigest()


def test_what_is_wrong_with_them_is_said(run: Run) -> None:
    marks = written(run, until=30)
    (run.path / "stats.jsonl").unlink()
    data = bytearray((run.path / "evaluations.jsonl").read_bytes())
    data[3] ^= 1
    (run.path / "evaluations.jsonl").write_bytes(data)
    lost, hurt = take_back(run, step=30, marks=marks)
    assert "stats.jsonl: it is missing. What can be read of it until step 30 is left." in lost
    assert "evaluations.jsonl: it is not what was written: its checksum differs" in hurt
    assert (run.stats(), [row.get("step") for row in run.evaluations()][-2:]) == ([], [20, 30])


@pytest.mark.parametrize(
    "marks",
    [
        5,
        [1],
        "text",
        {"stats.jsonl": 5},
        {"stats.jsonl": {"bytes": 5}},
        {"stats.jsonl": {"bytes": -1, "sha256": "0"}},
        {"stats.jsonl": {"bytes": True, "sha256": "0"}},
        {"stats.jsonl": {"bytes": 1.0, "sha256": "0"}},
        {"stats.jsonl": {"bytes": 1, "sha256": None}},
    ],
    ids=str,
)
def test_marks_that_are_none(marks: Any) -> None:
    with pytest.raises(UserError, match="says of the JSON lines .*no length and checksum"):
        marks_in({"records": marks})


def test_marks_that_are_some() -> None:
    good = {"stats.jsonl": {"bytes": 0, "sha256": ""}, "of another rlgen": {"bytes": 10**30, "sha256": "0"}}
    assert (marks_in({}), marks_in({"records": None}), marks_in({"records": good})) == ({}, {}, good)


def test_nothing_is_written_where_there_is_no_file(run: Run) -> None:
    (run.path / "stats.jsonl").mkdir()
    with pytest.raises((OSError, UserError)):
        Records(run, resumed_at=None)
