"""Who is told how training goes: a progress bar, a log, nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rlgen.algorithm import Evaluation


class Reporter(Protocol):
    """Who is told how training goes."""

    def message(self, text: str) -> None:
        """Something a person should read once."""

    def started(self, *, step: int, steps: int, unit: str) -> None:
        """Training goes from `step` to `steps`."""

    def advanced(self, step: int, scalars: Mapping[str, float]) -> None:
        """A chunk is done."""

    def evaluated(self, step: int, evaluation: Evaluation) -> None:
        """An evaluation is done."""

    def finished(self) -> None:
        """Training is over, one way or another."""


class Silent:
    """A reporter that says nothing."""

    def message(self, text: str) -> None:
        """Nothing."""

    def started(self, *, step: int, steps: int, unit: str) -> None:
        """Nothing."""

    def advanced(self, step: int, scalars: Mapping[str, float]) -> None:
        """Nothing."""

    def evaluated(self, step: int, evaluation: Evaluation) -> None:
        """Nothing."""

    def finished(self) -> None:
        """Nothing."""
