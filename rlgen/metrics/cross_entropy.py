"""How surprised a classifier is by the right answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def cross_entropy(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean of -ln p(right class), in nats; 0 is certain and right, ln(classes) is a blind guess.

    Args:
        labels: the right classes, whole numbers [N].
        probabilities: of each class, [N, classes]; values below 1e-12 count as 1e-12.

    Raises:
        ValueError: no examples, or shapes that do not belong together.
    """
    truth, chances = np.asarray(labels), np.asarray(probabilities, np.float64)
    if truth.ndim != 1 or chances.ndim != 2 or len(truth) != len(chances) or truth.size == 0:
        raise ValueError(
            f"cross_entropy takes labels [N] and probabilities [N, classes] with N >= 1, "
            f"not {truth.shape} and {chances.shape}."
        )
    return float(-np.mean(np.log(np.maximum(chances[np.arange(len(truth)), truth], 1e-12))))
