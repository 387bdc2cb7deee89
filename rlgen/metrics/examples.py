"""What metrics of two sets of examples share: one form for both, distances in blocks, answers kept for real ones."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
T = TypeVar("T")

# Distances that are held at a time, 128 MB of them.
BLOCK_DISTANCES = 2**24


def vectors(name: str, least: int, **sets: npt.ArrayLike) -> tuple[Array, ...]:
    """Sets of examples as float64 [N, D], each.

    Args:
        name: of the metric, for the message.
        least: fewest examples that a set may have.
        sets: [N, ...] by name, examples of one shape.

    Raises:
        ValueError: too few examples, or shapes that do not belong together.
    """
    found = [np.asarray(x, np.float64) for x in sets.values()]
    if any(x.ndim < 2 or len(x) < least or x.shape[1:] != found[0].shape[1:] for x in found):
        shapes = ", ".join(f"{which} {x.shape}" for which, x in zip(sets, found, strict=True))
        raise ValueError(
            f"{name} takes {' and '.join(sets)}, each [N, ...] with N >= {least} and examples of one shape, not "
            f"{shapes}."
        )
    # An array that has the form already stays itself: `remembered` knows it again.
    return tuple(x if x.ndim == 2 else x.reshape(len(x), -1) for x in found)


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """`function` of arrays and hashable arguments, computed once for arrays that nobody can write to.

    Real examples stay the same from evaluation to evaluation. What is kept goes when one of the arrays does.
    """
    kept: dict[tuple[Hashable, ...], tuple[list[weakref.ref[Any]], T]] = {}

    @functools.wraps(function)
    def call(*arguments: Any) -> T:
        arrays = [x for x in arguments if isinstance(x, np.ndarray)]
        # A view may change through what it is a view of.
        if any(x.flags.writeable or not x.flags.owndata for x in arrays):
            return function(*arguments)
        key = tuple(id(x) if isinstance(x, np.ndarray) else x for x in arguments)
        if key not in kept:
            # With an array its number is free for another one.
            refs = [weakref.ref(x, lambda _: kept.pop(key, None)) for x in arrays]
            kept[key] = (refs, function(*arguments))
        return kept[key][1]

    return call


def squared_distances(a: Array, b: Array) -> Array:
    """Squared Euclidean distances, [N, D] and [M, D] to [N, M]."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * a @ b.T
    return np.maximum(squares, 0)


def distance_blocks(a: Array, b: Array) -> Iterator[tuple[slice, Array]]:
    """The rows of `squared_distances`, so many at a time that memory is no question: which ones, and they."""
    rows = max(1, BLOCK_DISTANCES // len(b))
    for start in range(0, len(a), rows):
        which = slice(start, start + rows)
        yield which, squared_distances(a[which], b)


@remembered
def squared_radii(x: Array, neighbours: int) -> Array:
    """Squared distance of each of `x`, [N, D], to its k-th nearest other one, [N]."""
    # The example itself is its own nearest, at distance 0, so the k-th other one has the index k.
    found = [np.partition(block, neighbours, axis=1)[:, neighbours] for _, block in distance_blocks(x, x)]
    return np.concatenate(found)


@remembered
def nearest(a: Array, b: Array) -> Array:
    """Distance of each of `a`, [N, D], to the nearest of `b`, [M, D]; [N]."""
    return np.sqrt(np.concatenate([block.min(axis=1) for _, block in distance_blocks(a, b)]))
