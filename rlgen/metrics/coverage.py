"""Density and coverage: do the samples look real, and does every kind of real example have samples near?"""

from __future__ import annotations

from typing import NamedTuple

import numpy.typing as npt

from rlgen.metrics.examples import distance_blocks, squared_radii, vectors


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
    truth, made = vectors("coverage", 1, real=real, samples=samples)
    if len(truth) <= neighbours:
        raise ValueError(f"coverage takes more than {neighbours} real examples for {neighbours} neighbours.")
    radii, inside, covered = squared_radii(truth, neighbours), 0, 0
    for which, distances in distance_blocks(truth, made):
        near = distances <= radii[which, None]
        inside, covered = inside + int(near.sum()), covered + int(near.any(axis=1).sum())
    return Coverage(inside / (neighbours * len(made)), covered / len(truth))
