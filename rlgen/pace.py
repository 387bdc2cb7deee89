"""How long a run trains and evaluates, and whether one more evaluation would be out of proportion."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# So long evaluations may take whatever their share: in a short run all of them are made.
FREE_SECONDS = 30.0


class Pace:
    """Seconds of a run, by what they went into.

    Attributes:
        training_seconds: in training alone.
        evaluation_seconds: in evaluations.
        left_out: evaluations that were not afforded.
    """

    def __init__(self, *, evaluation_share: float, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start the clock; evaluations may take so large a share of the time."""
        self._share, self._clock, self._start = evaluation_share, clock, clock()
        self.training_seconds = self.evaluation_seconds = self._longest = 0.0
        self.left_out = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock() - self._start

    @contextmanager
    def training(self) -> Iterator[None]:
        """Count what happens inside as training."""
        before = self._clock()
        yield
        self.training_seconds += self._clock() - before

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Count what happens inside as an evaluation."""
        before = self._clock()
        yield
        taken = self._clock() - before
        self.evaluation_seconds += taken
        self._longest = max(self._longest, taken)

    def affords_evaluation(self) -> bool:
        """Whether evaluations stay within their share with one more, should it take as long as the longest yet."""
        with_it = self.evaluation_seconds + self._longest
        affordable = with_it <= max(FREE_SECONDS, self._share * (self.seconds + self._longest))
        self.left_out += not affordable
        return affordable

    def report(self, steps: int) -> dict[str, float | int | None]:
        """How fast so many steps were, for `result.json`; nothing is said of none."""
        rates = (round(steps / seconds, 1) if steps else None for seconds in (self.seconds, self.training_seconds or 1))
        whole, training = rates
        return {
            "seconds": round(self.seconds, 3),
            "steps_per_second": whole,
            "training_steps_per_second": training,
            "evaluations_left_out": self.left_out,
        }
