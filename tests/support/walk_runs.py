"""Runs of the cheap algorithm with callbacks, for the tests of what is called while training goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rlgen

EVERY_TEN = {"trainer.evaluate_every_steps": 10, "trainer.checkpoint_every_steps": 10}


def train(path: Path, *callbacks: Any, steps: int = 100, resume: bool = False, **config: Any) -> rlgen.Run:
    """A run of the cheap algorithm that evaluates and saves at every tenth step."""
    asked = {} if resume else {**EVERY_TEN, **config}
    return rlgen.train("walk", steps=steps, run=path, resume=resume, config=asked, callbacks=callbacks)


def rows(run: rlgen.Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was written, without times."""
    stats = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in run.stats()]
    return stats, run.evaluations()
