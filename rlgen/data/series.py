"""Series: numbers in the order of time, of which a stretch is seen and the next one is to be said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.data.columns import Column
from rlgen.errors import UserError
from rlgen.spec import Spec


class Series(Dataset):
    """Windows of a series, and the number that follows each; parts follow one another in time.

    `x` is float32 [N, window], or [N, window, columns] of several series, less the mean of the training part over its
    deviation; `y` is float32 [N], as it is. A window may reach back into the part before: what was is known.
    """

    target = Target(Spec(()))
    columns: tuple[Column, ...]

    def __init__(
        self,
        values: npt.ArrayLike,
        *,
        window: int,
        ends: tuple[int, int],
        column: int = 0,
        names: Sequence[str] | None = None,
    ) -> None:
        """Cut a series.

        Args:
            values: [T] or [T, columns].
            window: numbers that are seen.
            ends: where training ends and where validation ends, in [0, T].
            column: of several, the one to be said.
            names: of them.

        Raises:
            UserError: a part would have no window.
        """
        whole = np.asarray(values, np.float64)
        whole = whole if whole.ndim == 2 else whole[:, None]
        first, second = ends
        if window < 1 or not window < first < second < len(whole):
            raise UserError(
                f"window={window}: of {len(whole)} numbers {first} are there to train, and each window and its number "
                f"take {window + 1}. Take a window from 1 to {first - 1}."
            )
        self._mean, self._deviation = whole[:first].mean(0), whole[:first].std(0)
        self._deviation[self._deviation == 0] = 1.0
        named = names or ["value"] * whole.shape[1]
        self.columns = tuple(
            Column(name=name, mean=float(mean), deviation=float(deviation), median=float(mean))
            for name, mean, deviation in zip(named, self._mean, self._deviation, strict=True)
        )
        self._values, self._column, self._window = whole, column, window
        self._bounds = {"train": (window, first), "validation": (first, second), "test": (second, len(whole))}
        self.spec = Spec((window,) if whole.shape[1] == 1 else (window, whole.shape[1]))

    def split(self, part: Part) -> Arrays:
        """The windows of one part, in the order of time; every call gives the same."""
        places = np.arange(*self._bounds[part])
        scaled = (self._values - self._mean) / self._deviation
        x = scaled[places[:, None] + np.arange(-self._window, 0)]
        y = self._values[places, self._column]
        return Arrays(x.reshape(-1, *self.spec.shape).astype(np.float32), y.astype(np.float32))

    def naive(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """The forecast that nothing changes: the last number of each window, [N]."""
        last = x[:, -1] if x.ndim == 2 else x[:, -1, self._column]
        forecast: npt.NDArray[np.float64] = last * self._deviation[self._column] + self._mean[self._column]
        return forecast
