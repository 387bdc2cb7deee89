"""How much of examples comes back from their codes, beside what principal components give back; pictures of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import data, pictures

Array = npt.NDArray[np.float32]

# Of examples that principal components are fitted to, in single precision.
FITTED_BYTES = 256_000_000
# Pictures beside what came back, in rows of half as many.
SHOWN = 16


def squared_error(x: Array, back: Array) -> float:
    """Mean of (x - what came back)^2 over all numbers."""
    return float(np.mean(np.square(x.astype(np.float64) - back)))


def explained(x: Array, back: Array) -> float:
    """1 less the squared error over the variance about the mean example: 1 where all comes back, 0 of the mean."""
    spread = float(np.mean(np.square(x.astype(np.float64) - x.mean(axis=0, dtype=np.float64))))
    return 1 - squared_error(x, back) / max(spread, 1e-12)


class Components:
    """Principal components: with nothing but linear maps on both sides, none does better on what it learned from."""

    def __init__(self, training: npt.NDArray[Any], count: int) -> None:
        """Of training examples as they are, [T, ...], as many as there can be, at most `count`.

        Of large examples some are enough, from all over: those that fit into `FITTED_BYTES`.
        """
        from sklearn.decomposition import PCA

        most = max(count, FITTED_BYTES // (4 * max(1, training[0].size)))
        some = pictures.spread(len(training), most)
        flat = data.scaled(training[some]).reshape(len(some), -1)
        self._fitted = PCA(min(count, *flat.shape), random_state=0).fit(flat)

    def error(self, x: Array) -> float:
        """The squared error of examples [N, ...] that went through them."""
        rows = x.reshape(len(x), -1)
        return squared_error(rows, self._fitted.inverse_transform(self._fitted.transform(rows)))


def side_by_side(*rows: Array) -> npt.NDArray[np.uint8]:
    """Pictures, below each what came of it, 16 of each at most: [N, H, W, C] each."""
    count = min(SHOWN, len(rows[0]))
    return pictures.in_rows(*(row[:count] for row in rows), columns=-(-count // 2), width=640)
