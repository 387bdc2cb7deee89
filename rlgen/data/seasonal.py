"""A series made up of a trend, a season and noise, as a book has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.data.series import Series
from rlgen.errors import UserError

STEPS, PERIOD = 1461, 365
ENDS = (850, 1000)


class Seasonal(Series):
    """Four years of days: 10 + .05 t + amplitude * season + noise; the next day from a window of 20.

    Days 20 to 849 train, 850 to 999 validate, 1,000 to 1,460 test. The season is sin(2 x) in the first .4 of a year and
    exp(-3 x) in the rest, x being the share of the year gone.

    Source: "Mastering TensorFlow 2.x", chapter 6.
    """

    def __init__(self, *, window: int = 20, sigma: float = 10.0, amplitude: float = 50.0) -> None:
        """Make the series.

        Args:
            window: days that are seen.
            sigma: standard deviation of the noise.
            amplitude: of the season.

        Raises:
            UserError: noise below 0, or a window that does not fit.
        """
        if sigma < 0:
            raise UserError(f"sigma={sigma}: a standard deviation is 0 or more.")
        noise = runtime.generator(0, "seasonal").normal(size=STEPS)
        super().__init__(clean(amplitude) + sigma * noise, window=window, ends=ENDS)


def clean(amplitude: float) -> npt.NDArray[np.float64]:
    """The series without noise, [1461]."""
    days = np.arange(STEPS)
    x = days % PERIOD / PERIOD
    season = np.where(x < 0.4, np.sin(2 * x), np.exp(-3 * x))
    made: npt.NDArray[np.float64] = 10 + 0.05 * days + amplitude * season
    return made
