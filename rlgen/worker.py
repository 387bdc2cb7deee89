"""A process that trains one run after another for whoever started it (`rlgen.workers`).

What is asked for comes as a line of JSON on standard input, what there is to say goes as such lines to standard output:
`{"step": ..., "steps": ..., "rate": ...}` now and then, `{"told": ...}`, and at the end `{"done": directory}` or
`{"failed": message, "kind": class}`. Where nobody is left to ask, the run that goes on is saved and stopped.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rlgen import runtime
from rlgen.callbacks import Callback, Moment
from rlgen.errors import RlgenError
from rlgen.together import crew

SECONDS_BETWEEN_WORDS = 0.2


class Teller(Callback):
    """Says where a run stands, not too often."""

    def __init__(self, say: Any) -> None:
        self._say, self._last = say, 0.0

    def message(self, text: str) -> None:
        """Passed on."""
        self._say({"told": text})

    def chunk(self, moment: Moment) -> None:
        """The steps and the rate."""
        if (now := time.monotonic()) - self._last >= SECONDS_BETWEEN_WORDS:
            self._last = now
            rate = f"{moment.scalars['time/fps']:,.0f} {moment.algorithm.step_unit}/s"
            self._say({"step": moment.step, "steps": moment.steps, "rate": rate})


class Requests:
    """Lines of standard input, read by a thread: their end is heard of while a run goes on, too.

    Attributes:
        busy: whether a run goes on.
    """

    def __init__(self, lines: IO[str]) -> None:
        self.busy = False
        self._waiting: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        while (line := self._waiting.get()) is not None:
            self.busy = True
            yield json.loads(line)
            self.busy = False

    def _read(self, lines: IO[str]) -> None:
        for line in lines:
            self._waiting.put(line)
        self._waiting.put(None)
        if self.busy:
            os.kill(os.getpid(), signal.SIGTERM)


def train(request: Mapping[str, Any], teller: Teller) -> dict[str, Any]:
    """The run that is asked for, made, gone on with, or found to be finished; what to answer."""
    from rlgen import planning
    from rlgen.together import leading

    plain = {key: value for key, value in request.items() if key not in ("callback", "crew")}
    try:
        if (others := request.get("crew")) is not None:
            leading.speak_through(teller.message)
            joined = crew.join(others["addresses"], others["rank"])
            if joined.rank:
                return {"done": str(leading.follow(joined))}
        run = planning.plan(**plain).execute([teller, *_asked(request.get("callback"))])
    except RlgenError as error:
        return {"failed": str(error), "kind": type(error).__name__}
    except KeyboardInterrupt:
        return {"failed": "stopped.", "kind": "Interrupted"}
    finally:
        leading.dismiss()
    return {"done": str(run.path)}


def _asked(callback: tuple[str, Mapping[str, Any]] | None) -> list[Callback]:
    """The callback that a request names, with its arguments."""
    if callback is None:
        return []
    module, _, name = callback[0].partition(":")
    return [getattr(importlib.import_module(module), name)(**callback[1])]


def main() -> None:
    """Serve until nobody asks."""
    # Standard output is for answers alone: what anybody else prints goes where errors go.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(what: Mapping[str, Any]) -> None:
        answers.write(json.dumps(what) + "\n")

    # Between two runs nothing is to be saved.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, teller = Requests(sys.stdin), Teller(say)
    runtime.import_tensorflow(alone=True)
    for request in requests:
        try:
            answer = train(request, teller)
        except Exception as error:  # A plug-in of a user's own may raise anything: the next run is not to blame.
            answer = {"failed": f"{type(error).__name__}: {error}", "kind": type(error).__name__}
        say(answer)
        if "crew" in request:
            crew.leave(0)


if __name__ == "__main__":
    main()
