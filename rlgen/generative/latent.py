"""Where to go in a space of latent vectors: from one to another, and by sums of some."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rlgen.sampling import Term

Array = npt.NDArray[np.float32]
# Of the normal numbers that are added to a sum, to see what is near it.
NEAR = 0.25


def between(first: Array, second: Array, steps: int) -> Array:
    """The way from vectors [N, L] to others, both included, [N * steps, L], pair by pair.

    Between v and w lie cos(a) v + sin(a) w: whatever the angle, standard normal as both are. On a straight line the
    middle is nearer to the mean than samples are.
    """
    angles = np.linspace(0, np.pi / 2, steps, dtype=np.float32)[None, :, None]
    z = np.cos(angles) * first[:, None] + np.sin(angles) * second[:, None]
    return z.reshape(len(first) * steps, -1).astype(np.float32)


def combined(vectors: Array, terms: Sequence[Term], near: Array) -> Array:
    """What a sum is made of and what it comes to, a row for each term and one for the sum.

    Radford et al., "Unsupervised Representation Learning with Deep Convolutional GANs" (ICLR 2016), 6.3.2.

    Args:
        vectors: standard normal, [N, L].
        terms: T of them, of K vectors each.
        near: standard normal, [K, L], for neighbours of the sum.

    Returns:
        [(T + 1) * (K + 1), L]: of each term its vectors and their mean; in the last row neighbours of the sum, and it.
    """
    rows: list[Array] = []
    total = np.zeros_like(vectors[:1])
    for sign, numbers in terms:
        chosen = vectors[list(numbers)]
        mean = chosen.mean(axis=0, keepdims=True, dtype=np.float32)
        total += np.float32(sign) * mean
        rows += [chosen, mean]
    return np.concatenate([*rows, total + np.float32(NEAR) * near, total])
