"""Everything that may have happened to a run before somebody opens it: by accident, or on purpose."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import checkpoint, files
from rlgen.seal import SealBroken, sealed, unsealed

Mutation = Callable[[Path, random.Random, Path], None]


def _flip(path: Path, rng: random.Random, outside: Path) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 40))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _cut(path: Path, rng: random.Random, outside: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data) or 1)])


def _grow(path: Path, rng: random.Random, outside: Path) -> None:
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.choice((1, 1000))))


def _garbage(path: Path, rng: random.Random, outside: Path) -> None:
    path.write_bytes(rng.randbytes(path.stat().st_size))


def _delete(path: Path, rng: random.Random, outside: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _link(path: Path, rng: random.Random, outside: Path) -> None:
    """What it was, elsewhere."""
    target = outside / path.name
    path.rename(target)
    path.symlink_to(target)


def _nowhere(path: Path, rng: random.Random, outside: Path) -> None:
    _delete(path, rng, outside)
    path.symlink_to(outside / "nowhere")


def _device(path: Path, rng: random.Random, outside: Path) -> None:
    _delete(path, rng, outside)
    path.symlink_to("/dev/zero")


def _pipe(path: Path, rng: random.Random, outside: Path) -> None:
    _delete(path, rng, outside)
    os.mkfifo(path)


def _directory(path: Path, rng: random.Random, outside: Path) -> None:
    _delete(path, rng, outside)
    path.mkdir()


def _file(path: Path, rng: random.Random, outside: Path) -> None:
    _delete(path, rng, outside)
    path.write_text("a file\n")


def _hole(path: Path, rng: random.Random, outside: Path) -> None:
    """A terabyte of nothing."""
    with path.open("r+b") as file:
        file.truncate(10**12)


OTHER_JSON = (
    *(b"", b"null", b"[]", b"{}", b"7", b'"text"', b"NaN", b"[" * 50_000, b'{"seal": 1}', b"\xff\xfe\x00", b"{" * 9),
    *(b'{"step": 1e400}', b'{"step": 99999999999999999999999999}', b'{"step": null}\n{"step": []}\n', b"\0" * 500),
)


def _other_json(path: Path, rng: random.Random, outside: Path) -> None:
    path.write_bytes(rng.choice(OTHER_JSON))


VALUES: tuple[Any, ...] = (None, -1, 0, 2**70, 1e308, "", "x" * 300, "\x1b]0;gone\x07", [], [[1]], {}, {"a": {}}, True)


def _resealed(path: Path, rng: random.Random, outside: Path) -> None:
    """Another value, with a checksum that fits: somebody meant it."""
    try:
        row = unsealed(path.read_bytes())
    except SealBroken:
        row = {}
    place = row
    keys = sorted(place)
    while keys:
        key = rng.choice(keys)
        if isinstance(place[key], dict) and place[key] and rng.random() < 0.7:
            place = place[key]
            keys = sorted(place)
            continue
        place[key] = rng.choice(VALUES)
        if rng.random() < 0.2:
            del place[key]
        break
    path.write_bytes(sealed(row))


def _other_lines(path: Path, rng: random.Random, outside: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    rng.shuffle(lines)
    path.write_bytes(b"".join(lines[: rng.randrange(len(lines) + 1)]) + rng.choice((b"", b"[1]\n", b'{"step": "a"}\n')))


def _other_arrays(path: Path, rng: random.Random, outside: Path) -> None:
    """Arrays of another kind, with checksums that fit."""
    arrays: dict[str, Any] = dict(np.load(path, allow_pickle=False))
    name = rng.choice(sorted(arrays))
    array = arrays[name]
    changes: tuple[Any, ...] = (
        *(array.astype(np.float64), array[..., None], np.asarray(array, "S9"), np.zeros(3, np.complex64)),
        *(np.full(array.shape, np.nan, np.float32), np.array("text"), np.zeros((0,), array.dtype), None),
    )
    arrays[name] = rng.choice(changes)
    if arrays[name] is None:
        del arrays[name]
    rng.choice((np.savez, np.savez_compressed))(path, **arrays)
    vouch_for(path.parent)


def vouch_for(directory: Path) -> None:
    """Let a checkpoint's manifest fit its arrays, whatever they are."""
    file = directory / checkpoint.MANIFEST_FILE
    with (directory / checkpoint.STATE_FILE).open("rb") as stream:
        about = {"bytes": files.size_of(stream), "sha256": files.checksum(stream)}
    file.write_bytes(sealed({**unsealed(file.read_bytes()), **about}))


ANYWHERE: tuple[Mutation, ...] = (_delete, _link, _nowhere, _device, _pipe)
OF_FILES: tuple[Mutation, ...] = (*ANYWHERE, _flip, _flip, _cut, _grow, _garbage, _directory, _hole)
OF_DIRECTORIES: tuple[Mutation, ...] = (*ANYWHERE, _file)


def mutations_of(path: Path) -> tuple[Mutation, ...]:
    """All that may happen to a file or directory of a run."""
    if path.is_dir():
        return OF_DIRECTORIES
    special: dict[str, tuple[Mutation, ...]] = {
        ".json": (_other_json, _resealed, _resealed, _resealed),
        ".jsonl": (_other_json, _other_lines, _other_lines),
        ".npz": (_other_arrays, _other_arrays),
    }
    return OF_FILES + special.get(path.suffix, ())


def contents(place: Path) -> dict[str, Any]:
    """What lies outside of a run, and must be the same afterwards."""
    return {
        str(path.relative_to(place)): None if path.is_dir() else (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(place.rglob("*"))
    }
