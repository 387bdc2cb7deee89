"""How well masks overlap: Dice and intersection over union, for each class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def dice(masks: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> npt.NDArray[np.float64]:
    """2 |A and B| / (|A| + |B|) of the pixels of each class, over all pictures together; NaN where it is in neither.

    Source: Dice, "Measures of the amount of ecologic association between species" (1945).

    Args:
        masks: the right class of each pixel, whole numbers [N, H, W].
        predictions: the chosen ones, of the same shape.
        classes: how many there are.

    Raises:
        ValueError: shapes that differ.
    """
    both, truth, guess = _counts(masks, predictions, classes)
    with np.errstate(invalid="ignore"):
        return 2 * both / (truth + guess)


def intersection_over_union(masks: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> npt.NDArray[np.float64]:
    """|A and B| / |A or B| of the pixels of each class, over all pictures together; arguments as `dice`."""
    both, truth, guess = _counts(masks, predictions, classes)
    with np.errstate(invalid="ignore"):
        return both / (truth + guess - both)


def _counts(masks: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> npt.NDArray[np.float64]:
    """Pixels of each class in both, in the masks, in the predictions: [3, classes]."""
    truth, guess = np.asarray(masks).reshape(-1), np.asarray(predictions).reshape(-1)
    if np.shape(masks) != np.shape(predictions) or truth.size == 0:
        raise ValueError(f"Masks and predictions have to be alike, not {np.shape(masks)} and {np.shape(predictions)}.")
    parts = (truth[truth == guess], truth, guess)
    return np.array([np.bincount(part, minlength=classes)[:classes] for part in parts], np.float64)
