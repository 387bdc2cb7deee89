"""CIFAR-10: small photographs of animals and vehicles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rlgen import files
from rlgen.data import Arrays, Target
from rlgen.data.published import FAULTS, MOST_BYTES, Published, damaged, members
from rlgen.errors import UserError
from rlgen.library import Origin, directories
from rlgen.spec import Spec

FOLDER, ARCHIVE = "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
TRAIN, TEST = tuple(f"data_batch_{i}.bin" for i in range(1, 6)), ("test_batch.bin",)
# What Keras and torchvision keep: to open it is to run what is in it.
PICKLED = ("cifar-10-batches-py-target", "cifar-10-batches-py", "cifar-10-batches-py.tar.gz", "cifar-10-python.tar.gz")
SHAPE = (32, 32, 3)


class CIFAR10(Published):
    """CIFAR-10: 60,000 colour photographs of 32x32 pixels in 10 classes.

    `x` is uint8 [N, 32, 32, 3], or of `?size=`; 45,000 to train, 5,000 to validate, 10,000 to test, in the published
    order. It is read from the binary version alone: the other one is pickled.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
    """

    name = "cifar10"
    spec = Spec(SHAPE, "uint8")
    target = Target.one_of(
        *("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    )
    validation = 0.1
    origin = Origin(
        licence="none stated",
        size=170_052_171,
        needs=((f"{FOLDER}/{TRAIN[0]}", ARCHIVE),),
        by_hand=f"{ARCHIVE}, the binary version that its authors publish, or its folder {FOLDER}",
    )

    def __init__(self, *, size: int = 0) -> None:
        """As the base says."""
        if self.origin.find() is None:
            pickled = (directory / name for directory in directories() for name in PICKLED)
            if (file := next((path for path in pickled if path.exists()), None)) is not None:
                raise UserError(
                    f"'{file}' is the pickled version of CIFAR-10, which is not opened: that would run what is in it. "
                    f"Bring the binary version: put {self.origin.by_hand} beside it."
                )
        super().__init__(size=size)

    def read(self, file: Path) -> tuple[Arrays, Arrays]:
        """As the base says."""
        try:
            content = _content(file)
            return _arrays(content, TRAIN), _arrays(content, TEST)
        except FAULTS as error:
            raise damaged(file, error, self.name) from error


def _content(file: Path) -> Mapping[str, bytes]:
    """The files by name."""
    if file.name != ARCHIVE:
        return {name: files.read(file.with_name(name), most_bytes=MOST_BYTES) for name in (*TRAIN, *TEST)}
    found = members(file, lambda name: name.endswith(".bin"))
    return {Path(name).name: content for name, content in found.items()}


def _arrays(content: Mapping[str, bytes], names: tuple[str, ...]) -> Arrays:
    """Records of one byte for the class, then the red, the green and the blue plane, row by row."""
    length = 1 + int(np.prod(SHAPE))
    records = []
    for name in names:
        if name not in content:
            raise ValueError(f"it has no {name}")
        if len(content[name]) % length:
            raise ValueError(f"{name} has {len(content[name]):,} bytes, no multiple of {length:,}")
        records.append(np.frombuffer(content[name], np.uint8).reshape(-1, length))
    rows = np.concatenate(records)
    pictures = rows[:, 1:].reshape(-1, SHAPE[2], SHAPE[0], SHAPE[1]).transpose(0, 2, 3, 1)
    return Arrays(np.ascontiguousarray(pictures), rows[:, 0].astype(np.int32))
