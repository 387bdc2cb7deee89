"""Labelled pictures that were published in two parts, to train and to test: the base, and the files they come in."""

from __future__ import annotations

import abc
import csv
import gzip
import math
import tarfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from rlgen import archive, files, runtime
from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.data.pixels import check_size, resized
from rlgen.errors import UserError
from rlgen.library import Origin
from rlgen.spec import Spec

# What a file may unpack to; the largest of these sets has 180 MB.
MOST_BYTES = 500_000_000
# What reading a file that is no archive, or a damaged one, may raise.
FAULTS = (*archive.FAULTS, TypeError, LookupError, MemoryError, tarfile.TarError, csv.Error)


class Published(Dataset):
    """Labelled pictures in two parts; the last of the training part are the validation part.

    Attributes:
        name: of the data set, for messages.
        validation: which share of the training part that is.
        origin: where it comes from.
    """

    name: ClassVar[str]
    validation: ClassVar[float]
    origin: ClassVar[Origin]
    target: Target

    def __init__(self, *, size: int = 0) -> None:
        """See that the files are there; they are read when somebody asks for examples.

        Args:
            size: pixels along either side; 0: as published.

        Raises:
            UserError: they are not there, or the size is none.
        """
        height, width, channels = self.spec.shape
        if size:
            check_size(size, channels)
            self.spec = Spec((size, size, channels), "uint8")
        self._published = (height, width, channels)
        self._files = self.origin.require(self.name)

    @abc.abstractmethod
    def read(self, file: Path) -> tuple[Arrays, Arrays]:
        """What to train and what to test on: uint8 [N, H, W, C] and [N].

        Raises:
            UserError: the file is damaged.
        """

    def split(self, part: Part) -> Arrays:
        """The examples of one part; every call gives the same."""
        train, test = self._whole
        count = len(train) - round(self.validation * len(train))
        rows = slice(count, None) if part == "validation" else slice(count) if part == "train" else slice(None)
        arrays = (test if part == "test" else train).take(rows)
        runtime.require_memory({f"{len(arrays):,} pictures": len(arrays) * self.spec.size}, advice="Make size smaller")
        return Arrays(resized(arrays.x, self.spec.shape[0]), arrays.y)

    @cached_property
    def _whole(self) -> tuple[Arrays, Arrays]:
        file = self._files[0]
        parts = self.read(file)
        for arrays in parts:
            if arrays.y is None or arrays.x.shape != (len(arrays.y), *self._published) or not len(arrays):
                raise damaged(file, f"it has pictures {list(arrays.x.shape)}", self.name)
            if arrays.y.max() >= len(self.target.classes):
                raise damaged(file, f"it has the class {arrays.y.max()}", self.name)
        return parts


def damaged(file: Path, why: object, name: str) -> UserError:
    """That a file of a data set is not what it should be."""
    return UserError(f"'{file}' is not as '{name}' was published: {why}. Delete it, and bring the data set anew.")


def read_idx(file: Path) -> npt.NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes, compressed or not.

    Two zero bytes, a type, a rank, lengths as big-endian int32, data: "The MNIST database" (LeCun, Cortes, Burges).

    Raises:
        OSError, ValueError and the like: it is none; see `FAULTS`.
    """
    with files.open_to_read(file) as raw:
        if file.suffix == ".gz":
            with gzip.GzipFile(fileobj=raw) as unpacked:
                content = unpacked.read(MOST_BYTES + 1)
        else:
            content = raw.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {runtime.human_bytes(MOST_BYTES)}")
    if content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise ValueError("it does not begin as an IDX file of bytes does")
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(content[3])]
    body = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape))
    if body.size != math.prod(shape):
        raise ValueError(f"it says that it has the shape {shape}, and {body.size:,} bytes follow")
    return body.reshape(shape)


def read_idx_parts(first: Path, name: str) -> tuple[Arrays, Arrays]:
    """The two parts of MNIST and what is laid out like it, from four files beside each other.

    Args:
        first: the file with the training pictures; the others are named like it.
        name: of the data set, for messages.

    Raises:
        UserError: one of them is missing or damaged; it is named.
    """
    parts = []
    for part in ("train", "t10k"):
        columns = []
        for content in ("images-idx3", "labels-idx1"):
            file = first.with_name(first.name.replace("train-images-idx3", f"{part}-{content}"))
            try:
                columns.append(read_idx(file))
            except FAULTS as error:
                raise damaged(file, error, name) from error
        x, y = columns
        parts.append(Arrays(x[..., None], y.astype(np.int32)))
    return parts[0], parts[1]


def members(file: Path, wanted: Callable[[str], bool]) -> Mapping[str, bytes]:
    """The files of a packed tar archive whose names are wanted, in one pass; nothing is written.

    Raises:
        OSError, ValueError and the like: it is none; see `FAULTS`.
    """
    found, room = dict[str, bytes](), MOST_BYTES
    with files.open_to_read(file) as raw, gzip.GzipFile(fileobj=raw) as unpacked:
        with tarfile.open(fileobj=unpacked, mode="r|") as packed:
            for member in packed:
                if not member.isfile() or not wanted(member.name):
                    continue
                room -= member.size
                if room < 0:
                    raise ValueError(f"it unpacks to more than {runtime.human_bytes(MOST_BYTES)}")
                content: Any = packed.extractfile(member)
                found[member.name] = content.read()
        # An archive that was cut off ends for `tarfile` where it is cut; the checksum at its end is what tells.
        while unpacked.read(files.BLOCK_BYTES):
            pass
    return found
