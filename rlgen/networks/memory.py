"""How much memory networks take when they learn, said before it is taken."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rlgen import runtime

NUMBER_BYTES = 4
# What the widest layer puts out at a time where no gradients are taken.
SAMPLING_BYTES = 256_000_000
# A weight that learns: itself, its gradient, and Adam's two means.
NUMBERS_OF_A_WEIGHT = 4


def require_room(inputs: int, units: Sequence[int]) -> None:
    """Check that dense layers can be made, and can learn, before they are made.

    Args:
        inputs: numbers that the first layer sees.
        units: of each layer.

    Raises:
        UserError: the memory is not there; the message has the arithmetic.
    """
    weights = sum((above + 1) * below for above, below in itertools.pairwise((inputs, *units)))
    require_room_for_weights(weights, advice="Make the hidden layers smaller")


def require_room_for_weights(weights: int, *, advice: str) -> None:
    """As `require_room`, for layers of any kind: `advice` says how to have fewer."""
    size = NUMBER_BYTES * weights
    needs = {f"{weights:,} weights": size, "their gradients": size, "their means in Adam": 2 * size}
    runtime.require_memory(needs, advice=advice)


def learning_bytes(
    models: Iterable[Any], *, examples: int, learning: int = 1, following: int = 0, made: int = 1
) -> dict[str, int]:
    """What training will allocate for networks, and for what they put out for a batch.

    Args:
        models: one of a kind.
        examples: that a gradient is taken of at once.
        learning: how many networks of the models' size learn.
        following: how many follow them, as targets and averages do.
        made: numbers of each weight that are there already: itself, and the optimizer's if that is made.
    """
    models = list(models)
    weights = sum(math.prod(v.shape) for model in models for v in getattr(model, "trainable_variables", ()))
    outputs = sum(map(_outputs, _layers(models)))
    # Where a gradient is taken, every output has one.
    return {
        "networks": NUMBER_BYTES * weights * (NUMBERS_OF_A_WEIGHT * learning + following - made),
        "batches": NUMBER_BYTES * outputs * examples * (2 * learning + following),
    }


def widest_outputs(models: Iterable[Any]) -> int:
    """Numbers that the widest layer puts out for an example: what computing without gradients holds at a time."""
    return max(map(_outputs, _layers(models)), default=0)


def at_once(models: Iterable[Any], *, most: int = 10_000) -> int:
    """Examples that models may see at a time, without gradients: of pictures ten thousand would fill the memory."""
    return min(most, max(1, SAMPLING_BYTES // (NUMBER_BYTES * max(1, widest_outputs(models)))))


def _layers(models: Iterable[Any]) -> Iterator[Any]:
    """Layers with none inside; what is no Keras model has none."""
    for model in models:
        if hasattr(model, "_flatten_layers"):
            yield from (layer for layer in model._flatten_layers() if not hasattr(layer, "layers"))


def _outputs(layer: Any) -> int:
    """Numbers that a layer puts out for an example."""
    try:
        shape = layer.output.shape[1:]
    except (AttributeError, ValueError):  # Of a model that is a class of its own.
        return int(getattr(layer, "units", 0))
    return math.prod(size or 1 for size in shape)
