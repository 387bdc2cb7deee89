"""How far apart two sets of examples are, by their means and covariances."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def frechet_distance(real: npt.ArrayLike, samples: npt.ArrayLike) -> float:
    """|m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), in squared units of the examples; 0 for equal means and covariances.

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
    first, second = np.asarray(real, np.float64), np.asarray(samples, np.float64)
    if first.shape[1:] != second.shape[1:] or min(len(first), len(second)) < 2:
        raise ValueError(
            "frechet_distance takes real [N, ...] with N > 1 and samples [M, ...] of the same shape with M > 1, not "
            f"{first.shape} and {second.shape}."
        )
    (mean, centred), (other_mean, other) = _centred(first), _centred(second)
    # As many rows as the covariance has, at most: a set of many examples comes down to that.
    overlap = np.linalg.qr(centred, "r") @ other.T
    root_trace = np.sqrt(np.maximum(np.linalg.eigvalsh(overlap @ overlap.T), 0)).sum()
    distance = ((mean - other_mean) ** 2).sum() + (centred**2).sum() + (other**2).sum() - 2 * root_trace
    return float(max(distance, 0.0))


def _centred(x: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The mean [D], and A with the covariance A'A, [N, D]."""
    flat = x.reshape(len(x), -1)
    mean = flat.mean(0)
    return mean, (flat - mean) / np.sqrt(len(flat) - 1)
