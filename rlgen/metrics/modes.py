"""How many modes of a known mixture a generator reaches, and how many of its samples are any good."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Modes(NamedTuple):
    """What `modes` found.

    Attributes:
        covered: how many modes are covered.
        high_quality: share of the samples that lie near a center, in [0, 1].
        balanced: the same, but no mode counts for more than its fair share, 1 / K; in [0, 1]. A missing
            mode, a crowded one and bad samples all lower it, so it can choose between generators.
    """

    covered: int
    high_quality: float
    balanced: float


def modes(
    samples: npt.ArrayLike,
    centers: npt.ArrayLike,
    std: float,
    *,
    within: float = 3.0,
    least_share: float = 0.01,
) -> Modes:
    """Modes covered by `samples`, and the share of them of high quality.

    A sample is of high quality when its nearest center is at most `within` standard deviations away (for a
    Gaussian in the plane and 3 deviations, 1 - exp(-4.5) = 98.9 % of real samples are). A mode is covered
    when at least `least_share` of the high-quality samples, and at least one, are nearest to its center.

    Source: Srivastava et al., "VEEGAN" (NeurIPS 2017), section 4.1, where one sample covers a mode; the
    least share is stricter, so that a stray sample among thousands does not.

    Args:
        samples: [N, D].
        centers: of the mixture's components, [K, D].
        std: of each component along any axis.
        within: how many deviations around a center count as high quality.
        least_share: of the high-quality samples that makes a mode covered, in [0, 1].

    Raises:
        ValueError: no samples, or shapes that do not belong together.
    """
    points, middles = np.asarray(samples, np.float64), np.asarray(centers, np.float64)
    if points.ndim != 2 or middles.ndim != 2 or points.shape[1] != middles.shape[1] or not len(points):
        raise ValueError(f"modes takes samples [N, D] and centers [K, D], not {points.shape} and {middles.shape}.")
    distances = np.linalg.norm(points[:, None] - middles[None], axis=-1)
    nearest = distances.argmin(axis=1)
    good = distances.min(axis=1) <= within * std
    counts = np.bincount(nearest[good], minlength=len(middles))
    covered = (counts >= least_share * good.sum()) & (counts > 0)
    balanced = np.minimum(counts / len(points), 1 / len(middles)).sum()
    return Modes(int(covered.sum()), float(good.mean()), float(balanced))
