"""What letting runs fail in every way has found, kept as data beside the other measurements: a file for each way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parents[2] / "benchmarks" / "results" / "faults"


def write(name: str, what: str, **figures: Any) -> None:
    """Put the figures of one way to fail into its file.

    Args:
        name: of the file.
        what: happened to the runs, in words.
        figures: what came of them.
    """
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / f"{name}.json").write_text(json.dumps({"what": what, **figures}, indent=2) + "\n")
