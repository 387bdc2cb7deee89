import dataclasses
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from rlgen.algorithm import Evaluation
from rlgen.callbacks import Moment
from rlgen.progress import Bar, watched


def moment(walk: Any, step: int, steps: int, **more: Any) -> Moment:
    algorithm = walk.Walk(problem="plain", config=walk.WalkConfig(), seed=0)
    return Moment(step=step, steps=steps, algorithm=algorithm, path=Path(), **more)


def test_lines_go_to_standard_error(walk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bar, at = Bar(), moment(walk, 5, 10)
    bar.message("replay [100 MB]")
    bar.start(dataclasses.replace(at, step=0))
    bar.chunk(dataclasses.replace(at, scalars={"time/fps": 1234.5}))
    found = Evaluation({"eval/accuracy": 0.9876543, "eval/loss": 1.0}, 1)
    bar.evaluation(dataclasses.replace(at, evaluation=found))
    bar.end(at)
    said = capsys.readouterr()
    assert said.out == ""
    assert "replay [100 MB]" in said.err
    assert "step         5  accuracy 0.9877  loss 1" in said.err


def test_a_bar_shows_rate_and_time_left(
    walk: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "COLUMNS": "160", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(walk.Walk, "step_unit", "batches")
    bar = Bar()
    bar.start(moment(walk, 20, 100))
    bar.chunk(moment(walk, 50, 100, scalars={"time/fps": 1234.5}))
    bar.end(moment(walk, 50, 100))
    said = capsys.readouterr()
    assert said.out == ""
    for word in ("training", "/100", "1,234 batches/s", "0:00:00"):
        assert word in said.err


def test_a_notebook_gets_a_line_that_is_drawn_over_itself(
    walk: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not watched()
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    assert watched()
    bar = Bar()
    bar.start(moment(walk, 20, 100))
    bar.message("a remark")
    bar.end(moment(walk, 50, 100))
    said = capsys.readouterr()
    assert (said.out, "a remark\n" in said.err, "training" in said.err) == ("", True, True)
    assert "\x1b[1A" not in said.err, "a notebook cannot go up a line"
