"""Runs whose results are kept: each one once, in the order they are named, and again from where it stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
Job = dict[str, Any]
Row = dict[str, Any]


def kept(suite: str) -> list[Row]:
    """The results of a suite that are there, each with its `job`."""
    file = RESULTS / f"{suite}.json"
    return json.loads(file.read_text()) if file.exists() else []


def complete(suite: str, jobs: Iterable[Job], run: Callable[[Job], Row], *, only: str | None = None) -> None:
    """Run every job that has no result yet, those of the algorithm `only` alone where it is given."""
    from rlgen.runtime import import_tensorflow

    import_tensorflow()
    file = RESULTS / f"{suite}.json"
    for job in jobs:
        # Read again each time: another process may add to it.
        if job in [row["job"] for row in kept(suite)] or only not in (None, job["algorithm"]):
            continue
        made = {"job": job, **run(job)}
        file.write_text(json.dumps([*kept(suite), made], indent=1) + "\n")
        print(json.dumps(made), file=sys.stderr, flush=True)
