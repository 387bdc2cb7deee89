"""Calls into code that others wrote: what goes wrong in them is named, and one that does not return is noticed.

`watched` notes which call a thread is in, by a plain assignment; a thread of its own looks at these notes now and
then. A call that is over its time is ended by an exception in the thread that is stuck in it. Where that does not
help, because the thread never comes back to Python, a process that has nothing else to do is ended, and any other
is told. Such a process is looked at from outside as well (`rlgen.outside`): foreign code may let no thread run.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from rlgen import outside, runtime
from rlgen.errors import EnvironmentFault, Interrupted, RlgenError, UserError
from rlgen.outside import RARELY, STOPS, pause

T = TypeVar("T")

# How long a call may take if nobody says otherwise.
PATIENCE_SECONDS = 300.0
# How long a call may go on after the first signal.
GRACE_SECONDS = 10.0
# How long an exception in the stuck thread may take to be felt.
HELP_SECONDS = 3.0


class Overdue(BaseException):
    """Raised in a stuck thread; no `Exception`, which such code would often catch. `watched` lets none out."""


class Broken(Exception):
    """A promise that was broken, said without the step: `watched` knows it."""


# What a stranger's code passes on, and has not raised itself.
PASSING = (UserError, KeyboardInterrupt, Overdue)


class Call:
    """A call that is going on.

    Attributes:
        where: for messages, such as "step 7".
        at: which part of it; a call that gets on is not stuck.
        patience: seconds that a part may take; None: any time.
        overdue: whether the watchdog has decided to end it.
        settled: when it has done so.
        error: what ends it.
    """

    __slots__ = ("at", "error", "overdue", "patience", "settled", "where")

    settled: threading.Event
    error: RlgenError

    def __init__(self, where: str, patience: float | None) -> None:
        self.where, self.patience, self.at, self.overdue = where, patience, 0, False


# The innermost call of each thread.
_calls: dict[int, Call | None] = {}
# Where they are noted for who looks from outside.
_board: mmap.mmap | None = None


def watched(where: str, patience: float | None, function: Callable[..., T], *arguments: Any) -> T:
    """`function(call, *arguments)`, a stranger's code, as the call at `where`; it may count its parts in `call.at`.

    No lock and no look at a clock: this is done at every step.

    Raises:
        EnvironmentFault: it raised something, wanted to leave the program, or has not returned for `patience` seconds.
        Interrupted: it has not returned since a signal came.
    """
    call, thread = Call(where, patience), threading.get_ident()
    outer = _calls.get(thread)
    try:
        try:
            _calls[thread] = call
            if _board is not None:
                outside.note(_board, where)
            return function(call, *arguments)
        except PASSING:
            raise
        except Broken as broken:
            raise EnvironmentFault(f"At {where} {broken}") from None
        except BaseException as error:  # A stranger's code may raise anything, and leave by SystemExit.
            raise EnvironmentFault(f"The environment raised {described(error)} at {where}{_text(error)}") from error
    except Overdue:
        if not call.overdue:
            raise  # It was meant for a call around this one.
        raise call.error from None
    finally:
        _calls[thread] = outer
        if _board is not None:
            _board[0] = 0
        # From here on the watchdog decides on no such end. If it has, the exception may still be on its way: it must
        # not arrive in what comes next. Nothing above is a place where Python would let it arrive outside of `try`.
        if call.overdue:
            try:
                call.settled.wait()
                _send(thread, None)
            except Overdue:
                pass


def described(error: BaseException) -> str:
    """The kind of what was raised, with the words that its users know it by."""
    name = type(error).__name__
    return f"{name} (sys.exit)" if isinstance(error, SystemExit) else name


def _text(error: BaseException) -> str:
    text = f": {error}" if str(error) else ""
    if isinstance(error, Exception):
        return text
    return f"{text}. It may raise an error or end its episode, but not the program that it is used in."


def _send(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in a thread, at the next step of its Python code; None: none, if it has not been felt yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None)


class Listening:
    """What a signal means while a run is going on.

    Attributes:
        advice: what to say of the run that is ended.
        before: where signals were announced, and will be again.
        received: the first signal's name.
    """

    def __init__(self, advice: Callable[[], str], before: int) -> None:
        self.advice, self.before, self.received = advice, before, ""


class _Seen:
    """A call as the watchdog has seen it, and for how long."""

    def __init__(self, call: Call) -> None:
        self.call, self.at, self.seconds = call, call.at, 0.0
        self.since_signal, self.since_end, self.given_up = 0.0, 0.0, False

    def is_still(self, call: Call) -> bool:
        return self.call is call and self.at == call.at


class Watchdog:
    """The thread that looks, and all it knows.

    Attributes:
        alone: whether the process does nothing else, and may be ended.
        patience: seconds that a call into an environment may take in this process; None: any time.
    """

    alone = False
    patience: float | None = PATIENCE_SECONDS

    def __init__(self) -> None:
        self._watching: weakref.WeakKeyDictionary[Any, float | None] = weakref.WeakKeyDictionary()
        self.forget()

    def forget(self) -> None:
        """Begin anew: threads do not live on in a forked process, and what is awaited is the parent's."""
        self._thread: threading.Thread | None = None
        self._listening: Listening | None = None
        self._seen: dict[int, _Seen] = {}
        self._lock = threading.Lock()

    def watch(self, owner: Any, patience: float | None) -> None:
        """Look for calls that are over their time, as long as their owner lives."""
        with self._lock:
            self._watching[owner] = patience
            self._start()
        self._wake()

    @contextlib.contextmanager
    def listening(self, advice: Callable[[], str]) -> Iterator[None]:
        """End a call of the main thread that does not return after SIGINT or SIGTERM, which has to ask for this.

        Python's own handlers wait until the main thread comes back to Python; this does not.

        Args:
            advice: what to say of the run that is ended.
        """
        if not self._watching:
            yield
            return
        with self._lock:
            self._start()
        outer = self._listening
        mine = Listening(advice, signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False))
        self._listening = mine
        if _board is not None:
            outside.forget(_board)
        try:
            yield
        finally:
            self._listening = outer
            signal.set_wakeup_fd(mine.before)

    def _start(self) -> None:
        if self._thread is None:
            receiver, self._sender = socket.socketpair()
            self._sender.setblocking(False)
            self._thread = threading.Thread(target=self._run, args=(receiver,), name="rlgen-watchdog", daemon=True)
            self._thread.start()
            if self.alone and os.name == "posix":
                self._look_from_outside(receiver)

    def _look_from_outside(self, receiver: socket.socket) -> None:
        global _board
        with tempfile.TemporaryFile() as shared:
            shared.truncate(outside.BOARD_BYTES)
            _board = mmap.mmap(shared.fileno(), outside.BOARD_BYTES)
            alive, self._alive = os.pipe()  # Its other end ends with this process.
            numbers = (alive, receiver.fileno(), self._sender.fileno(), shared.fileno())
            patience = min((limit for limit in self._watching.values() if limit is not None), default=math.inf)
            words = (os.getpid(), *numbers, patience, GRACE_SECONDS + HELP_SECONDS)
            self._outside = subprocess.Popen(
                [sys.executable, "-I", "-S", str(outside.__file__), *map(str, words)],
                pass_fds=numbers,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            os.close(alive)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # It is full of reasons to wake up already.
            self._sender.send(b"\0")

    def _run(self, receiver: socket.socket) -> None:
        last = time.monotonic()
        while True:
            patience = self._patience()
            receiver.settimeout(patience)
            with contextlib.suppress(TimeoutError):
                self._hear(receiver.recv(4096))
            now = time.monotonic()
            # A process that was stopped for an hour has not been stuck for an hour.
            self._look(min(now - last, 2 * (patience or RARELY)))
            last = now

    def _patience(self) -> float | None:
        """Seconds until the next look; None: nobody has anything to watch."""
        with self._lock:
            limits = [limit for limit in self._watching.values() if limit is not None]
        if self._listening and self._listening.received:
            limits.append(GRACE_SECONDS)
        if any(seen.call.overdue for seen in self._seen.values()):
            limits.append(HELP_SECONDS)
        return pause(limits) if limits else None

    def _hear(self, numbers: bytes) -> None:
        listening = self._listening
        for number in STOPS.intersection(numbers):
            if listening and not listening.received:
                listening.received = signal.Signals(number).name
                if _board is not None:
                    outside.heard(_board)
        if listening and listening.before >= 0 and (others := numbers.replace(b"\0", b"")):
            with contextlib.suppress(OSError):
                os.write(listening.before, others)

    def _look(self, seconds: float) -> None:
        """See how long each call has been going on, of which so many `seconds` are new, and end what has to be."""
        signalled = bool(self._listening and self._listening.received)
        main = threading.main_thread().ident
        for thread, call in list(_calls.items()):
            seen = self._seen.get(thread)
            if call is None:
                self._seen.pop(thread, None)
            elif seen is None or not seen.is_still(call):
                self._seen[thread] = _Seen(call)
            elif call.overdue:
                seen.since_end += seconds
                if seen.since_end > HELP_SECONDS and not seen.given_up:
                    seen.given_up = True
                    self._give_up(call)
            else:
                seen.seconds += seconds
                seen.since_signal += seconds if signalled and thread == main else 0
                if (error := self._over(call, seen)) is not None:
                    self._end(thread, call, error)

    def _over(self, call: Call, seen: _Seen) -> RlgenError | None:
        """What ends a call that is over its time; None: it is not."""
        listening = self._listening
        if listening and seen.since_signal > GRACE_SECONDS:
            return Interrupted(
                f"{listening.received} came, and the environment has not returned from {call.where} for "
                f"{GRACE_SECONDS:g} seconds since. {_advice(listening)}".rstrip()
            )
        if call.patience is not None and seen.seconds > call.patience:
            return EnvironmentFault(
                f"The environment has not returned from {call.where} for {call.patience:g} seconds. If it hangs, mend "
                "it; if it needs so long, say --set trainer.step_timeout_seconds=SECONDS, more of them, or none for "
                f"any time. {_advice(listening)}".rstrip()
            )
        return None

    def _end(self, thread: int, call: Call, error: RlgenError) -> None:
        """Raise `Overdue` in the thread, unless the call has returned meanwhile."""
        call.error, call.settled = error, threading.Event()
        call.overdue = True
        # In this order: a call that returns takes its note away first and looks at `overdue` then.
        if _calls.get(thread) is call:
            _send(thread, Overdue)
        call.settled.set()

    def _give_up(self, call: Call) -> None:
        """The thread has not come back to Python: end the process, if that is what it is for or was asked for."""
        asked = isinstance(call.error, Interrupted) and self._listening and self._listening.received == "SIGTERM"
        if self.alone or asked:
            # Not by sys.stderr, which the stuck thread may hold.
            os.write(2, f"rlgen: {call.error}\n".encode())
            os._exit(2 if isinstance(call.error, UserError) else 1)
        with contextlib.suppress(OSError, ValueError):  # Standard error may be closed; the thread lives on.
            runtime.tell(f"{call.error} It cannot be ended from here: it is not running Python. End the process.")


def _advice(listening: Listening | None) -> str:
    """What to say of the run that is ended."""
    with contextlib.suppress(OSError):
        return listening.advice() if listening else ""
    return ""


def _in_child() -> None:
    """In a forked process signals must not be announced to the parent's watchdog."""
    with contextlib.suppress(ValueError):
        if dog._listening is not None:
            signal.set_wakeup_fd(-1)
    global _board
    _board, dog.alone = None, False
    _calls.clear()
    dog.forget()


dog = Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
