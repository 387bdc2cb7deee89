"""SIGINT and SIGTERM while training: one asks for a clean end, two for the end.

Python calls their handlers between two steps of Python code. Where an environment does not come back to that, the
watchdog hears of the signal and ends the run.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from rlgen import watchdog
from rlgen.run import Run


class Signals:
    """A context in which the first signal is noted and a second one stops at once.

    Outside the main thread, where Python delivers no signals, none is noted.

    Attributes:
        received: the name of the signal that came; None so far.
    """

    def __init__(self, tell: Callable[[str], None], *, advice: Callable[[], str] = str) -> None:
        """Say who is told that a signal came, and what to say of the run should an environment hang then."""
        self.received: str | None = None
        self._tell, self._advice = tell, advice
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._undo.callback(signal.signal, number, signal.signal(number, self._handle))
            self._undo.enter_context(watchdog.dog.listening(self._advice))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._undo.close()

    def _handle(self, number: int, _: Any) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = signal.Signals(number).name
        self._tell(f"{self.received}: saving, then stopping.")


def going_on(run: Run) -> str:
    """How to go on with a run."""
    return f"Go on with: {run.way_on}"


def untouched(run: Run) -> str:
    """What is left of a run that was ended in the middle of a chunk, and how to go on."""
    return f"The checkpoint of step {run.steps:,} in {run.checkpoints} is untouched. {going_on(run)}"
