"""What a run of the cheap algorithm has come to, without what differs between two that are equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ring import Ring

import rlgen
from rlgen import checkpoint, files, segments
from rlgen.run import Run

STEPS = 12
CONFIG: dict[str, Any] = {
    "chunk": 2,
    "trainer.checkpoint_every_steps": 4,
    "trainer.evaluate_every_steps": 3,
    "trainer.evaluation_episodes": 2,
    "trainer.keep_checkpoints": 2,
}
TIMES = {"run", "seconds", "steps_per_second", "training_steps_per_second"}


def train(path: Path) -> Run:
    """The command that is typed again and again."""
    return rlgen.train("walk", run=path, steps=STEPS, seed=1, config=CONFIG)


def command(path: Path) -> list[str]:
    """The same for the command line."""
    return [
        *("train", "walk", "--run", str(path), "--steps", str(STEPS), "--seed", "1"),
        *(word for key, value in CONFIG.items() for word in ("--set", f"{key}={value}")),
    ]


def draw(run: Run, *_: Any, **__: Any) -> Path:
    """In the place of `draw_learning_curve`, which is nine tenths of such a run's time."""
    path = run.path / "media" / "learning_curve.png"
    files.write(path, b"drawn")
    return path


def rows_of(kept: checkpoint.Checkpoint) -> bytes:
    """What a checkpoint has of its replay in files beside it."""
    ring = Ring()
    for name, of_path in segments.listed(kept.manifest()).items():
        segments.load(kept.path.parent, ring, of_path, name=name)
    return ring.values.tobytes() + ring.flags.tobytes()


def outcome(run: Run, *, newest: bool = False) -> dict[str, Any]:
    """All that a run has come to, without times and places; with `newest` of checkpoints the last ones alone."""
    rows = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in run.stats()]
    first = -1 if newest else 0
    kept = {
        f"{each.path.parent.name} {each.step}": {name: array.tobytes() for name, array in each.load().items()}
        for place in (run.best, run.checkpoints)
        for each in checkpoint.listed(place)[first:]
    }
    rows_kept = [rows_of(each) for each in checkpoint.listed(run.checkpoints)[first:]]
    config = run.config
    # Files of rows are named at random: how many there are is what counts.
    names = [str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.parent.name != segments.DIRECTORY]
    names += ["a file of rows" for _ in (run.checkpoints / segments.DIRECTORY).glob("*")]
    return {
        "result": {key: value for key, value in run.result.items() if key not in TIMES},
        "rows": (rows, run.evaluations()),
        "kept": (kept, rows_kept),
        "config": (config.algorithm, config.seed, config.steps, config.config, config.trainer),
        # Of these the names are those of the processes that wrote them, or are writing.
        "files": [] if newest else sorted(name for name in names if "events." not in name and ".lock" not in name),
    }
