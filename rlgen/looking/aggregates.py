"""What several seeds say together: interquartile means, bootstrap intervals, how likely one is better than another.

Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen.errors import UserError

RESAMPLES, SHARE = 2000, 0.95
# An interval over fewer seeds says little.
FEW = 3
# Numbers that are drawn at once, of curves of many points: 40 MB.
BLOCK = 5_000_000

Numbers = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A number and the interval around it; its ends are NaN where there is too little to know it by."""

    value: float
    low: float
    high: float


def interquartile_mean(values: npt.ArrayLike) -> Any:
    """The mean of the middle half: a quarter of the values, rounded down, is left out at each end.

    Of fewer than four values it is the mean.

    Args:
        values: [N] or [N, ...].

    Returns:
        The mean over the first axis: a float64, or an array [...].

    Raises:
        UserError: there is none, or one is not finite.
    """
    ordered = np.sort(_checked(values, "values"), axis=0)
    cut = len(ordered) // 4
    return ordered[cut : len(ordered) - cut].mean(axis=0)


def interval(
    values: npt.ArrayLike,
    *,
    statistic: Callable[[Numbers], Any],
    seed: int = 0,
    resamples: int = RESAMPLES,
    share: float = SHARE,
) -> tuple[Any, Any]:
    """The percentile bootstrap's interval of a statistic: its ends, each NaN where there is one value alone.

    All that stands in a row of the first axis, the points of a curve, is drawn together.

    Args:
        values: [N] or [N, ...].
        statistic: of [N, ...] over the first axis.
        seed: of what is drawn.
        resamples: how often N are drawn of the N, each time with what was drawn before put back.
        share: of the resamples' statistics that lies inside.

    Returns:
        Its lower and its upper end, float64s or arrays [...].

    Raises:
        UserError: there is no value, one is not finite, or `resamples` or `share` cannot be.
    """
    numbers = _checked(values, "values")
    _check_bootstrap(resamples, share)
    count, shape = len(numbers), numbers.shape[1:]
    if count == 1:
        nothing = np.full(shape, np.nan)[()]
        return nothing, nothing
    # Drawn once, so that how many points are taken at once changes nothing.
    drawn = np.random.default_rng(seed).integers(count, size=(count, resamples))
    columns = numbers.reshape(count, -1)
    width = max(1, BLOCK // drawn.size)
    blocks = [
        _ends(np.asarray(statistic(columns[drawn, start : start + width])), share)
        for start in range(0, columns.shape[1], width)
    ] or [np.empty((2, 0))]
    low, high = np.concatenate(blocks, axis=1)
    return low.reshape(shape)[()], high.reshape(shape)[()]


def probability_of_improvement(
    x: npt.ArrayLike, y: npt.ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES, share: float = SHARE
) -> Estimate:
    """How likely a value of X is above one of Y, P(X > Y) + P(X = Y) / 2, with its bootstrap interval.

    It is Mann and Whitney's U over N M. The interval has no ends where either has one value alone.

    Args:
        x: [N].
        y: [M].
        seed: of what is drawn, of X and of Y apart.
        resamples: how often.
        share: of the resamples that lies inside the interval.

    Raises:
        UserError: there is no value, one is not finite, or `resamples` or `share` cannot be.
    """
    first, second = _checked(x, "x"), _checked(y, "y")
    if first.ndim != 1 or second.ndim != 1:
        raise UserError(f"x has the shape {first.shape} and y {second.shape}: give a number for each seed.")
    _check_bootstrap(resamples, share)
    above = (first[:, None] > second) + 0.5 * (first[:, None] == second)
    value = float(above.mean())
    if len(first) == 1 or len(second) == 1:
        return Estimate(value, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    # How often each value is drawn is all that a mean over pairs depends on: [resamples, N] and [resamples, M].
    often_x, often_y = (rng.multinomial(n, np.full(n, 1 / n), size=resamples) for n in (len(first), len(second)))
    means = ((often_x @ above) * often_y).sum(axis=1) / above.size
    low, high = _ends(means, share)
    return Estimate(value, float(low), float(high))


def _ends(statistics: Numbers, share: float) -> Numbers:
    """The quantiles [2, ...] between which that share of the first axis lies."""
    return np.quantile(statistics, [(1 - share) / 2, (1 + share) / 2], axis=0)


def _checked(values: npt.ArrayLike, name: str) -> Numbers:
    """As float64, one and more along the first axis."""
    numbers = np.asarray(values, np.float64)
    if numbers.ndim == 0 or not len(numbers):
        raise UserError(f"{name} has no values: give a number for each seed.")
    if not np.isfinite(numbers).all():
        raise UserError(f"{name} has values that are not finite: leave out the seeds that have failed, and say so.")
    return numbers


def _check_bootstrap(resamples: int, share: float) -> None:
    if resamples < 1:
        raise UserError(f"resamples={resamples}: draw at least once; {RESAMPLES:,} is usual.")
    if not 0 < share < 1:
        raise UserError(f"share={share}: it lies between 0 and 1; {SHARE} is usual.")
