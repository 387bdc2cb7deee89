"""Whether samples are copies of training examples."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen.metrics.examples import nearest, vectors

# Deviations of the share of copies that chance does not reach.
SURPRISING = 4.0


class Memorisation(NamedTuple):
    """What `memorisation` found.

    Attributes:
        memorisation: probability that a sample is nearer to the training examples than a held-out one is, in [0, 1]:
            about 0.5 for fresh draws, 1 for copies, less for samples that look like nothing.
        copies: share of the samples nearer to a training example than all but the nearest 5 % of the held-out
            ones: about 0.05 for fresh draws.
        memorised: 1 where there are more `copies` than chance explains, else 0.
    """

    memorisation: float
    copies: float
    memorised: float


def memorisation(
    training: npt.ArrayLike, real: npt.ArrayLike, samples: npt.ArrayLike, *, near_share: float = 0.05
) -> Memorisation:
    """Memorisation: distances of samples to their nearest training example beside those of held-out examples.

    A copy that training made is nearer than anything fresh could be. So is, in pixels, a picture that is merely
    blurred: look at features of a classifier before you believe it.

    Source: Meehan et al., "A Non-Parametric Test to Detect Data-Copying in Generative Models" (AISTATS 2020), whose
    rank statistic is `Memorisation.memorisation`; a few copies among many bad samples show in `copies` alone.

    Args:
        training: [T, ...], examples that were learned from.
        real: [N, ...], N >= 2, examples that were not.
        samples: [M, ...], M >= 2, examples of the same shape.
        near_share: the share of the held-out examples that counts as near.

    Raises:
        ValueError: too few examples, or shapes that do not belong together.
    """
    from scipy.stats import mannwhitneyu

    seen, truth, made = vectors("memorisation", 2, training=training, real=real, samples=samples)
    fresh, found = nearest(truth, seen), nearest(made, seen)
    nearer = mannwhitneyu(fresh, found).statistic / (len(fresh) * len(found))
    copies = float((found < np.quantile(fresh, near_share)).mean())
    deviation = math.sqrt(near_share * (1 - near_share) * (1 / len(fresh) + 1 / len(found)))
    return Memorisation(float(nearer), copies, float(copies > near_share + SURPRISING * deviation))
