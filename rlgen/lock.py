"""One writer for a run: a lock of the operating system's on a file, which ends with the process that holds it."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlgen import files, runtime
from rlgen.errors import UserError

FILE = ".lock"

# Who looks whether a lock is held (`holder`) holds it for a moment; who wants it asks so often, after so many seconds.
ASKS, PAUSE_SECONDS = 5, 0.02

# No link is followed, and a pipe in the place of the lock not waited for.
_PLAINLY = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK"))

# Descriptors of locks that this process holds, by the thread and the file.
_held: dict[tuple[int, str], int] = {}


class RunBusy(UserError):
    """Another process is writing the run."""


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a run's lock inside; its directory has to be there. A thread that holds it already goes on holding it.

    Raises:
        RunBusy: somebody else holds it; the message says who.
        OSError: the lock cannot be written.
        UserError: there is something else in its place.
    """
    key = threading.get_ident(), os.path.realpath(directory)
    if key in _held:
        yield
        return
    _held[key] = _acquired(directory)
    try:
        yield
    finally:
        if key in _held:  # It is not in a child that was forked inside.
            os.close(_held.pop(key))


def holder(directory: Path) -> str | None:
    """Who is writing a run, in words; None if nobody is."""
    try:
        descriptor = os.open(directory / FILE, os.O_RDONLY | _PLAINLY)
    except OSError:
        return None
    try:
        return None if _taken(descriptor, directory / FILE) else _holder(directory / FILE)
    finally:
        os.close(descriptor)


def _acquired(directory: Path) -> int:
    """The descriptor of the lock, which says now who holds it."""
    file = directory / FILE
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | _PLAINLY, 0o666)
    files.require_regular(descriptor, file)
    try:
        if not _taken_soon(descriptor, file):
            raise RunBusy(f"{directory} is being written by {_holder(file)}. Wait for it, or stop it first.")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(_about()).encode())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _taken_soon(descriptor: int, file: Path) -> bool:
    """Whether the lock is ours now, or is a moment later."""
    for _ in range(ASKS):
        if _taken(descriptor, file):
            return True
        time.sleep(PAUSE_SECONDS)
    return False


def _taken(descriptor: int, file: Path) -> bool:
    """Whether the lock is ours now."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        runtime.tell(f"{file} cannot be locked here ({error.strerror}): see to it that one process alone writes it.")
    return True


def _about() -> dict[str, Any]:
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
    }


def _holder(file: Path) -> str:
    try:
        row = json.loads(files.read(file, most_bytes=100_000))
        return f"process {row['process']} on {row['host']} since {row['since']} ({row['command']})"
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "another process"


def _forget() -> None:
    """In a forked child: the lock is its parent's, and must not outlive it."""
    while _held:
        os.close(_held.popitem()[1])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
