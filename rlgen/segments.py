"""Rows that are written once: files beside a run's checkpoints with what these do not hold of a large replay.

A checkpoint lists the files that it needs, with their checksums. The next one adds a file with the rows that came
since; what no checkpoint needs any more is removed.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rlgen import files
from rlgen.archive import FAULTS, Archive
from rlgen.errors import UserError
from rlgen.state import HasRows
from rlgen.values import MOST_STEPS

DIRECTORY = "rows"
# So that a checkpoint needs no more memory than this beside what it writes.
MOST_BYTES = 256_000_000
# A replay that would take less is written whole by every checkpoint, in one file with all else.
SMALL_BYTES = 64_000_000
NAME = re.compile(r"[0-9a-f]{32}\.npz")


class Segment(NamedTuple):
    """A file of rows.

    Attributes:
        file: its name.
        first: the number of its first row.
        last: of the one behind its last.
        bytes: its size.
        sha256: its checksum.
    """

    file: str
    first: int
    last: int
    bytes: int
    sha256: str


def appended(directory: Path, leaf: HasRows, known: Sequence[Segment]) -> list[Segment]:
    """Write what there is of `leaf` beyond the `known` segments; those and the new ones, as far as they are kept.

    The last known row is written again, for it is the only one that may have changed: where an episode was interrupted
    it is known later that it has ended.

    Raises:
        OSError: it cannot be written.
    """
    oldest, newest = leaf.kept_rows()
    place = directory / DIRECTORY
    whole = all((place / each.file).exists() for each in known)
    kept = [each for each in known if each.last > oldest] if whole else []
    first = max(oldest, kept[-1].last - 1) if kept else oldest
    files.make_directory(place)
    most = max(1, MOST_BYTES // leaf.row_bytes)
    return [*kept, *(_written(place, leaf, at, min(at + most, newest)) for at in range(first, newest, most))]


def _written(place: Path, leaf: HasRows, first: int, last: int) -> Segment:
    name, beside = f"{uuid.uuid4().hex}.npz", place / f"{files.WRITING}{uuid.uuid4().hex}"
    try:
        with files.create(beside) as file:
            np.savez(file, allow_pickle=False, **leaf.row_arrays(first, last))  # type: ignore[arg-type]
            files.sync(file)
        with files.open_to_read(beside) as written:
            segment = Segment(name, first, last, files.size_of(written), files.checksum(written))
        files.rename(beside, place / name)
    except OSError:
        files.discard(beside)
        raise
    files.sync_directory(place)
    return segment


def load(directory: Path, leaf: HasRows, segments: Sequence[Segment], *, name: str) -> None:
    """Put the rows of files back, in order, where later ones replace earlier ones.

    Raises:
        UserError: they are none of this leaf's, which `name` stands for.
    """
    wanted = leaf.row_arrays(0, 0)
    for each in segments:
        with files.open_to_read(directory / DIRECTORY / each.file) as file:
            arrays = Archive(file)
            for field, own in wanted.items():
                expected = (each.last - each.first, *own.shape[1:])
                found = arrays.headers.get(field)
                if found is None or found.shape != expected or found.dtype != own.dtype:
                    raise UserError(
                        f"'{name}/{field}' is {own.dtype} {list(expected)} and the checkpoint's {each.file} holds "
                        "something else: it was written with another configuration."
                    )
            leaf.load_rows(each.first, {field: arrays[field] for field in wanted})


def listed(manifest: Mapping[str, Any]) -> dict[str, list[Segment]]:
    """The segments that a checkpoint needs, by what they are of.

    Raises:
        TypeError: a file says something that none says.
    """
    rows = manifest.get("rows", {})
    if not isinstance(rows, dict) or not all(isinstance(each, list) for each in rows.values()):
        raise TypeError("its rows are no lists")
    return {path: [_segment(each) for each in of_path] for path, of_path in rows.items()}


def _segment(row: Any) -> Segment:
    kinds = Segment.__annotations__
    if not isinstance(row, dict) or set(row) != set(kinds):
        raise TypeError("its rows are no segments")
    segment = Segment(**row)
    numbers = (segment.first, segment.last, segment.bytes)
    if not isinstance(segment.file, str) or not NAME.fullmatch(segment.file) or not isinstance(segment.sha256, str):
        raise TypeError(f"'{segment.file}' is no file of rows")
    if any(type(number) is not int for number in numbers) or not 0 <= segment.first < segment.last <= MOST_STEPS:
        raise TypeError(f"'{segment.file}' has no rows")
    return segment


def fault(directory: Path, segments: Sequence[Segment], *, closely: bool) -> str | None:
    """What is wrong with the first file of which something is; None if nothing is.

    Args:
        directory: of the checkpoints.
        segments: that are needed.
        closely: whether to read them whole, which takes a while.
    """
    for each in segments:
        try:
            with files.open_to_read(directory / DIRECTORY / each.file) as file:
                if files.size_of(file) != each.bytes:
                    return f"{DIRECTORY}/{each.file}: it has {files.size_of(file):,} bytes of {each.bytes:,}"
                if closely and files.checksum(file) != each.sha256:
                    return f"{DIRECTORY}/{each.file}: its checksum differs"
        except (*FAULTS, UserError) as error:
            return f"{DIRECTORY}/{each.file}: {error}"
    return None


def sweep(directory: Path, used: Collection[str]) -> None:
    """Remove the files that no checkpoint needs, and what an interrupted write left, for good: they may be large."""
    place = directory / DIRECTORY
    unused = [each for each in _there(place) if each.name not in used]
    for each in unused:
        files.discard(each)
    if unused:
        files.sync_directory(place)


def _there(place: Path) -> Iterator[Path]:
    if place.is_dir() and not place.is_symlink():
        yield from sorted(place.iterdir())
