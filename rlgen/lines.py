"""JSON lines that are written while a run goes on, and held against what a checkpoint says of them by a resume."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlgen import files
from rlgen.errors import UserError

LONGEST_LINE = 4_000_000
# Millions of rows; what is larger is no file that a run has written, and reading it might never end.
MOST_BYTES = 2_000_000_000


class Lines:
    """A file of JSON lines to add to.

    Raises:
        OSError: it cannot be written.
        UserError: it is no regular file.
    """

    def __init__(self, path: Path) -> None:
        """Go on at the end of what is there."""
        self._file = files.append_to(path)
        self._bytes, self._checksum = 0, hashlib.sha256()
        with files.open_to_read(path) as held:
            while block := held.read(files.BLOCK_BYTES):
                self._count(block)
        files.sync_directory(path.parent)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one object; others can read it at once."""
        line = (json.dumps(row) + "\n").encode()
        self._file.write(line)
        self._file.flush()
        self._count(line)

    def sync(self) -> dict[str, Any]:
        """Wait until all is on the disk; length and checksum of what is there."""
        files.sync(self._file)
        return {"bytes": self._bytes, "sha256": self._checksum.hexdigest()}

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _count(self, data: bytes) -> None:
        self._bytes += len(data)
        self._checksum.update(data)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; what is none, as a last line that was cut short, is left out.

    Raises:
        OSError: it is there and cannot be read.
        UserError: it is no regular file.
    """
    return list(_rows(path)) if path.exists() else []


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Those that are rows of a curve, a whole step and finite numbers: a file that was damaged may hold others.

    Raises:
        OSError: it is there and cannot be read.
        UserError: it is no regular file.
    """
    return [row for row in read_lines(path) if type(row.get("step")) is int and all(map(_is_number, row.values()))]


def fault(path: Path, mark: Mapping[str, Any], *, ended: bool = False) -> str | None:
    """What is wrong with a file that held what `Lines.sync` said of it, its `mark`; None if it does.

    Args:
        path: the file.
        mark: of it; more may have been written since.
        ended: nothing was written since.
    """
    try:
        with files.open_to_read(path) as file:
            size, wanted = files.size_of(file), mark["bytes"]
            if size < wanted or (ended and size > wanted):
                return f"it has {size:,} bytes of {wanted:,}"
            same = files.checksum(file, wanted) == mark["sha256"]
            return None if same else "it is not what was written: its checksum differs"
    except FileNotFoundError:
        return "it is missing" if mark["bytes"] else None
    except (OSError, UserError) as error:
        return str(error)


def go_back(path: Path, *, step: int, mark: Mapping[str, Any] | None) -> None:
    """Leave what was written until a checkpoint: what came after it is written again.

    Args:
        path: the file; there may be none.
        step: of the checkpoint: of a damaged file the rows up to it are left that can be read.
        mark: what `Lines.sync` said at the checkpoint; None if it is not known.

    Raises:
        OSError: it cannot be written.
        UserError: it is no regular file.
    """
    if not path.exists():
        return
    if mark is not None and fault(path, mark) is None:
        files.cut(path, mark["bytes"])
        return
    kept = [json.dumps(row) + "\n" for row in _rows(path) if _step(row) <= step]
    files.write(path, "".join(kept).encode())


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with files.open_to_read(path) as file:
        if (size := files.size_of(file)) > MOST_BYTES:
            raise UserError(f"{path} has {size:,} bytes, which no run writes: what is in it is not read.")
        while line := file.readline(LONGEST_LINE):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) <= sys.float_info.max


def _step(row: Mapping[str, Any]) -> float:
    step = row.get("step", 0)
    return step if isinstance(step, (int, float)) else float("inf")
