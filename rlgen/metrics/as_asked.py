"""Whether samples are of the classes that were asked for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def as_asked(probabilities: npt.ArrayLike, asked: npt.ArrayLike) -> float:
    """Share of samples that a classifier takes for the class that was asked for, in [0, 1]; its own errors count too.

    Args:
        probabilities: of each class, for each sample, [M, classes]; the first highest counts.
        asked: the class of each, [M].

    Raises:
        ValueError: none, or as many classes asked for as samples there are not.
    """
    found, wanted = np.asarray(probabilities, np.float64), np.asarray(asked)
    if found.ndim != 2 or not found.size or wanted.shape != found.shape[:1]:
        raise ValueError(
            f"as_asked takes probabilities [M, classes] with M >= 1 and classes [M], not {found.shape}, {wanted.shape}."
        )
    return float((found.argmax(axis=1) == wanted).mean())
