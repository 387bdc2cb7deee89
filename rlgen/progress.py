"""Progress on standard error: a bar with rate and time left, and a line for each evaluation."""

from __future__ import annotations

import sys
from typing import Any

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


def watched() -> bool:
    """Whether this runs in a notebook, where somebody looks on."""
    return "ipykernel" in sys.modules


class Bar(Callback):
    """Draws a progress bar; where standard error is neither a terminal nor a notebook's, the lines alone."""

    def __init__(self) -> None:
        # A notebook shows text, and one line drawn over itself; as HTML every message would be a block of its own.
        as_text: dict[str, Any] = {"force_jupyter": False}
        if watched():
            as_text |= {"force_terminal": True, "width": 110}
        self._console = Console(stderr=True, highlight=False, **as_text)
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
