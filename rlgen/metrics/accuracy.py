"""The share of right answers of a classifier."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def accuracy(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    """Share of examples whose predicted class is the right one, in [0, 1].

    Args:
        labels: the right classes, whole numbers [N].
        predictions: classes [N], or a score per class [N, classes], of which the first highest counts.

    Raises:
        ValueError: no examples, or shapes that do not belong together.
    """
    truth, guess = np.asarray(labels), np.asarray(predictions)
    if guess.ndim == 2:
        guess = guess.argmax(axis=1)
    if truth.ndim != 1 or truth.shape != guess.shape or truth.size == 0:
        raise ValueError(
            f"accuracy takes labels [N] and predictions [N] or [N, classes] with N >= 1, "
            f"not {np.shape(labels)} and {np.shape(predictions)}."
        )
    return float(np.mean(truth == guess))
