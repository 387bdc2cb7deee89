"""Arrays that take a while to make, made once and then kept beside the data sets that were brought."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files, library
from rlgen.data.published import FAULTS

Made = Mapping[str, npt.NDArray[Any]]


def kept(name: str, arrays: Collection[str], sound: Callable[[Made], bool], make: Callable[[], Made]) -> Made:
    """The arrays of these names from a file in `library.home()`, or made now and then kept there.

    Args:
        name: of the file, which says everything that they depend on.
        arrays: their names; the file may be damaged, or somebody else's.
        sound: whether they are what they should be.
        make: makes them.
    """
    file = library.home() / f"{name}.npz"
    if (found := _read(file, arrays)) is not None and sound(found):
        return found
    made, there = make(), file.exists()
    # What is damaged stays, for it is not ours to delete; where nothing can be kept it is made again next time.
    with contextlib.suppress(OSError):
        if not there:
            packed = io.BytesIO()
            np.savez_compressed(packed, allow_pickle=False, **made)  # type: ignore[arg-type]
            files.make_directory(file.parent.resolve())
            files.write(file, packed.getvalue())
    return made


def _read(file: Path, names: Collection[str]) -> Made | None:
    try:
        with files.open_to_read(file) as opened, np.load(opened, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except FAULTS:
        return None
