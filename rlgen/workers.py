"""Runs side by side, in processes of this machine (`rlgen.processes`) or of a cluster (`rlgen.cluster`).

Each process trains one run after another, so that a program is compiled once in it. The unit is a run, which can be
asked for again: one that has been begun goes on from its checkpoint, one that is finished is left alone. So a process
that dies is replaced, and its run goes on in the next.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rlgen import brought, lock
from rlgen.errors import Interrupted, RlgenError, UserError
from rlgen.processes import Process
from rlgen.run import Run, is_run

# Processes that a run may lose without a step forward.
MOST_LOST = 3
# How long to wait where there is nothing to train yet.
PAUSE_SECONDS = 0.2
# How long one that nobody hears of any more may take to save its run.
LEAVING_SECONDS = 60.0


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


class Worker(Protocol):
    """A process somewhere that trains one run after another; each belongs to one thread."""

    def words(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Ask for a run: all that is said of it, the answer last; it does not come if the process dies before."""

    def send(self, number: int) -> None:
        """A signal, if it still runs; called from the main thread."""

    def why(self) -> str:
        """Why it is gone."""

    def close(self) -> None:
        """Let it go."""


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


def train(
    jobs: Sequence[Job],
    *,
    workers: int,
    display: Display,
    all_alike: bool = False,
    start: Callable[[], Worker] = Process,
) -> None:
    """Train all of them, so many at once; each job knows its run then, or why there is none.

    Args:
        jobs: what is asked for.
        workers: processes.
        display: who shows it.
        all_alike: where one cannot be, none can: the others are not begun.
        start: a process, where runs are trained.

    Raises:
        RlgenError: there is no process to be had.
        Interrupted: a signal asked to stop; runs that had begun are saved.
    """
    waiting = deque(jobs)
    train_fed(
        lambda: waiting.popleft() if waiting else None,
        workers=min(workers, len(jobs)),
        display=display,
        all_alike=all_alike,
        start=start,
    )


def train_fed(
    feed: Feed, *, workers: int, display: Display, all_alike: bool = False, start: Callable[[], Worker] = Process
) -> None:
    """Train what is fed, so many at once, until there is no more; arguments and errors are those of `train`.

    `feed` is never called by two threads at once.
    """
    pool = _Pool(feed, display, all_alike, start)
    with pool.stopped_by_signals():
        threads = [threading.Thread(target=pool.work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    pool.check_done()
    if pool.stopping:
        raise Interrupted("Stopped; every run that had begun is saved. The same command goes on with them.")


def _wait_until_left(run: Path) -> None:
    """Wait while a run is still written: a worker whose line to us was cut saves it first."""
    patience = time.monotonic() + LEAVING_SECONDS
    while lock.holder(run) is not None and time.monotonic() < patience:
        time.sleep(0.1)


class _Pool:
    """What the threads share, each of which has one process."""

    def __init__(self, feed: Feed, display: Display, all_alike: bool, start: Callable[[], Worker]) -> None:
        self._feed, self._lock = feed, threading.Lock()
        self._waiting, self._closed = deque[Job](), False  # Those that were begun, or would have been.
        self._display, self._all_alike, self._start = display, all_alike, start
        self._workers: set[Worker] = set()
        self.stopping = False
        self._refused: RlgenError | None = None

    def work(self) -> None:
        """Train what waits, one after another."""
        worker: Worker | None = None
        try:
            while (job := self._next()) is not None:
                worker = worker or self._started(job)
                if worker is None:
                    return
                answer = self._answer(job, worker)
                if answer is None:
                    self._lose(job, worker)
                    self._ended(worker)
                    worker = None
                else:
                    self._finish(job, answer)
        finally:
            if worker is not None:
                self._ended(worker)

    def check_done(self) -> None:
        """See that no run waits for a process that nobody could start.

        Raises:
            RlgenError: why there was none.
        """
        if self._refused is not None and self._waiting and not (self.stopping or self._closed):
            raise self._refused

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """The first signal lets every process save its run and stop, a second one ends them."""

        def stop(number: int, _: Any) -> None:
            first, self.stopping = not self.stopping, True
            if first:
                self._display.message(f"{signal.Signals(number).name}: saving what runs, then stopping.")
            for worker in list(self._workers):
                worker.send(signal.SIGTERM if first else signal.SIGKILL)

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
                job = self._waiting.popleft() if self._waiting else self._feed()
            if not isinstance(job, Later):
                return job
            time.sleep(PAUSE_SECONDS)
        return None

    def _started(self, job: Job) -> Worker | None:
        """A process; where there is none to be had, the run waits for those that others have."""
        try:
            worker = self._start()
        except RlgenError as error:
            self._refused = error
            with self._lock:
                self._waiting.appendleft(job)
            return None
        self._workers.add(worker)
        return worker

    def _ended(self, worker: Worker) -> None:
        self._workers.discard(worker)
        worker.close()

    def _answer(self, job: Job, worker: Worker) -> Mapping[str, Any] | None:
        """What came of a run; None if its process died before it said so."""
        for said in worker.words(job.request):
            if "step" in said:
                self._display.at(job.label, **said)
            elif "told" in said:
                self._display.message(f"{job.label}: {said['told']}")
            else:
                return said
        return None

    def _finish(self, job: Job, answer: Mapping[str, Any]) -> None:
        if "done" in answer:
            job.run = Run.open(Path(job.request["run"]))
        else:
            job.kind = answer["kind"]
            job.error = (UserError if answer["kind"] == "UserError" else RlgenError)(answer["failed"])
            if self._all_alike and isinstance(job.error, UserError):
                self._closed = True
        self._display.over(job)

    def _lose(self, job: Job, worker: Worker) -> None:
        """Let a run whose process is gone wait for another one; or give up, where it gets nowhere."""
        if self.stopping:
            return
        place = Path(job.request["run"])
        _wait_until_left(place)
        at = Run.open(place).steps if is_run(place) else 0
        job.lost, job.step = (job.lost + 1 if at <= job.step else 1), at
        if job.lost > MOST_LOST:
            job.error = RlgenError(
                f"{job.label} has lost {job.lost} processes at step {at:,} and is given up: {worker.why()}"
            )
            self._display.over(job)
            return
        self._display.message(f"{job.label} goes on in another process from step {at:,}: {worker.why()}")
        with self._lock:
            self._waiting.appendleft(job)
