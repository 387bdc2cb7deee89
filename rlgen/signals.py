"""SIGINT and SIGTERM while training: one asks for a clean end, two for the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Signals:
    """A context in which the first signal is noted and a second one stops at once.

    Outside the main thread, where Python delivers no signals, none is noted.

    Attributes:
        received: the name of the signal that came; None so far.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Say who is told that a signal came."""
        self.received: str | None = None
        self._tell = tell
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: Any) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = signal.Signals(number).name
        self._tell(f"{self.received}: saving, then stopping.")
