"""What tests of runs side by side share, here and on a cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rlgen
from rlgen import workers

OFTEN = {"trainer.evaluate_every_steps": 50, "trainer.checkpoint_every_steps": 50, "batch_size": 16}


class Watch:
    """Shows nothing, and does something when a run has first been heard of."""

    def __init__(self, first: Callable[[str], None] = lambda label: None) -> None:
        self.told: list[str] = []
        self.ended: list[str] = []
        self._first, self._heard, self._lock = first, set[str](), threading.Lock()

    def at(self, label: str, step: int, steps: int, rate: str) -> None:
        with self._lock:
            new = label not in self._heard
            self._heard.add(label)
        if new:
            self._first(label)

    def message(self, text: str) -> None:
        self.told.append(text)

    def over(self, job: workers.Job) -> None:
        self.ended.append(job.label)


def job(place: Path, seed: int, **more: Any) -> workers.Job:
    request = {"name": "linear", "data": "digits", "steps": 400, "seed": seed, "run": place / f"s{seed}", **more}
    return workers.Job(f"s{seed}", workers.portable({"config": OFTEN, "resume": "auto", **request}))


def assert_same(run: rlgen.Run, other: rlgen.Run) -> None:
    assert run.result["evaluation"] == other.result["evaluation"]
    one, two = (each.weights("last")[1] for each in (run, other))
    assert one.keys() == two.keys() and all(one[name].tobytes() == two[name].tobytes() for name in one)
