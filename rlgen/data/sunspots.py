"""Sunspots: a real series, whose period of eleven years is no exact one."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rlgen import files
from rlgen.data.published import FAULTS, damaged
from rlgen.data.series import Series
from rlgen.errors import UserError
from rlgen.fetching import Package
from rlgen.library import Origin

FILE = "sunspots.csv"
HEADER = ["YEAR", "SUNACTIVITY"]
FIRST_YEAR, LAST_YEAR = 1700, 2008
# Years before which training and validation end: 70 and 85 % of them.
ENDS = (1916, 1963)


class Sunspots(Series):
    """309 years of sunspots, 1700 to 2008; the number of the next year from those of the 20 before.

    `x` is float32 [N, window], standardised by the years that train, `y` float32 [N], spots as they were counted, on a
    year's average: 0 to 190.2. Years up to 1915 train, 1916 to 1962 validate, 1963 to 2008 test. It comes from Debian,
    as PyPI has statsmodels for each platform anew, and no checksum would hold.

    Source: NOAA's National Geophysical Data Center, out of statsmodels.
    """

    name = "sunspots"
    origin = Origin(
        licence="public domain",
        size=4_514_764,
        needs=((f"sunspots/{FILE}",),),
        packages=(
            Package(
                client="apt-get",
                name="python3-statsmodels",
                version="0.13.5+dfsg-7",
                file="python3-statsmodels_0.13.5+dfsg-7_all.deb",
                sha256="77474ba544c8e18e7932635ef9ab65abc1b8720fb471465d2a6ddd5ea81f08ad",
                folder="usr/lib/python3/dist-packages/statsmodels/datasets/sunspots",
            ),
        ),
        by_hand=f"the folder sunspots with {FILE}, which any statsmodels has in statsmodels/datasets,",
    )

    def __init__(self, *, window: int = 20) -> None:
        """Read it.

        Args:
            window: years that are seen; 1 to 215.

        Raises:
            UserError: it is not there, or damaged; or the window does not fit.
        """
        (file,) = self.origin.require(self.name)
        try:
            numbers = _numbers(file)
        except (*FAULTS, UserError) as error:
            raise damaged(file, error, self.name) from error
        first, second = (end - FIRST_YEAR for end in ENDS)
        super().__init__(numbers, window=window, ends=(first, second), names=["sunspots"])


def _numbers(file: Path) -> npt.NDArray[np.float64]:
    """The number of each year, [309].

    Raises:
        ValueError and the like: it is no such file; see `FAULTS`.
    """
    header, *rows = csv.reader(io.StringIO(files.read(file).decode("utf-8"), newline=""))
    if header != HEADER:
        raise ValueError(f"its columns are {', '.join(header)}")
    years = [int(float(year)) for year, _ in rows]
    if years != list(range(FIRST_YEAR, LAST_YEAR + 1)):
        raise ValueError(f"its {len(years)} years are not all those from {FIRST_YEAR} to {LAST_YEAR}")
    numbers = np.array([float(number) for _, number in rows])
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise ValueError("there are years of which it has no number of spots")
    return numbers
