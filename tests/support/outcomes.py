"""What a run of the cheap algorithm has come to, without what differs between two that are equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rlgen
from rlgen import checkpoint, files
from rlgen.run import Run

STEPS = 12
CONFIG = {
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


def outcome(run: Run, *, newest: bool = False) -> dict[str, Any]:
    """All that a run has come to, without times and places; with `newest` of checkpoints the last ones alone."""
    rows = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in run.stats()]
    first = -1 if newest else 0
    kept = {
        f"{each.path.parent.name} {each.step}": {name: array.tobytes() for name, array in each.load().items()}
        for place in (run.best, run.checkpoints)
        for each in checkpoint.listed(place)[first:]
    }
    config = run.config
    names = (str(path.relative_to(run.path)) for path in run.path.rglob("*"))
    return {
        "result": {key: value for key, value in run.result.items() if key not in TIMES},
        "rows": (rows, run.evaluations()),
        "kept": kept,
        "config": (config.algorithm, config.seed, config.steps, config.config, config.trainer),
        # Of these the names are those of the processes that wrote them, or are writing.
        "files": [] if newest else sorted(name for name in names if "events." not in name and ".lock" not in name),
    }
