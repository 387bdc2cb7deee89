"""What a server counts, in the text form that Prometheus reads."""

from __future__ import annotations

import threading
from collections import Counter

# Upper ends of what a request may take.
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Counters:
    """Requests by their codes, how long they took, and batches; from several threads."""

    def __init__(self) -> None:
        """All of it 0."""
        self._lock = threading.Lock()
        self._codes: Counter[int] = Counter()
        self._took: Counter[float] = Counter()
        self._seconds = 0.0
        self._batches, self._rows = 0, 0

    def request(self, code: int, seconds: float) -> None:
        """A request was answered with a code, so long after it came."""
        with self._lock:
            self._codes[code] += 1
            self._seconds += seconds
            self._took.update(end for end in SECONDS if seconds <= end)

    def batch(self, rows: int) -> None:
        """So many rows were answered at once."""
        with self._lock:
            self._batches += 1
            self._rows += rows

    def text(self, model: str) -> str:
        """All of it, each name with what it is."""
        with self._lock:
            codes, took = dict(self._codes), dict(self._took)
            seconds, batches, rows = self._seconds, self._batches, self._rows
        label, count = f'model="{model}"', sum(codes.values())
        lines = _about("requests_total", "counter", "Requests for predictions, by HTTP code.")
        lines += [f'rlgen_requests_total{{{label},code="{code}"}} {number}' for code, number in sorted(codes.items())]
        lines += _about("request_seconds", "histogram", "From a request to its answer.")
        lines += [f'rlgen_request_seconds_bucket{{{label},le="{end:g}"}} {took.get(end, 0)}' for end in SECONDS]
        lines += [
            f'rlgen_request_seconds_bucket{{{label},le="+Inf"}} {count}',
            f"rlgen_request_seconds_sum{{{label}}} {seconds:.6f}",
            f"rlgen_request_seconds_count{{{label}}} {count}",
        ]
        lines += [
            *_about("batches_total", "counter", "Calls of the model."),
            f"rlgen_batches_total{{{label}}} {batches}",
        ]
        lines += _about("rows_total", "counter", "Rows that it answered; over the batches, the mean size of one.")
        lines += [f"rlgen_rows_total{{{label}}} {rows}"]
        return "\n".join(lines) + "\n"


def _about(name: str, kind: str, what: str) -> list[str]:
    return [f"# HELP rlgen_{name} {what}", f"# TYPE rlgen_{name} {kind}"]
