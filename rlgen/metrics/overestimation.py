"""How much too high an agent's values are."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def overestimation(
    values: Floats,
    rewards: Floats,
    lived: npt.NDArray[np.bool_],
    ended_by_time: npt.NDArray[np.bool_],
    *,
    discount: float,
    tolerance: float = 0.01,
) -> float | None:
    """Mean of (predicted value minus the discounted return that followed) over the states visited.

    An episode that the time limit cut says nothing of what would have followed, so of such an episode only
    the states count whose return the missing rest could not change by more than the share `tolerance`.

    Args:
        values: [T, N], the value predicted in each state.
        rewards: [T, N], the reward received after it.
        lived: bool [T, N], whether the episode was still going on.
        ended_by_time: bool [N], whether the episode was truncated.
        discount: gamma.
        tolerance: gamma**k below this counts as nothing.

    Returns:
        The mean, or None when no state counts. Source: van Hasselt et al. (2016), figure 2.
    """
    returns = np.zeros(values.shape)
    following = np.zeros(values.shape[1])
    for t in reversed(range(len(values))):
        following = np.where(lived[t], rewards[t] + discount * following, 0.0)
        returns[t] = following
    horizon = math.inf if discount >= 1 else math.log(tolerance) / math.log(discount) if discount > 0 else 1
    remaining = lived[::-1].cumsum(0)[::-1]
    counts = lived & (~ended_by_time | (remaining >= horizon))
    return float((values - returns)[counts].mean()) if counts.any() else None
