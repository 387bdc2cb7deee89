"""Progress on standard error: a bar with rate and time left, and a line for each evaluation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rlgen.callbacks import Callback, Moment
from rlgen.errors import plain

if TYPE_CHECKING:
    from rlgen.workers import Job


def watched() -> bool:
    """Whether this runs in a notebook, where somebody looks on."""
    return "ipykernel" in sys.modules


def _console() -> Console:
    """Of standard error."""
    # A notebook shows text, and one line drawn over itself; as HTML every message would be a block of its own.
    as_text: dict[str, Any] = {"force_jupyter": False}
    if watched():
        as_text |= {"force_terminal": True, "width": 110}
    return Console(stderr=True, highlight=False, **as_text)


def _bars(console: Console) -> Progress:
    """Bars with rate and time left, where somebody sees them."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


class Bar(Callback):
    """Draws a progress bar; where standard error is neither a terminal nor a notebook's, the lines alone."""

    def __init__(self) -> None:
        self._console = _console()
        self._bar = _bars(self._console)

    def message(self, text: str) -> None:
        """A line above the bar."""
        self._console.print(plain(text), markup=False, soft_wrap=True)

    def start(self, moment: Moment) -> None:
        """Start the bar."""
        self._task = self._bar.add_task("training", total=moment.steps, completed=moment.step, rate="")
        self._bar.start()

    def chunk(self, moment: Moment) -> None:
        """Move the bar."""
        rate = f"{moment.scalars['time/fps']:,.0f} {moment.algorithm.step_unit}/s"
        self._bar.update(self._task, completed=moment.step, rate=rate)

    def evaluation(self, moment: Moment) -> None:
        """A line with the main figures."""
        assert moment.evaluation is not None
        shown = list(moment.evaluation.scalars.items())[:5]
        figures = "  ".join(f"{name.removeprefix('eval/')} {value:,.4g}" for name, value in shown)
        self.message(f"step {moment.step:>9,}  {figures}")

    def end(self, moment: Moment) -> None:
        """Stop the bar."""
        self._bar.stop()


class Board:
    """Shows runs that go on side by side: a bar for each of them and one for all, and a line for what has ended."""

    def __init__(self, count: int) -> None:
        self._console = _console()
        self._bars = _bars(self._console)
        self._all = self._bars.add_task("runs", total=count, rate="")
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Board:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def message(self, text: str) -> None:
        """A line above the bars."""
        self._console.print(plain(text), markup=False, soft_wrap=True)

    def at(self, label: str, step: int, steps: int, rate: str) -> None:
        """Move the bar of a run."""
        if label not in self._tasks:
            self._tasks[label] = self._bars.add_task(label, rate="")
        self._bars.update(self._tasks[label], completed=step, total=steps, rate=rate)

    def ended(self, label: str) -> None:
        """Take away the bar of a run, which is done or has failed."""
        if (task := self._tasks.pop(label, None)) is not None:
            self._bars.remove_task(task)
        self._bars.advance(self._all)

    def over(self, job: Job) -> None:
        """Put a line in the place of its bar."""
        self.ended(job.label)
        if job.run is None:
            self.message(f"{job.label}: {job.error}")
            return
        result = job.run.result
        score = result["score"]
        self.message(f"{job.label}: {score} {result['evaluation'][score]:,.4g}, {job.run.path}")


class Shared(Board):
    """Shows one run that several processes train: whoever asked for it says what came of it."""

    def __init__(self) -> None:
        super().__init__(1)

    def over(self, job: Job) -> None:
        """Take its bar away."""
        self.ended(job.label)
