"""Trials of the cheap algorithm, trained in this process one after another, as the processes would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlgen import worker, workers
from rlgen.errors import Interrupted, RlgenError, UserError
from rlgen.run import Run

pytest.importorskip("optuna", reason="sweeps need Optuna")


def serial(feed: workers.Feed, *, workers: int, display: Any, all_alike: bool = False) -> None:
    """As `rlgen.workers.train_fed`."""
    while (job := feed()) is not None:
        if isinstance(job, Later):
            continue
        answer = worker.train(job.request, worker.Teller(lambda said: None))
        if "done" in answer:
            job.run = Run.open(Path(answer["done"]))
        else:
            job.kind = answer["kind"]
            job.error = (UserError if job.kind == "UserError" else RlgenError)(answer["failed"])
        display.over(job)
        if job.kind == "Interrupted":
            raise Interrupted("Stopped.")


Later = workers.Later


@pytest.fixture
def here(undrawn: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started."""
    monkeypatch.setattr(workers, "train_fed", serial)


@pytest.fixture
def swept(here: None, in_empty_directory: Path) -> Callable[..., Any]:
    """Sweep over how far the walk goes, unless something else is said."""
    import rlgen

    def sweep(**asked: Any) -> Any:
        config = {"trainer.evaluate_every_steps": 10, **asked.pop("config", {})}
        search = asked.pop("search", {"rate": "0.001..1:log"})
        return rlgen.sweep("walk", search=search, steps=100, config=config, **{"trials": 5, "study": "study", **asked})

    return sweep
