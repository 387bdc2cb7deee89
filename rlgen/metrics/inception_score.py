"""How sure a classifier is of samples, and how many classes it finds among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def inception_score(probabilities: npt.ArrayLike) -> float:
    """Inception score, by whichever classifier: 1, all samples alike to it, to the number of classes, each and surely.

    exp of the mean Kullback-Leibler divergence of p(class | sample) from the mean over samples, p(class). It does not
    look at real examples. Figures of one classifier compare with each other and with no other's.

    Source: Salimans et al., "Improved Techniques for Training GANs" (NeurIPS 2016), section 4.

    Args:
        probabilities: of each class, for each sample, [M, classes].

    Raises:
        ValueError: no samples, or another shape.
    """
    chances = class_chances("inception_score", probabilities)
    # x log x of 0 is 0.
    information = np.where(chances > 0, chances * (np.log(np.maximum(chances, 1e-300)) - _log_mean(chances)), 0.0)
    return float(np.exp(information.sum(axis=1).mean()))


def class_chances(name: str, probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Probabilities as float64 [M, classes].

    Raises:
        ValueError: no samples, or another shape.
    """
    chances = np.asarray(probabilities, np.float64)
    if chances.ndim != 2 or not chances.size:
        raise ValueError(f"{name} takes probabilities [M, classes] with M >= 1, not {chances.shape}.")
    return chances


def _log_mean(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.log(np.maximum(chances.mean(axis=0), 1e-300))
