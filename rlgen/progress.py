"""Progress on standard error: a bar with rate and time left, and a line for each evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rlgen.algorithm import Evaluation


class Bar:
    """A reporter that draws a progress bar; where standard error is no terminal, the lines alone."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._unit = ""

    def message(self, text: str) -> None:
        """A line above the bar."""
        self._console.print(text, markup=False, soft_wrap=True)

    def started(self, *, step: int, steps: int, unit: str) -> None:
        """Start the bar."""
        self._unit = unit
        self._task = self._bar.add_task("training", total=steps, completed=step, rate="")
        self._bar.start()

    def advanced(self, step: int, scalars: Mapping[str, float]) -> None:
        """Move the bar."""
        rate = f"{scalars['time/fps']:,.0f} {self._unit}/s"
        self._bar.update(self._task, completed=step, rate=rate)

    def evaluated(self, step: int, evaluation: Evaluation) -> None:
        """A line with the main figures."""
        figures = "  ".join(
            f"{name.removeprefix('eval/')} {value:,.4g}" for name, value in list(evaluation.scalars.items())[:5]
        )
        self.message(f"step {step:>9,}  {figures}")

    def finished(self) -> None:
        """Stop the bar."""
        self._bar.stop()
