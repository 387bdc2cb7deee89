"""Runs side by side, in processes of this machine.

Each process trains one run after another, so that a program is compiled once in it. The unit is a run, which can be
asked for again: one that has been begun goes on from its checkpoint, one that is finished is left alone. So a process
that dies is replaced, and its run goes on in the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rlgen import brought
from rlgen.errors import Interrupted, RlgenError, UserError
from rlgen.run import Run, is_run

# Processes that a run may lose without a step forward.
MOST_LOST = 3
# How long to wait where there is nothing to train yet.
PAUSE_SECONDS = 0.2


@dataclass
class Job:
    """A run that is asked for.

    Attributes:
        label: what to call it.
        request: what `rlgen.train` is to be told, as JSON has it; `run` is its directory. With `callback` it has
            `["module:class", arguments]` of a callback that is made in the process.
        lost: processes since it last went forward.
        step: where it stood when it lost the last one.
        run: when it is done.
        error: why it failed.
        kind: the class of the error in the process; none if the process was lost.
    """

    label: str
    request: Mapping[str, Any]
    lost: int = 0
    step: int = -1
    run: Run | None = None
    error: RlgenError | None = None
    kind: str | None = None


class Later:
    """Said where there is nothing to train yet, but may be soon."""


# Asked for the next run; None: there are no more.
Feed = Callable[[], Job | Later | None]


class Display(Protocol):
    """Whoever shows how the runs are doing; called from several threads."""

    def at(self, label: str, step: int, steps: int, rate: str) -> None:
        """A run has come so far."""

    def message(self, text: str) -> None:
        """Something to be said."""

    def over(self, job: Job) -> None:
        """A run is done, or has failed."""


def portable(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request as another process can take it.

    Raises:
        UserError: it has an object that this process alone knows.
    """

    def text(value: Any) -> Any:
        name = value if isinstance(value, str) else brought.bring(value)
        if name.startswith(brought.MARK):
            raise UserError(
                f"'{name.removeprefix(brought.MARK)}' is an object of this process, and others cannot see it: write it "
                "into a module, and give package.module:name."
            )
        return name

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, (Path, Run)):
            return str(value.path if isinstance(value, Run) else value)
        return text(value)

    return {key: plain(value) for key, value in request.items() if value is not None}


def train(jobs: Sequence[Job], *, workers: int, display: Display, all_alike: bool = False) -> None:
    """Train all of them, so many at once; each job knows its run then, or why there is none.

    Args:
        jobs: what is asked for.
        workers: processes.
        display: who shows it.
        all_alike: where one cannot be, none can: the others are not begun.

    Raises:
        Interrupted: a signal asked to stop; runs that had begun are saved.
    """
    waiting = deque(jobs)
    train_fed(
        lambda: waiting.popleft() if waiting else None,
        workers=min(workers, len(jobs)),
        display=display,
        all_alike=all_alike,
    )


def train_fed(feed: Feed, *, workers: int, display: Display, all_alike: bool = False) -> None:
    """Train what is fed, so many at once, until there is no more; arguments and errors are those of `train`.

    `feed` is never called by two threads at once.
    """
    pool = _Pool(feed, display, all_alike)
    with pool.stopped_by_signals():
        threads = [threading.Thread(target=pool.work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if pool.stopping:
        raise Interrupted("Stopped; every run that had begun is saved. The same command goes on with them.")


class _Pool:
    """What the threads share, each of which has one process."""

    def __init__(self, feed: Feed, display: Display, all_alike: bool) -> None:
        self._feed, self._lock = feed, threading.Lock()
        self._lost, self._closed = deque[Job](), False
        self._display, self._all_alike = display, all_alike
        self._processes: set[_Process] = set()
        self.stopping = False

    def work(self) -> None:
        """Train what waits, one after another."""
        with contextlib.ExitStack() as last:
            process: _Process | None = None
            while (job := self._next()) is not None:
                if process is None:
                    process = self._started()
                    last.callback(self._ended, process)
                answer = process.train(job, self._display)
                if answer is None:
                    self._lose(job, process)
                    process = None
                else:
                    self._finish(job, answer)

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """The first signal lets every process save its run and stop, a second one ends them."""

        def stop(number: int, _: Any) -> None:
            first, self.stopping = not self.stopping, True
            if first:
                self._display.message(f"{signal.Signals(number).name}: saving what runs, then stopping.")
            for process in list(self._processes):
                process.send(signal.SIGTERM if first else signal.SIGKILL)

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _next(self) -> Job | None:
        while not self.stopping:
            with self._lock:
                if self._closed:
                    return None
                job = self._lost.popleft() if self._lost else self._feed()
            if not isinstance(job, Later):
                return job
            time.sleep(PAUSE_SECONDS)
        return None

    def _started(self) -> _Process:
        process = _Process()
        self._processes.add(process)
        return process

    def _ended(self, process: _Process) -> None:
        self._processes.discard(process)
        process.close()

    def _finish(self, job: Job, answer: Mapping[str, Any]) -> None:
        if "done" in answer:
            job.run = Run.open(Path(answer["done"]))
        else:
            job.kind = answer["kind"]
            job.error = (UserError if answer["kind"] == "UserError" else RlgenError)(answer["failed"])
            if self._all_alike and isinstance(job.error, UserError):
                self._closed = True
        self._display.over(job)

    def _lose(self, job: Job, process: _Process) -> None:
        """Let a run whose process is gone wait for another one; or give up, where it gets nowhere."""
        if self.stopping:
            return
        place = Path(job.request["run"])
        at = Run.open(place).steps if is_run(place) else 0
        job.lost, job.step = (job.lost + 1 if at <= job.step else 1), at
        if job.lost > MOST_LOST:
            job.error = RlgenError(
                f"{job.label} has lost {job.lost} processes at step {at:,} and is given up: {process.why()}"
            )
            self._display.over(job)
            return
        self._display.message(f"{job.label} goes on in another process from step {at:,}: {process.why()}")
        with self._lock:
            self._lost.appendleft(job)


class _Process:
    """A worker, `python -m rlgen.worker`, and the lines that go to it and come from it."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`.
        # What can be imported here can be imported there.
        path = os.pathsep.join(place for place in sys.path if place)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rlgen.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": path},
            # A terminal's Ctrl-C is for the one who asked; it is passed on once.
            start_new_session=True,
        )

    def train(self, job: Job, display: Display) -> Mapping[str, Any] | None:
        """The last answer; None if the process died before it."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(job.request) + "\n")
        except OSError:
            return None
        for line in self._process.stdout:
            if not line.endswith("\n"):
                return None
            said = json.loads(line)
            if "step" in said:
                display.at(job.label, **said)
            elif "told" in said:
                display.message(f"{job.label}: {said['told']}")
            else:
                return said
        return None

    def send(self, number: int) -> None:
        """A signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def why(self) -> str:
        """Why it is gone."""
        code = self._process.wait()
        if code < 0:
            return f"{signal.Signals(-code).name} ended the process."
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        return f"the process ended with code {code}: {said[-1] if said else 'it said nothing'}"

    def close(self) -> None:
        """Let it go: it ends when nobody asks any more."""
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()
