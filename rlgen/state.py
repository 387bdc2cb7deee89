"""The state of an algorithm as named NumPy arrays, and back, in place.

An algorithm's `state()` is a tree of things that live on: variables, models, optimizers, generators. This
module knows how to read each of them into arrays and how to write arrays back into it, so that checkpoints
hold nothing but numbers and loading one runs nobody's code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rlgen.errors import UserError

Arrays = dict[str, npt.NDArray[Any]]

_version = 0


def version() -> int:
    """A number that is another one whenever variables may have changed: after a compiled program, after `write`."""
    return _version


def touch() -> None:
    """Say that variables may have changed, so that copies of them are stale."""
    global _version
    _version += 1


@runtime_checkable
class HasArrays(Protocol):
    """Something that reads and writes its own state."""

    def state_arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """Its state, by name: copies of what goes on changing."""

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave."""


def read(tree: Mapping[str, Any]) -> Arrays:
    """Every leaf of `tree` as an array, under its path (`optimizer/3`)."""
    arrays: Arrays = {}
    for path, leaf in _leaves(tree):
        if isinstance(leaf, HasArrays):
            arrays.update({f"{path}/{name}": np.asarray(value) for name, value in leaf.state_arrays().items()})
        elif isinstance(leaf, np.random.Generator):
            arrays[path] = np.frombuffer(json.dumps(leaf.bit_generator.state).encode(), np.uint8)
        elif isinstance(leaf, np.ndarray):
            arrays[path] = leaf.copy()
        else:
            arrays[path] = np.array(leaf.numpy())
    return arrays


def write(tree: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Put `arrays` back into the leaves of `tree`; names that `tree` does not have are left alone.

    Raises:
        UserError: a leaf has no array, or one of another shape: the state of another configuration.
    """
    touch()
    for path, leaf in _leaves(tree):
        if isinstance(leaf, HasArrays):
            prefix = f"{path}/"
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            if not own:
                raise UserError(f"This checkpoint has no '{path}': it was written with another configuration.")
            leaf.load_state_arrays(own)
            continue
        if path not in arrays:
            raise UserError(f"This checkpoint has no '{path}': it was written with another configuration.")
        array = arrays[path]
        if isinstance(leaf, np.random.Generator):
            leaf.bit_generator.state = json.loads(array.tobytes().decode())
            continue
        if tuple(leaf.shape) != array.shape:
            raise UserError(
                f"'{path}' has the shape {tuple(leaf.shape)} but the checkpoint holds {array.shape}: "
                "it was written with another configuration."
            )
        if isinstance(leaf, np.ndarray):
            leaf[...] = array
        else:
            leaf.assign(array)


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, node in tree.items():
        path = f"{prefix}{name}"
        if isinstance(node, Mapping):
            yield from _leaves(node, f"{path}/")
        elif isinstance(node, (list, tuple)):
            yield from _leaves({str(i): child for i, child in enumerate(node)}, f"{path}/")
        elif isinstance(node, (HasArrays, np.ndarray, np.random.Generator)):
            yield path, node
        elif hasattr(node, "variables"):
            # Keras numbers layers by when they were made, so a variable's place is its only lasting name.
            yield from _leaves({str(i): variable for i, variable in enumerate(node.variables)}, f"{path}/")
        elif hasattr(node, "assign"):
            yield path, node
        else:
            raise TypeError(f"'{path}' is a {type(node).__name__}, which a checkpoint cannot hold.")
