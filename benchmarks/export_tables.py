"""The section of `docs/benchmarks.md` about exports and the server, from the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.markdown import table

RESULTS = Path(__file__).parent / "results" / "export.json"


def section() -> str:
    """Parity of each format, and the server beside 16 clients."""
    rows = json.loads(RESULTS.read_text())
    exports = table(
        ["run", "format", "largest difference", "the same choices", "bytes", "ms, batch of 1", "ms, batch of 32"],
        [cells(row, each) for row in rows for each in row["parity"]],
    )
    served = table(
        ["run", "requests", "clients", "lost", "largest difference", "requests per second", "p50 ms", "p99 ms"],
        [
            (
                row["algorithm"],
                f"{each['requests']:,}",
                each["clients"],
                each["lost"],
                f"{each['largest_difference']:.1g}",
                f"{each['requests_per_second']:,.0f}",
                each["p50_milliseconds"],
                each["p99_milliseconds"],
            )
            for row in rows
            if (each := row.get("serving"))
        ],
    )
    return (
        "## Exports\n\nEach run against its exports on 1,000 fresh inputs: the worst over all functions and outputs, "
        "relative to the number or to 1. Bars: SavedModel and ONNX 1e-5; float16 1e-2 and the same choices in 99 %; of "
        f"int8 what it costs is shown.\n\n{exports}\n\nRequests of one row to `rlgen serve RUN`, server and clients on "
        f"the same cores; each answer is held against the run's own.\n\n{served}\n\n`python -m benchmarks.export`\n"
    )


def cells(row: dict[str, Any], each: dict[str, Any]) -> tuple[Any, ...]:
    """A line of the table."""
    name = f"{row['algorithm']} on `{row.get('env') or row.get('data')}`"
    format = each["format"] if each["quantize"] == "none" else f"{each['format']}, {each['quantize']}"
    if "refused" in each:
        return (name, format, "refused: more than Keras' layers", "", "", "", "")
    same = "" if each["agreement"] is None else f"{100 * each['agreement']:.2f} %"
    times = (f"{each['milliseconds'][batch]['export']:.3g}" for batch in ("1", "32"))
    return (name, format, f"{each['largest_difference']:.1e}", same, f"{each['bytes']:,}", *times)
