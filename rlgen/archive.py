"""Arrays in a file as NumPy's `savez` writes them, of which only those that are asked for are read.

A file says itself how large its arrays are. It is not believed: nothing is compressed, so that no array is larger
than the file, and an array is allocated when somebody asks for it who has seen its header.
"""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen import files

ENDING = ".npy"
LARGEST_HEADER = 10_000
VERSIONS = (1, 0), (2, 0), (3, 0)

# What reading a file that somebody has changed may raise; the last two, when NumPy reads a header as Python would.
FAULTS = (
    *(OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, KeyError, RuntimeError),
    *(SyntaxError, tokenize.TokenError),
)


class Header(NamedTuple):
    """What an array will be.

    Attributes:
        shape: of the array.
        dtype: of its numbers.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Archive(Mapping[str, npt.NDArray[Any]]):
    """The arrays of an open file by name; it stays readable when the file's name is gone.

    Attributes:
        headers: of each array, by name.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read the headers, and see that all can be read that they announce.

        Raises:
            ValueError: it is no such file, or one that `numpy.savez` never wrote; others of `FAULTS` too.
        """
        self._file, self._zip = file, zipfile.ZipFile(file)
        size = files.size_of(file)
        self.headers = {info.filename.removesuffix(ENDING): self._header(info, size) for info in self._zip.infolist()}
        if (name := self._zip.testzip()) is not None:
            raise ValueError(f"'{name}' is not what was written: its checksum differs")

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self.headers:
            raise KeyError(name)
        with self._zip.open(name + ENDING) as member:
            return np.asarray(np.lib.format.read_array(member, allow_pickle=False, max_header_size=LARGEST_HEADER))

    def __iter__(self) -> Iterator[str]:
        return iter(self.headers)

    def __len__(self) -> int:
        return len(self.headers)

    def _header(self, info: zipfile.ZipInfo, size: int) -> Header:
        if not info.filename.endswith(ENDING):
            raise ValueError(f"'{info.filename}' is no array")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
            raise ValueError(f"'{info.filename}' is compressed, which rlgen never does")
        with self._zip.open(info) as member:
            version = np.lib.format.read_magic(member)
            if version not in VERSIONS:
                raise ValueError(f"'{info.filename}' is of version {version}")
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(member, max_header_size=LARGEST_HEADER)
            if dtype.hasobject:
                raise ValueError(f"'{info.filename}' holds objects, which only running their code could make")
            held = info.file_size - member.tell()
        _require_possible(info.filename, shape, dtype)
        wanted = dtype.itemsize
        for length in shape:
            wanted *= length
        if wanted != held:
            raise ValueError(f"'{info.filename}' says it has {wanted:,} bytes and has {held:,}")
        return Header(tuple(shape), dtype)


def _require_possible(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise `ValueError` where no array has such a shape, so that it is found before anybody reads it."""
    try:
        if any(type(length) is not int for length in shape):
            raise ValueError("its lengths are no whole numbers")
        np.broadcast_to(np.empty((), dtype), shape)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"'{name}' says it has the shape {shape}: {error}") from None


def header(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> Header:
    """What the array of a name is, without reading it where it is in a file."""
    if isinstance(arrays, Archive):
        return arrays.headers[name]
    return Header(arrays[name].shape, arrays[name].dtype)
