"""Files of a run: written whole or not at all, known to be on the disk, never through a link; read with care.

All that writes into a run does it by these functions, so that what they promise holds for every file: SQLite's
rules for a machine that may stop at any moment, and for directories that came from somebody else.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import uuid
from pathlib import Path
from typing import Any, BinaryIO

from rlgen.errors import UserError

WRITING = ".writing-"

# Of JSON that is read whole; a real one has some kilobytes.
LARGEST_TEXT_BYTES = 16_000_000
BLOCK_BYTES = 2**20

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # A pipe without a writer would be waited for.


class _Raw(io.FileIO):
    """A file whose every write is a call of `os.write`, and so is seen by those who let it fail."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb")
        self._write = os.write

    def write(self, data: Any) -> int:
        return self._write(self.fileno(), data)


def write(path: Path, data: bytes) -> None:
    """Put `data` in the place of what `path` holds, in one act: beside, synced, renamed, the directory synced.

    Raises:
        OSError: it cannot be written; what was there before is untouched.
    """
    beside = path.with_name(f"{WRITING}{uuid.uuid4().hex}")
    try:
        with create(beside) as file:
            file.write(data)
            sync(file)
        os.replace(beside, path)  # noqa: PTH105 - all that changes the disk is called by way of `os` here.
    except OSError:
        discard(beside)
        raise
    sync_directory(path.parent)


def create(path: Path) -> BinaryIO:
    """A new file to write; nothing may be there, not even a link.

    Raises:
        OSError: something is, or it cannot be written.
    """
    return _buffered(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666))


def append_to(path: Path) -> BinaryIO:
    """A file to write to the end of, made where there is none.

    Raises:
        OSError: it is a link, or cannot be written.
        UserError: it is no regular file.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK | _NO_WAIT, 0o666)
    require_regular(descriptor, path)
    return _buffered(descriptor)


def open_to_read(path: Path) -> BinaryIO:
    """A regular file to read, whose size is fixed: no pipe, which may never end, and no device.

    Raises:
        OSError: it is not there, or cannot be read.
        UserError: it is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_WAIT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    require_regular(descriptor, path)
    return os.fdopen(descriptor, "rb")


def read(path: Path, *, most_bytes: int = LARGEST_TEXT_BYTES) -> bytes:
    """What a regular file holds.

    Raises:
        OSError: it is not there, or cannot be read.
        UserError: it is no regular file, or larger than it could be.
    """
    with open_to_read(path) as file:
        size = size_of(file)
        if size > most_bytes:
            raise UserError(f"{path} has {size:,} bytes; rlgen never writes one of more than {most_bytes:,}.")
        return file.read(size)


def cut(path: Path, size: int) -> None:
    """Shorten a file to its first bytes.

    Raises:
        OSError: it cannot be written.
        UserError: it is no regular file.
    """
    with append_to(path) as file:
        os.ftruncate(file.fileno(), size)
        sync(file)


def checksum(file: BinaryIO, size: int | None = None) -> str:
    """The SHA-256 of what an open file holds, or of its first bytes; it is read from its beginning then."""
    file.seek(0)
    digest, left = hashlib.sha256(), size_of(file) if size is None else size
    while left and (block := file.read(min(BLOCK_BYTES, left))):
        digest.update(block)
        left -= len(block)
    file.seek(0)
    return digest.hexdigest()


def size_of(file: BinaryIO) -> int:
    """The bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def sync(file: BinaryIO) -> None:
    """Wait until what was written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk: without it a new file may be lost as a whole."""
    if os.name == "nt":
        return  # Windows opens no directories.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory, with those above it, unless it is there.

    Raises:
        OSError: it cannot be made.
        UserError: there is something else, or a link.
    """
    if not is_directory(path):
        missing = [parent for parent in (path, *path.parents) if not parent.exists()]
        for parent in reversed(missing):
            try:
                os.mkdir(parent)  # noqa: PTH102 - as above.
            except FileExistsError:
                # Another process has made it since we looked, as when many runs are started at once.
                if not is_directory(parent):
                    raise
            sync_directory(parent.parent)


def make_passing_directory(path: Path) -> None:
    """Make a directory that will have another name before it matters whether it is on the disk.

    Raises:
        OSError: it cannot be made.
    """
    os.mkdir(path)  # noqa: PTH102 - as above.


def is_directory(path: Path) -> bool:
    """Whether a directory is there.

    Raises:
        UserError: there is something else, or a link: what rlgen writes into a run or deletes lies in the run.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        return True
    what = "a link" if stat.S_ISLNK(mode) else "no directory"
    raise UserError(f"{path} is {what}, and nothing is written or deleted there. Put a directory in its place.")


def rename(path: Path, to: Path) -> None:
    """Give a file or directory another name on the same disk; kept after `sync_directory`."""
    os.rename(path, to)  # noqa: PTH104 - as above.


def delete(path: Path) -> None:
    """Delete a file, or the link that is there, and let its name be gone from the disk too.

    Raises:
        OSError: it cannot be deleted.
    """
    os.unlink(path)  # noqa: PTH108 - as above.
    sync_directory(path.parent)


def discard(path: Path) -> None:
    """Delete a file, or a directory with all that is in it, as far as possible; of a link the link alone."""
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            for inside in path.iterdir():
                discard(inside)
            os.rmdir(path)  # noqa: PTH106 - as above.
        else:
            os.unlink(path)  # noqa: PTH108 - as above.
    except OSError:
        return  # What cannot be deleted harms nobody: it has no name that anyone looks for.


def require_regular(descriptor: int, path: Path) -> None:
    """Close what is open at `path`, and raise `UserError`, where it is no regular file."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{path} is no regular file. A run holds files and directories alone.")


def _buffered(descriptor: int) -> BinaryIO:
    return io.BufferedWriter(_Raw(descriptor), 2**16)
