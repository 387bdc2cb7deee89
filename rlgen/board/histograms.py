"""How weights and their gradients are distributed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import state

# Of a variable with more numbers evenly spaced ones are looked at: the picture is the same, and costs nothing.
MOST_NUMBERS = 20_000


def weights(tree: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Numbers of each variable that is trained, by `weights/<network>/<number>_<kind>`; single numbers are no crowd."""
    return {f"weights/{name}": numbers for name, numbers in _weights(tree)}


def _weights(tree: Mapping[str, Any]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for path, node in state.nodes(tree):
        for number, variable in enumerate(getattr(node, "trainable_variables", None) or ()):
            if np.prod(variable.shape) > 1:
                yield f"{path}/{_name(number, variable)}", _thinned(variable)


def gradients(tree: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Running means of the gradients, by `gradients/<optimizer>/<number>_<kind>`: what an optimizer keeps as momentum.

    Of one that keeps none, plain gradient descent for instance, there is nothing to show.
    """
    found = {}
    for path, node in state.nodes(tree):
        kept = getattr(node, "_momentums", None) or getattr(node, "momentums", None) or ()
        known = getattr(node, "_trainable_variables", ())
        for number, (moment, variable) in enumerate(zip(kept, known, strict=False)):
            if moment is not None and np.prod(moment.shape) > 1:
                found[f"gradients/{path}/{_name(number, variable)}"] = _thinned(moment)
    return found


def _name(number: int, variable: Any) -> str:
    # Keras numbers layers by when they were made, in whichever run; a variable's place is its only lasting name.
    return f"{number:02d}_{variable.name}"


def _thinned(variable: Any) -> npt.NDArray[Any]:
    numbers = np.asarray(variable).reshape(-1)
    return numbers[:: -(-len(numbers) // MOST_NUMBERS)]
