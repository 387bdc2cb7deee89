"""Improved precision and recall: how many samples look real, and how much of what is real can be sampled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen.metrics.examples import Array, distance_blocks, squared_radii, vectors


class PrecisionRecall(NamedTuple):
    """What `precision_recall` found.

    Attributes:
        precision: share of the samples within the neighbourhood of a real example, in [0, 1].
        recall: share of the real examples within the neighbourhood of a sample, in [0, 1].
    """

    precision: float
    recall: float


def precision_recall(real: npt.ArrayLike, samples: npt.ArrayLike, *, neighbours: int = 3) -> PrecisionRecall:
    """Precision and recall of samples: shares of each set inside of the other one's neighbourhoods.

    The neighbourhood of an example is the ball that reaches to its k-th nearest other one of the same set. More
    samples have smaller neighbourhoods, so recalls compare at equal numbers alone.

    Source: Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models" (NeurIPS 2019).

    Args:
        real: [N, ...], more than `neighbours` of them.
        samples: [M, ...], as many at least, examples of the same shape.
        neighbours: k.

    Raises:
        ValueError: too few examples, or shapes that do not belong together.
    """
    truth, made = vectors("precision_recall", neighbours + 1, real=real, samples=samples)
    return PrecisionRecall(_share_inside(made, truth, neighbours), _share_inside(truth, made, neighbours))


def _share_inside(x: Array, others: Array, neighbours: int) -> float:
    """Share of `x` in the neighbourhood of one of the `others`."""
    radii = squared_radii(others, neighbours)
    found = [(distances <= radii).any(axis=1) for _, distances in distance_blocks(x, others)]
    return float(np.concatenate(found).mean())
