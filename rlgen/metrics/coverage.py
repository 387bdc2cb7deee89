"""Density and coverage: do the samples look real, and does every kind of real example have samples near?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Coverage(NamedTuple):
    """What `coverage` found.

    Attributes:
        density: how crowded with real examples the places of the samples are; about 1 when both sets come
            from one distribution, and it may exceed 1. It measures fidelity.
        coverage: share of the real examples with a sample in their neighbourhood, in [0, 1]. It measures
            diversity, and falls with fidelity too, for samples outside all neighbourhoods cover nobody.
    """

    density: float
    coverage: float


def coverage(real: npt.ArrayLike, samples: npt.ArrayLike, *, neighbours: int = 5) -> Coverage:
    """Density and coverage of `samples` with respect to `real`.

    The neighbourhood of a real example is the ball that reaches to its k-th nearest other real example.
    When both sets have N examples of one distribution, the expected coverage is
    1 - ((N-1) (N-2) ... (N-k)) / ((2N-1) (2N-2) ... (2N-k)), about 1 - 2**-k: 0.97 for k = 5.

    Source: Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models" (ICML 2020),
    which gives both measures and the expected value.

    Args:
        real: [N, ...], more than `neighbours` of them.
        samples: [M, ...], examples of the same shape.
        neighbours: k.

    Raises:
        ValueError: too few examples, or shapes that do not belong together.
    """
    truth, made = np.asarray(real, np.float64), np.asarray(samples, np.float64)
    if truth.shape[1:] != made.shape[1:] or len(truth) <= neighbours or not len(made):
        raise ValueError(
            f"coverage takes real [N, ...] with N > {neighbours} and samples [M, ...] of the same shape, "
            f"not {truth.shape} and {made.shape}."
        )
    truth, made = truth.reshape(len(truth), -1), made.reshape(len(made), -1)
    # The example itself is its own nearest, at distance 0, so the k-th other one has the index k.
    radii = np.partition(squared_distances(truth, truth), neighbours, axis=1)[:, neighbours]
    inside = squared_distances(truth, made) <= radii[:, None]
    return Coverage(float(inside.sum() / (neighbours * len(made))), float(inside.any(axis=1).mean()))


def squared_distances(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Squared Euclidean distances, [N, D] and [M, D] to [N, M]."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * a @ b.T
    return np.maximum(squares, 0)
