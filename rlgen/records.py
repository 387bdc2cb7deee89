"""The curves of a run that is being written: events for TensorBoard and the same as JSON lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlgen.algorithm import Evaluation
from rlgen.board.board import Board
from rlgen.callbacks import Reply
from rlgen.errors import UserError
from rlgen.lines import Lines, fault, go_back
from rlgen.run import EVALUATIONS_FILE, STATS_FILE, Run

FILES = (STATS_FILE, EVALUATIONS_FILE)


class Records:
    """Of training and of evaluations, each at its step.

    Raises:
        OSError: they cannot be written.
        UserError: there is something in their places that is no file.
    """

    def __init__(self, run: Run, *, resumed_at: int | None) -> None:
        """Open them all; `resumed_at` tells TensorBoard to forget later steps written before."""
        self.board = Board(run, resumed_at=resumed_at)
        self._lines = {name: Lines(run.path / name) for name in FILES}

    def chunk(self, step: int, scalars: Mapping[str, float], reply: Reply) -> None:
        """What a chunk of training returned, with what callbacks added to it."""
        scalars = {**scalars, **reply.scalars}
        self.board.chunk(step, scalars, reply)
        self._lines[STATS_FILE].add({"step": step, **scalars})

    def evaluation(self, step: int, found: Evaluation, reply: Reply) -> None:
        """What an evaluation found, likewise."""
        self.board.evaluation(step, found, reply)
        self._lines[EVALUATIONS_FILE].add({"step": step, **found.scalars, **reply.scalars})

    def sync(self) -> dict[str, Any]:
        """Wait until all is on the disk; what a checkpoint keeps to know them by."""
        self.board.sync()
        return {name: lines.sync() for name, lines in self._lines.items()}

    def close(self) -> None:
        """Let go of them."""
        self.board.close()
        for lines in self._lines.values():
            lines.close()


def faults(run: Run, marks: Mapping[str, Any], *, ended: bool = False) -> dict[str, str]:
    """What is wrong with the JSON lines, by their names, where `marks` is what `Records.sync` said of them.

    Of a run that has `ended` nothing was written since.
    """
    found = {name: fault(run.path / name, marks[name], ended=ended) for name in FILES if name in marks}
    return {name: what for name, what in found.items() if what is not None}


def marks_in(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint's manifest says of the JSON lines, by their files; empty if it says nothing.

    Raises:
        UserError: it is no length and checksum of each.
    """
    marks = manifest.get("records") or {}
    if not isinstance(marks, dict) or not all(map(_is_mark, marks.values())):
        raise UserError(f"A checkpoint says of the JSON lines {marks!r}, which is no length and checksum of each.")
    return marks


def _is_mark(mark: Any) -> bool:
    if not isinstance(mark, dict) or type(mark.get("bytes")) is not int:
        return False
    return mark["bytes"] >= 0 and isinstance(mark.get("sha256"), str)


def take_back(run: Run, *, step: int, marks: Mapping[str, Any]) -> list[str]:
    """Leave in the JSON lines what was written until a checkpoint; what is wrong with them, a sentence each.

    Args:
        run: whose.
        step: of the checkpoint.
        marks: what `Records.sync` said when it was written.
    """
    found = faults(run, marks)
    for name in FILES:
        go_back(run.path / name, step=step, mark=marks.get(name))
    rest = f"What can be read of it until step {step:,} is left."
    return [f"{run.path / name}: {what}. {rest}" for name, what in found.items()]
