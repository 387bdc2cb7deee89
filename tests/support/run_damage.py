"""Small runs, quick ones, and what there is of them, for tests of going on after something has happened to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import rlgen
from rlgen import checkpoint
from rlgen.run import Run

CONFIG = {
    "chunk": 5,
    "trainer.checkpoint_every_steps": 10,
    "trainer.evaluate_every_steps": 10,
    "trainer.evaluation_episodes": 2,
    "trainer.keep_checkpoints": 3,
}


class Ear(rlgen.Callback):
    """Hears what is said."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def message(self, text: str) -> None:
        self.heard.append(text)


class Killed(BaseException):
    """The process is no more."""


class KillAt(rlgen.Callback):
    """Ends everything at a step, as SIGKILL would: before it is saved."""

    def __init__(self, step: int) -> None:
        self.step = step

    def chunk(self, moment: rlgen.Moment) -> None:
        if moment.step >= self.step:
            raise Killed


def train(path: Path, *, kill_at: int | None = None, **asked: Any) -> Run:
    """The command, as it is typed again and again; the run is killed in the chunk that ends at `kill_at`."""
    asked = {"steps": 40, "config": CONFIG, "run": path, **asked}
    if kill_at is None:
        return rlgen.train("walk", **asked)
    try:
        rlgen.train("walk", callbacks=[KillAt(kill_at)], **asked)
    except Killed:
        return Run.open(path)
    raise AssertionError("it was not killed")


def contents(place: Path) -> dict[str, tuple[int, bytes]]:
    """All that is below a directory, with its times: what was not touched stays equal. The lock is nobody's content."""
    return {
        str(path.relative_to(place)): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in place.rglob("*")
        if path.name != ".lock"
    }


def state_of(directory: Path) -> tuple[int, dict[str, bytes]]:
    good, arrays, _ = checkpoint.newest_good(directory)
    return good.step, {name: array.tobytes() for name, array in arrays.items()}


def spoil(directory: Path, step: int, name: str = "weights") -> None:
    """Put a number that is none into a checkpoint, with checksums that fit, as only somebody on purpose would."""
    kept = checkpoint.Checkpoint(directory / checkpoint.name_of(step))
    arrays = dict(kept.load())
    arrays[name] = np.full_like(arrays[name], np.nan)
    about = {key: value for key, value in kept.manifest().items() if key not in ("bytes", "sha256", "step")}
    checkpoint.save(directory, step=step, arrays=arrays, about=about)
