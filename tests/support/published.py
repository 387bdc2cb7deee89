"""Files as data sets are published in, small."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def idx(array: Any) -> bytes:
    """An IDX file of bytes."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()


def pictures(count: int, *shape: int, seed: int = 0) -> tuple[Any, Any]:
    """Bytes [count, *shape], and labels 0 to 9 [count]."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, *shape), np.uint8), random.integers(0, 10, count).astype(np.uint8)


def write_mnist(folder: Path, *, train: int = 24, test: int = 6, packed: bool = True) -> dict[str, Any]:
    """The four files of MNIST; what is in them, by the names that Keras gives it."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Any] = {}
    for part, name, count in (("train", "train", train), ("test", "t10k", test)):
        x, y = written[f"x_{part}"], written[f"y_{part}"] = pictures(count, 28, 28, seed=count)
        for array, content in ((x, "images-idx3"), (y, "labels-idx1")):
            raw = idx(array)
            file = folder / f"{name}-{content}-ubyte{'.gz' * packed}"
            file.write_bytes(gzip.compress(raw) if packed else raw)
    return written


def tar_gz(content: Mapping[str, bytes]) -> bytes:
    """An archive of these files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def openmoji_table(groups: Mapping[str, str]) -> bytes:
    """OpenMoji's table of these emoji, by their code points as it writes them, and their groups."""
    rows = [f"x,{code},{group},something,a name" for code, group in groups.items()]
    return "\n".join(["emoji,hexcode,group,subgroups,annotation", *rows]).encode()
