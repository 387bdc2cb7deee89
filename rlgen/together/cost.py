"""What the exchange between the processes of a crew costs, and whether sharing a run is worth that."""

from __future__ import annotations

from collections.abc import Mapping

from rlgen.together.crew import Joined

# How long an update is timed, after the first chunk, which compiles.
TIMED_SECONDS = 3.0
# What several processes should bring, about, or they are not worth it.
LEAST_SPEEDUP = 1.25


class Cost:
    """Notes what updates take, and what of it the exchange.

    Attributes:
        scalars: to be reported, once it is known.
    """

    def __init__(self, joined: Joined, *, xla: bool) -> None:
        """Take the crew, and whether XLA would compile the whole program of one process."""
        self.scalars: dict[str, float] = {}
        self._xla = xla
        self._joined, self._seconds = joined, 0.0
        # Updates and exchanges, when the timing began and now.
        self._first: tuple[float, int] | None = None
        self._now: tuple[float, int] = (0.0, 0)

    def ready(self, found: Mapping[str, float], seconds: float) -> bool:
        """Note a chunk; whether there is enough to judge by, for the first time."""
        before, self._now = self._now, (found["work/updates"], self._joined.exchanges())
        if self._first is None:
            self._first = self._now
            return False
        self._seconds += seconds
        return self._seconds >= TIMED_SECONDS > self._seconds - seconds and before < self._now

    def measured(self) -> str:
        """Time exchanges alone; what it all means, for people."""
        assert self._first is not None, "it is ready"
        joined = self._joined
        updates, exchanges = (now - first for now, first in zip(self._now, self._first, strict=True))
        ms = 1000 * self._seconds / updates
        exchange = min(1000 * joined.measured_seconds() * exchanges / updates, ms)
        share = exchange / ms
        numbers = sum(joined.numbers) / len(joined.numbers)
        self.scalars = {"time/exchange_share": share, "work/exchanged_numbers": numbers * exchanges / updates}
        speedup = joined.size * (1 - share)
        if self._xla:
            verdict = (
                "XLA compiles one process's program as a whole, which exchanges prevent: it is likely faster, so this "
                "does not pay."
            )
        elif speedup < LEAST_SPEEDUP:
            verdict = "That hardly pays: one process takes about as long. Larger batches or networks would pay."
        else:
            verdict = f"On cores of their own they are up to {speedup:.1f} times as fast as one."
        return (
            f"An update takes {ms:.3g} ms in {joined.size} processes, {exchange:.3g} ms of them the exchange of "
            f"{max(joined.numbers):,} numbers between them: {1 - share:.0%} efficiency. {verdict}"
        )
