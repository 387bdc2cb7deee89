"""What TensorBoard costs: the time that runs spend on all that is written for it, and the bytes.

Each run is one that `rlgen train` makes, with everything that is on by default. The clock runs inside the functions
that write for TensorBoard, so that the share does not hang on how fast the machine is just then.

    python -m benchmarks.summaries
"""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rlgen
from rlgen import finish
from rlgen.board import board
from rlgen.run import SUMMARIES

RESULTS = Path(__file__).parent / "results" / "summaries.json"
BAR_SHARE, BAR_MEGABYTES = 0.02, 50
# About a minute each on two cores.
RUNS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("a2c", {"env": "CartPole-v1"}, 4_000_000),
    ("double_dqn", {"env": "CartPole-v1"}, 100_000),
    ("sac", {"env": "Pendulum-v1"}, 10_000),
    ("cnn", {"data": "digits"}, 10_000),
    ("vae", {"data": "digits"}, 6_000),
    ("dcgan", {"data": "digits"}, 2_000),
)
IN_TRAINING = ("begin", "chunk", "evaluation", "sync")
AT_THE_END = ("conclude", "embed")


class Clock:
    """Seconds and calls of functions, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        @functools.wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
                self.calls[name] = self.calls.get(name, 0) + 1

        return timed


def hour(*, chunks: int, seconds: float, row_bytes: float, other_bytes: float) -> float:
    """Megabytes of an hour's run: as many rows as would be written, and what each run writes once or per evaluation."""
    rows = min(chunks / seconds * 3600, board.FIRST_ROWS + board.ROWS_PER_SECOND * 3600)
    return (rows * row_bytes + other_bytes) / 1e6


def measured(name: str, problem: dict[str, str], steps: int) -> dict[str, Any]:
    """One run with the clock in it."""
    clock, original = Clock(), {method: getattr(board.Board, method) for method in (*IN_TRAINING, *AT_THE_END)}
    film = finish.film_result
    for method, function in original.items():
        setattr(board.Board, method, clock.around(method, function))
    finish.film_result = clock.around("film", film)
    try:
        with tempfile.TemporaryDirectory() as place:
            run = rlgen.train(name, steps=steps, run=Path(place) / "run", **problem)  # type: ignore[arg-type]
            directories = [run.path / part for part in SUMMARIES]
            size = sum(file.stat().st_size for each in directories for file in each.rglob("*") if file.is_file())
            rows, result = run.stats(), run.result
            row_bytes = _row_bytes(rows[-1])
    finally:
        finish.film_result = film
        for method, function in original.items():
            setattr(board.Board, method, function)
    seconds = result["seconds"]
    written = min(len(rows), board.FIRST_ROWS + board.ROWS_PER_SECOND * seconds)
    spent = {part: sum(clock.seconds.get(each, 0.0) for each in parts) for part, parts in _PARTS.items()}
    return {
        "name": f"{name} on {next(iter(problem.values()))}",
        "steps": steps,
        "seconds": seconds,
        "share_in_training": spent["training"] / seconds,
        "seconds_at_the_end": spent["end"],
        "megabytes": size / 1e6,
        "megabytes_an_hour": hour(
            chunks=len(rows), seconds=seconds, row_bytes=row_bytes, other_bytes=size - written * row_bytes
        ),
        "chunks_per_second": len(rows) / seconds,
        "spent": {name: round(value, 4) for name, value in clock.seconds.items()},
    }


_PARTS = {"training": IN_TRAINING, "end": (*AT_THE_END, "film")}


def _row_bytes(row: dict[str, Any]) -> float:
    """What a row of scalars takes in an event file."""
    from rlgen.summary import SummaryWriter

    with tempfile.TemporaryDirectory() as place:
        writer = SummaryWriter(Path(place))
        before = sum(file.stat().st_size for file in Path(place).iterdir())
        writer.scalars(row["step"], {name: value for name, value in row.items() if name != "step"})
        writer.close()
        return float(sum(file.stat().st_size for file in Path(place).iterdir()) - before)


def main() -> None:
    from rlgen.runtime import import_tensorflow

    import_tensorflow(alone=True)
    rows = []
    for run in RUNS:
        rows.append(measured(*run))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
