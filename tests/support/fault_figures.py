"""What letting runs fail in every way has found, kept as data beside the other measurements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rlgen import files, lock

FILE = Path(__file__).parents[2] / "benchmarks" / "results" / "faults.json"


def write(kind: str, **figures: Any) -> None:
    """Put the figures of one kind of fault into the file; test processes take turns."""
    with lock.locked(FILE.parent):
        rows = json.loads(FILE.read_text()) if FILE.exists() else {}
        files.write(FILE, (json.dumps({**rows, kind: figures}, indent=2, sort_keys=True) + "\n").encode())
