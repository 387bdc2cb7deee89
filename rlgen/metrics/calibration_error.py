"""How far a classifier's confidence is from the truth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

BINS = 15


class Reliability(NamedTuple):
    """Predictions in bins of equal width by their confidence, those bins alone that have any.

    Attributes:
        confidence: mean probability of the chosen class in each bin.
        accuracy: share of right ones in each bin.
        share: of all predictions in each bin.
    """

    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]


def reliability(labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = BINS) -> Reliability:
    """Accuracy against confidence.

    Args:
        labels: the right classes, whole numbers [N].
        probabilities: of each class, [N, classes].
        bins: how many.

    Raises:
        ValueError: no examples, or shapes that do not belong together.
    """
    truth, chances = np.asarray(labels), np.asarray(probabilities, np.float64)
    if truth.ndim != 1 or chances.ndim != 2 or len(truth) != len(chances) or truth.size == 0:
        raise ValueError(
            f"reliability takes labels [N] and probabilities [N, classes] with N >= 1, not {truth.shape} and "
            f"{chances.shape}."
        )
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    # A confidence on a border belongs to the bin below it, as in (0, 1/15].
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    full = counts > 0
    sums = [np.bincount(place, weights=values, minlength=bins)[full] for values in (confidence, right)]
    return Reliability(sums[0] / counts[full], sums[1] / counts[full], counts[full] / len(truth))


def calibration_error(labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of accuracy from confidence over the bins, weighted by their shares.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), equation 3. Arguments and errors as
    `reliability`.
    """
    found = reliability(labels, probabilities, bins=bins)
    return float(np.sum(found.share * np.abs(found.accuracy - found.confidence)))
