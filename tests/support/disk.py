"""Disks that fail: a process that dies at any file operation or inside it, and power that is lost at any.

All that a run writes goes through `rlgen.files`, which calls `os`. `Failing` stands in its place, counts the
operations, and at one of them lets the process die: nothing is written any more, whatever `finally` tries. `Power`
also keeps what would be on the disk if the power were lost: of a file what was synced, of a directory the names that
it had when it was synced.
"""

from __future__ import annotations

import os
import random
import stat
from pathlib import Path
from typing import Any

OPERATIONS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "ftruncate")


class Died(BaseException):
    """The process is no more."""


class Failing:
    """`os` for `rlgen.files`, which dies at one operation.

    Attributes:
        count: operations so far.
        at: of the one to die at, counted from 1; None: never.
        inside: whether it dies when half of that operation is done, not before it.
        dead: whether it has died.
    """

    def __init__(self, *, at: int | None = None, inside: bool = False) -> None:
        self.count, self.at, self.inside, self.dead = 0, at, inside, False

    def __getattr__(self, name: str) -> Any:
        call = getattr(os, name)
        return (lambda *arguments: self._call(name, call, arguments)) if name in OPERATIONS else call

    def _call(self, name: str, call: Any, arguments: tuple[Any, ...]) -> Any:
        if name == "open" and not arguments[1] & os.O_CREAT:
            return call(*arguments)  # Reading changes nothing.
        if self.dead:
            raise Died
        self.count += 1
        if self.count == self.at:
            self.dead = True
            if self.inside:
                self.half(name, call, arguments)
            raise Died
        done = call(*arguments)
        self.did(name, arguments, done)
        return done

    def half(self, name: str, call: Any, arguments: tuple[Any, ...]) -> None:
        """Half a write, or all of what has no halves."""
        if name == "write":
            descriptor, data = arguments
            call(descriptor, bytes(data)[: len(data) // 2])
            return
        done = call(*arguments)
        if name == "open":
            os.close(done)

    def did(self, name: str, arguments: tuple[Any, ...], done: Any) -> None:
        """An operation was done."""


class Power(Failing):
    """The same, remembering what is on the disk for good."""

    def __init__(self, *, at: int | None = None) -> None:
        super().__init__(at=at)
        # By inode: of a file its bytes, of a directory the inodes of its names.
        self._kept: dict[int, bytes | dict[str, int]] = {}

    def did(self, name: str, arguments: tuple[Any, ...], done: Any) -> None:
        """What was synced is there for good; a new file or directory holds nothing yet, whatever had its number."""
        if name == "open" and os.fstat(done).st_size == 0:
            self._keep(os.fstat(done).st_ino, b"")
        elif name == "mkdir":
            self._keep(Path(arguments[0]).stat().st_ino, {})
        elif name == "fsync":
            about, where = os.fstat(arguments[0]), f"/proc/self/fd/{arguments[0]}"
            self._keep(about.st_ino, _names(where) if stat.S_ISDIR(about.st_mode) else Path(where).read_bytes())

    def _keep(self, inode: int, what: bytes | dict[str, int]) -> None:
        self._kept[inode] = what

    def lose(self, place: Path, after: Path, *, left: str, rng: random.Random) -> None:
        """Write what is there after the loss.

        Args:
            place: the directory that all was written below; it was synced when something was made in it.
            after: a new directory.
            left: of what was not synced: "nothing", "names" without what the files hold, or "some" of all.
            rng: decides what "some" is.
        """
        now = {path.stat().st_ino: path for path in (place, *place.rglob("*"))}
        waiting = [(place.stat().st_ino, after)]
        while waiting:
            inode, to = waiting.pop()
            kept, found = self._kept.get(inode, {}), now.get(inode)
            if isinstance(kept, bytes):
                held = found.read_bytes() if found is not None else kept
                to.write_bytes(held if left == "some" and rng.random() < 0.5 else kept)
                continue
            to.mkdir()
            there = kept if found is None else _names(found)
            names = kept if left == "nothing" else there if left == "names" else _some(kept, there, rng)
            waiting += [(number, to / name) for name, number in names.items() if number in self._kept]


def _names(directory: Path | str) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(directory)}


def _some(synced: dict[str, int], now: dict[str, int], rng: random.Random) -> dict[str, int]:
    """Names of either, as if some changes had reached the disk and some had not."""
    names = {name: number for name, number in now.items() if name in synced or rng.random() < 0.5}
    return names | {name: number for name, number in synced.items() if name not in now and rng.random() < 0.5}
