"""Which classes samples belong to: whether one is missing, and whether one crowds out the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen.metrics.inception_score import class_chances


class ClassHistogram(NamedTuple):
    """What `class_histogram` found.

    Attributes:
        classes_present: classes with enough samples.
        class_share_least: the smallest share of the samples that a class has, in [0, 1].
        class_share_most: the largest.
        class_shares: of each class, [classes].
    """

    classes_present: int
    class_share_least: float
    class_share_most: float
    class_shares: npt.NDArray[np.float64]


def class_histogram(probabilities: npt.ArrayLike, *, least_share: float = 0.1) -> ClassHistogram:
    """Class histogram: the shares of the samples that a classifier takes for each class; how many classes there are.

    Args:
        probabilities: of each class, for each sample, [M, classes]; the first highest counts.
        least_share: how many samples make a class present, as a share of M / classes, what is fair; and at least one.

    Raises:
        ValueError: no samples, or another shape.
    """
    chances = class_chances("class_histogram", probabilities)
    count, classes = chances.shape
    shares = np.bincount(chances.argmax(axis=1), minlength=classes) / count
    present = (shares > 0) & (shares >= least_share / classes)
    return ClassHistogram(int(present.sum()), float(shares.min()), float(shares.max()), shares)
