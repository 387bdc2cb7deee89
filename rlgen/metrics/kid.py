"""How far apart two sets of examples are, by a kernel: without the bias that few examples give the Frechet distance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen.metrics.examples import Array, vectors


class KernelDistance(NamedTuple):
    """What `kid` found.

    Attributes:
        kid: the mean over the subsets; 0 is expected where both sets come from one distribution, and it may be below.
        kid_spread: the standard deviation over the subsets; of `kid` itself it is less.
    """

    kid: float
    kid_spread: float


def kid(
    real: npt.ArrayLike, samples: npt.ArrayLike, *, subsets: int = 20, most: int = 1000, seed: int = 0
) -> KernelDistance:
    """KID: squared maximum mean discrepancy under the kernel (x'y / D + 1)^3, unbiased, with its spread over subsets.

    A subset has half as many examples as the smaller set, at most `most`, so that those of small sets differ too.

    Source: Binkowski et al., "Demystifying MMD GANs" (ICLR 2018), section 4, which takes 1,000 of each.

    Args:
        real: [N, ...], N >= 4.
        samples: [M, ...], M >= 4, examples of the same shape.
        subsets: how many are drawn, each without replacement.
        most: examples in one.
        seed: of the drawing.

    Raises:
        ValueError: too few examples, or shapes that do not belong together.
    """
    truth, made = vectors("kid", 4, real=real, samples=samples)
    size, random = min(most, min(len(truth), len(made)) // 2), np.random.default_rng(seed)
    found = [
        squared_discrepancy(*(x[random.choice(len(x), size, replace=False)] for x in (truth, made)))
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(found)), float(np.std(found)))


def squared_discrepancy(x: Array, y: Array) -> float:
    """The unbiased estimate of the squared discrepancy, of [N, D] and [M, D]: Gretton et al. (JMLR 2012), lemma 6."""
    return float(_mean_of_others(_kernel(x, x)) + _mean_of_others(_kernel(y, y)) - 2 * _kernel(x, y).mean())


def _kernel(x: Array, y: Array) -> Array:
    base = x @ y.T / x.shape[1] + 1
    # A product: NumPy takes third powers by logarithms, five times as long.
    return base * base * base


def _mean_of_others(kernel: Array) -> float:
    """Over pairs of different examples: with the diagonal it would be biased."""
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
