"""Messages quote what files say, and a terminal must not obey it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from strangers import rewrite

import rlgen
from rlgen import runtime
from rlgen.algorithm import Evaluation
from rlgen.errors import RlgenError, UnknownName, UserError, plain
from rlgen.progress import Bar

TITLE = "\x1b]0;owned\x07"
SHOWN = "\\x1b]0;owned\\x07"


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert plain(TITLE) == SHOWN
    assert plain("a\tb\nc ä € 🙂") == "a\tb\nc ä € 🙂"
    assert plain("\r\x00\x7f\x9b2J\u202eabc\u2066\u200f") == "\\x0d\\x00\\x7f\\x9b2J\\u202eabc\\u2066\\u200f"
    assert plain(plain(TITLE)) == plain(TITLE)


@pytest.mark.parametrize("error", [RlgenError, UserError, UnknownName])
def test_errors_carry_it_that_way(error: type[RlgenError]) -> None:
    made = error(f"no '{TITLE}'")
    assert str(made) == f"no '{SHOWN}'" and str(pickle.loads(pickle.dumps(made))) == str(made)
    assert error("a", 1).args == ("a", 1) and str(error()) == ""


def test_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    runtime.tell(TITLE)
    Bar().message(TITLE)
    assert capsys.readouterr().err == f"rlgen: {SHOWN}\n{SHOWN}\n"


@pytest.mark.parametrize("field", ["problem", "algorithm", "config"])
def test_a_run_with_control_characters(
    field: str, tmp_path: Path, walk: Any, rlgen_command: Callable[..., Any]
) -> None:
    run = rlgen.train("walk", steps=10, run=tmp_path / "run")
    rewrite(run.path / "config.json", **{field: TITLE if field != "config" else {TITLE: 1, "signal": TITLE}})
    commands = [["evaluate", run.path], ["record", run.path, "--out", tmp_path / "film.gif"]]
    for arguments in (*commands, ["train", "walk", "--resume", "--run", run.path, "--steps", "20"]):
        done = rlgen_command(*arguments)
        assert done.code == 2 and SHOWN in done.err
        assert not {"\x1b", "\x07"} & {*done.out, *done.err}


def test_evaluations_with_control_characters(
    tmp_path: Path, walk: Any, rlgen_command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(self: Any, **_: Any) -> Evaluation:
        return Evaluation({TITLE: 0.5, "eval/score": 1.0}, 1)

    monkeypatch.setattr(walk.Walk, "evaluate", evaluate)
    run = tmp_path / "run"
    for arguments in (["train", "walk", "--steps", "10", "--run", run], ["evaluate", run]):
        done = rlgen_command(*arguments)
        assert done.code == 0 and SHOWN in done.out
        assert not {"\x1b", "\x07"} & {*done.out, *done.err}
