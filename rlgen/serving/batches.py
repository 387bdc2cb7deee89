"""Requests that come at the same time are answered together: a batch of 32 costs hardly more than one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.errors import RlgenError

Arrays = Mapping[str, npt.NDArray[Any]]

# Requests that wait; who comes then is told to come again.
MOST_WAITING = 4096


class Busy(RlgenError):
    """So many wait already that another one would only wait longer."""


@dataclass(frozen=True)
class _Asked:
    signature: str
    inputs: Arrays
    rows: int
    answer: Future[dict[str, Any]] = field(default_factory=Future)


class Batches:
    """One thread that answers what waits, as many rows of a signature at once as there is room for.

    It never waits longer than it is told to: what comes while it works makes the next batch.
    """

    def __init__(
        self,
        answering: Callable[[str, Arrays], Mapping[str, Any]],
        *,
        most_rows: int = 64,
        wait_seconds: float = 0.0,
        seen: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """Begin.

        Args:
            answering: answers a signature, inputs and outputs [N, ...] by name.
            most_rows: of a batch; a request with more is one of its own.
            wait_seconds: how long the first of a batch waits for others.
            seen: is told of the rows of each batch.
        """
        self._answering, self._most, self._wait, self._seen = answering, most_rows, wait_seconds, seen
        self._waiting: queue.Queue[_Asked | None] = queue.Queue(MOST_WAITING)
        self._left: _Asked | None = None
        self._thread = threading.Thread(target=self._work, name="rlgen-batches", daemon=True)
        self._thread.start()

    def ask(self, signature: str, inputs: Arrays, *, timeout_seconds: float) -> dict[str, Any]:
        """The answer to a request; whoever asks waits.

        Raises:
            Busy: too many wait, or it takes longer than that.
            Exception: what the model raised.
        """
        asked = _Asked(signature, inputs, len(next(iter(inputs.values()))))
        try:
            self._waiting.put_nowait(asked)
            return asked.answer.result(timeout_seconds)
        except queue.Full:
            raise Busy(f"{MOST_WAITING:,} requests wait already: come again.") from None
        except TimeoutError:
            asked.answer.cancel()
            raise Busy(f"No answer after {timeout_seconds:g} seconds: come again.") from None

    def close(self) -> None:
        """Answer what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._answer(batch)
            except BaseException as error:  # Whatever it is, those who wait have to hear of it.
                for each in batch:
                    if not each.answer.done():
                        each.answer.set_exception(error)

    def _next(self) -> list[_Asked] | None:
        """Requests of one signature; None where there will be no more."""
        first = self._left or self._waiting.get()
        self._left = None
        if first is None:
            return None
        batch, rows, until = [first], first.rows, time.monotonic() + self._wait
        while rows < self._most:
            try:
                another = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if another is None:
                self._waiting.put(None)
                break
            if another.signature != first.signature or rows + another.rows > self._most:
                self._left = another
                break
            batch.append(another)
            rows += another.rows
        return batch

    def _answer(self, batch: list[_Asked]) -> None:
        # Nobody waits any more for those that were cancelled, and from here on none can be.
        batch = [each for each in batch if each.answer.set_running_or_notify_cancel()]
        if not batch:
            return
        inputs = {name: np.concatenate([each.inputs[name] for each in batch]) for name in batch[0].inputs}
        found = self._answering(batch[0].signature, inputs)
        self._seen(sum(each.rows for each in batch))
        first = 0
        for each in batch:
            rows = slice(first, first + each.rows)
            each.answer.set_result({name: array[rows] for name, array in found.items()})
            first += each.rows
