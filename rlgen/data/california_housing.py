"""California housing: what houses of a district are worth."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rlgen import files, runtime
from rlgen.data.published import FAULTS, MOST_BYTES, damaged, members
from rlgen.data.tabular import Tabular
from rlgen.library import Origin

KERAS, ARCHIVE, MEMBER = "california_housing.npz", "cal_housing.tgz", "cal_housing.data"
HEADER = ("MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude")
TARGET = "MedHouseVal"
DOLLARS, LEAST_DOLLARS = 100_000, 1_000  # What the target counts in, and what no house is worth less than.

Numbers = npt.NDArray[np.float64]


class CaliforniaHousing(Tabular):
    """20,640 districts of California by 8 numbers; the target is a house's median value in 100,000 dollars, to 5.

    `x` is float32 [N, 8], standardised, the columns those of scikit-learn: median income in 10,000 dollars, age of
    houses, rooms, bedrooms and people of a household, people, latitude, longitude; `y` float32 [N]. 80 : 10 : 10. No
    registry has it, and what scikit-learn keeps of it is pickled, which is not opened.

    Source: Pace and Barry, "Sparse Spatial Autoregressions" (1997), out of the census of 1990.
    """

    name = "california_housing"
    origin = Origin(
        licence="none stated",
        size=743_530,
        needs=((KERAS, ARCHIVE),),
        by_hand=f"Keras' {KERAS}, or {ARCHIVE} as it was published,",
    )

    def __init__(self) -> None:
        """Read it.

        Raises:
            UserError: it is not there, or damaged.
        """
        (file,) = self.origin.require(self.name)
        try:
            x, y = (_keras if file.name == KERAS else _published)(file)
            if not (np.isfinite(x).all() and np.isfinite(y).all()):
                raise ValueError("something in it is no number")
        except FAULTS as error:
            raise damaged(file, error, self.name) from error
        rows = [list(map(repr, row)) for row in np.column_stack([x, y]).tolist()]
        super().__init__([*HEADER, TARGET], rows, target=TARGET, where=f"'{file}'", task="numbers")


def _keras(file: Path) -> tuple[Numbers, Numbers]:
    """Features [N, 8] and values [N] of the arrays that Keras keeps."""
    with files.open_to_read(file) as raw:
        if sum(info.file_size for info in zipfile.ZipFile(raw).infolist()) > MOST_BYTES:
            raise ValueError(f"it unpacks to more than {runtime.human_bytes(MOST_BYTES)}")
        raw.seek(0)
        arrays = np.load(raw, allow_pickle=False)
        x, y = np.asarray(arrays["x"], np.float64), np.asarray(arrays["y"], np.float64)
    if x.ndim != 2 or x.shape[1] != len(HEADER) or y.shape != x.shape[:1]:
        raise ValueError(f"its arrays are {list(x.shape)} and {list(y.shape)}")
    if not (y >= LEAST_DOLLARS).all():
        raise ValueError("its values are no dollars")
    # Keras' page names scikit-learn's columns, its readers show the published ones; a longitude alone is negative.
    if (x[:, 0] < 0).all():
        x = _features(x)
    elif not (x[:, -1] < 0).all():
        raise ValueError("neither its first nor its last column is a longitude")
    return x, y / DOLLARS


def _published(file: Path) -> tuple[Numbers, Numbers]:
    """The same of the archive: lines of the eight published columns and the value."""
    found = [content for name, content in members(file, lambda name: Path(name).name == MEMBER).items()]
    if len(found) != 1:
        raise ValueError(f"it has no {MEMBER}")
    whole = np.loadtxt(io.BytesIO(found[0]), delimiter=",", ndmin=2)
    if whole.shape[1] != len(HEADER) + 1:
        raise ValueError(f"{MEMBER} has {whole.shape[1]} columns")
    return _features(whole[:, :-1]), whole[:, -1] / DOLLARS


def _features(published: Numbers) -> Numbers:
    """Scikit-learn's columns out of the published ones, [N, 8]."""
    longitude, latitude, age, rooms, bedrooms, people, households, income = published.T
    if not (households > 0).all():
        raise ValueError("there are districts without a household")
    return np.column_stack(
        [income, age, rooms / households, bedrooms / households, people, people / households, latitude, longitude]
    )
