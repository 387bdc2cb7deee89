"""How exactly an export agrees with the run it was made of, on inputs that were not trained on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import runtime
from rlgen.exporting.formats import Answering
from rlgen.served import Arrays, Served

SEED = 1
# Batches whose answers are timed, and how often.
BATCHES, ROUNDS = (1, 32), 15


def report(served: Mapping[str, Served], answering: Answering, *, count: int) -> dict[str, Any]:
    """By signature: `inputs` compared, and of each output the `largest_difference`, or for whole numbers `agreement`.

    `largest_difference` is relative to 1 or the number, whichever is larger; `agreement` the share of numbers that are
    the same. `milliseconds` are medians for batches of 1 and 32, of the run and of the export.
    """
    with runtime.one_blas_thread():
        return {name: _one(name, each, answering, count) for name, each in served.items()}


def size_bytes(place: Path) -> int:
    """Of all files below a directory."""
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def text(found: Mapping[str, Any], size: int) -> str:
    """The report, for people."""
    lines = []
    for name, row in found.items():
        lines.append(f"{name}: {row['inputs']} fresh inputs")
        for output, value in row["largest_difference"].items():
            lines.append(f"  {output:<15} largest difference {value:.2g}")
        for output, value in row["agreement"].items():
            lines.append(f"  {output:<15} the same in {100 * value:.4g} %")
        for batch, both in row["milliseconds"].items():
            lines.append(f"  batch of {batch:<6} {both['export']:.3g} ms (the run itself {both['run']:.3g})")
    return "\n".join([*lines, f"size: {size:,} bytes"])


def _one(name: str, served: Served, answering: Answering, count: int) -> dict[str, Any]:
    inputs = served.fresh(count, SEED)
    wanted, got = served.reference(inputs), answering(name, inputs)
    found: dict[str, Any] = {"inputs": count, "largest_difference": {}, "agreement": {}}
    for output, right in wanted.items():
        right, given = np.asarray(right), np.asarray(got[output])
        if right.dtype.kind == "f":
            found["largest_difference"][output] = _difference(right, given)
        else:
            found["agreement"][output] = float(np.mean(right == given))
    found["milliseconds"] = {
        str(batch): {
            "run": _timed(served.reference, inputs, batch),
            "export": _timed(_of(answering, name), inputs, batch),
        }
        for batch in BATCHES
        if batch <= count
    }
    return found


def _difference(right: Any, given: Any) -> float:
    wide = right.astype(np.float64)
    return float((np.abs(wide - given) / np.maximum(np.abs(wide), 1.0)).max(initial=0.0))


def _of(answering: Answering, name: str) -> Callable[[Arrays], Any]:
    return lambda inputs: answering(name, inputs)


def _timed(answer: Callable[[Arrays], Any], inputs: Arrays, batch: int) -> float:
    """Milliseconds, the median."""
    some = {name: array[:batch] for name, array in inputs.items()}
    answer(some)  # What is slow only once.
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer(some)
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times), 4)
