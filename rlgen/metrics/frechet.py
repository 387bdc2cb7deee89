"""How far apart two sets of examples are, by their means and covariances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rlgen.metrics.examples import Array, remembered, vectors


def frechet_distance(real: npt.ArrayLike, samples: npt.ArrayLike) -> float:
    """Frechet distance (FID): |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), in squared units of the examples; 0 is best.

    It is the squared Wasserstein-2 distance of the normal distributions with these moments (Dowson and Landau,
    "The Frechet distance between multivariate normal distributions", 1982), and of features of a network what Heusel
    et al. (2017) call FID. The estimate is too large for few examples, the more so the fewer there are.

    With C = A'A and C' = B'B the trace of the root is the sum of the roots of the eigenvalues of (AB')(AB')': the root
    of a matrix is never taken, and there may be fewer examples than numbers in one.

    Args:
        real: [N, ...], N > 1.
        samples: [M, ...], M > 1, examples of the same shape.

    Raises:
        ValueError: too few examples, or shapes that do not belong together.
    """
    first, second = vectors("frechet_distance", 2, real=real, samples=samples)
    mean, root, variance = _moments(first)
    other_mean, other = _centred(second)
    overlap = root @ other.T
    root_trace = np.sqrt(np.maximum(np.linalg.eigvalsh(overlap @ overlap.T), 0)).sum()
    distance = ((mean - other_mean) ** 2).sum() + variance + (other**2).sum() - 2 * root_trace
    return float(max(distance, 0.0))


@remembered
def _moments(x: Array) -> tuple[Array, Array, float]:
    """The mean [D], A with the covariance A'A and no more rows than that has, and its trace."""
    mean, centred = _centred(x)
    return mean, np.asarray(np.linalg.qr(centred, "r")), float((centred**2).sum())


def _centred(x: Array) -> tuple[Array, Array]:
    """The mean [D], and A with the covariance A'A, [N, D]."""
    mean = x.mean(0)
    return mean, (x - mean) / np.sqrt(len(x) - 1)
