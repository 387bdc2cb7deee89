"""The state of an algorithm as named NumPy arrays, and back, in place.

An algorithm's `state()` is a tree of things that live on: variables, models, optimizers, generators. This
module knows how to read each of them into arrays and how to write arrays back into it, so that checkpoints
hold nothing but numbers and loading one runs nobody's code.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rlgen.archive import Archive, header
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


@runtime_checkable
class HasRows(HasArrays, Protocol):
    """Something large whose state is a ring of rows, counted since the beginning, and a rest that is small.

    Attributes:
        rows: that the ring holds.
        row_bytes: of each.
    """

    rows: int
    row_bytes: int

    def kept_rows(self) -> tuple[int, int]:
        """The number of the oldest row that is still there, and of the next one."""

    def row_arrays(self, first: int, last: int) -> Mapping[str, npt.NDArray[Any]]:
        """Rows by name, [last - first, ...] each, of those that are there."""

    def load_rows(self, first: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `row_arrays` gave."""

    def rest_arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """All else, by name."""

    def load_rest_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `rest_arrays` gave, behind the rows."""


def with_rows(tree: Mapping[str, Any]) -> list[tuple[str, HasRows]]:
    """The leaves that have rows, each with its path."""
    return [(path, leaf) for path, leaf in _leaves(tree) if isinstance(leaf, HasRows)]


def read(tree: Mapping[str, Any], *, without_rows: Collection[str] = ()) -> Arrays:
    """Every leaf of `tree` as an array, under its path (`optimizer/3`); of some paths the rest, without the rows."""
    arrays: Arrays = {}
    for path, leaf in _leaves(tree):
        if isinstance(leaf, HasArrays):
            own = _own(path, leaf, without_rows)
            arrays.update({f"{path}/{name}": np.asarray(value) for name, value in own.items()})
        elif isinstance(leaf, np.random.Generator):
            arrays[path] = np.frombuffer(json.dumps(leaf.bit_generator.state).encode(), np.uint8)
        elif isinstance(leaf, np.ndarray):
            arrays[path] = leaf.copy()
        else:
            arrays[path] = np.array(leaf.numpy())
    return arrays


def _own(path: str, leaf: HasArrays, without_rows: Collection[str]) -> Mapping[str, npt.NDArray[Any]]:
    """What a leaf has of its own, without its rows where these are kept elsewhere."""
    return leaf.rest_arrays() if path in without_rows and isinstance(leaf, HasRows) else leaf.state_arrays()


def write(
    tree: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], *, without_rows: Collection[str] = ()
) -> None:
    """Put `arrays` back into the leaves of `tree`; names that `tree` does not have are left alone, and unread.

    Of the paths `without_rows` they are the rest, and the rows are there already.

    All is compared before anything is written, so that a tree is never half of one state and half of another.

    Raises:
        UserError: a leaf has no array, or one of another type or shape: the state of another configuration.
    """
    leaves = list(_leaves(tree))
    for path, leaf in leaves:
        _compare(path, leaf, arrays, without_rows)
    touch()
    for path, leaf in leaves:
        with _naming(path):
            _put(path, leaf, arrays, without_rows)


def part(tree: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    """Those of `arrays` that belong to leaves of `tree`."""
    paths = {path for path, _ in _leaves(tree)}
    inside = tuple(f"{path}/" for path, leaf in _leaves(tree) if isinstance(leaf, HasArrays))
    return {name: arrays[name] for name in arrays if name in paths or name.startswith(inside)}


def require_finite(tree: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Check that the arrays of `tree`'s leaves are numbers that it can take.

    Raises:
        UserError: one has an element that is not finite, or as `write`.
    """
    for path, leaf in _leaves(tree):
        _compare(path, leaf, arrays)
        if path in arrays and arrays[path].dtype.kind == "f" and not np.isfinite(arrays[path]).all():
            raise UserError(
                f"The weights '{path}' of this checkpoint are not finite: nothing can be learned or said with them. "
                "Use another one (--checkpoint), or delete it to go on from the one before."
            )


def _compare(path: str, leaf: Any, arrays: Mapping[str, npt.NDArray[Any]], without_rows: Collection[str] = ()) -> None:
    """Raise `UserError` where a leaf's array is not there, or another one than the leaf can take."""
    if isinstance(leaf, HasArrays):
        if not any(name.startswith(f"{path}/") for name in arrays):
            raise UserError(_lacking(path))
        if isinstance(arrays, Archive):
            # Of what is read from a file nothing is believed; how many rows there are only the file can say.
            for name, own in _own(path, leaf, without_rows).items():
                _fit(f"{path}/{name}", own.dtype, own.shape[1:], arrays, rows=own.ndim > 0)
        return
    if isinstance(leaf, np.random.Generator):
        _fit(path, np.dtype(np.uint8), (), arrays, rows=True)
        with _naming(path):
            copy.deepcopy(leaf.bit_generator).state = _generator_state(arrays[path])
        return
    dtype = leaf.dtype if isinstance(leaf, np.ndarray) else np.dtype(getattr(leaf.dtype, "as_numpy_dtype", leaf.dtype))
    _fit(path, dtype, tuple(leaf.shape), arrays)


def _fit(
    path: str, dtype: Any, shape: tuple[int, ...], arrays: Mapping[str, npt.NDArray[Any]], *, rows: bool = False
) -> None:
    """Raise `UserError` unless there is an array of this type and shape; with `rows` behind an axis of any length."""
    if path not in arrays:
        raise UserError(_lacking(path))
    found = header(arrays, path)
    held = found.shape[1:] if rows and found.shape else found.shape
    if held != shape or (rows and not found.shape):
        wanted = ("any", *shape) if rows else shape
        raise UserError(
            f"'{path}' has the shape {wanted} but the checkpoint holds {found.shape}: it was written with another "
            "configuration."
        )
    if found.dtype != dtype:
        raise UserError(f"'{path}' is {dtype} but the checkpoint holds {found.dtype}: it is not what rlgen wrote.")


def _lacking(path: str) -> str:
    return f"This checkpoint has no '{path}': it was written with another configuration."


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Raise `UserError` with a leaf's name, whatever it raises inside that is to take what a file holds."""
    try:
        yield
    except Exception as error:
        raise UserError(f"'{path}' cannot be taken from this checkpoint: {type(error).__name__}: {error}") from error


def _generator_state(array: npt.NDArray[Any]) -> Any:
    return json.loads(array.tobytes().decode())


def _put(path: str, leaf: Any, arrays: Mapping[str, npt.NDArray[Any]], without_rows: Collection[str]) -> None:
    if isinstance(leaf, HasArrays):
        prefix = f"{path}/"
        own = {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
        if path in without_rows and isinstance(leaf, HasRows):
            leaf.load_rest_arrays(own)
        else:
            leaf.load_state_arrays(own)
    elif isinstance(leaf, np.random.Generator):
        leaf.bit_generator.state = _generator_state(arrays[path])
    elif isinstance(leaf, np.ndarray):
        leaf[...] = arrays[path]
    else:
        leaf.assign(arrays[path])


def nodes(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What a tree holds, each with its path: models, optimizers, variables, arrays, generators."""
    for name, node in tree.items():
        path = f"{prefix}{name}"
        if isinstance(node, Mapping):
            yield from nodes(node, f"{path}/")
        elif isinstance(node, (list, tuple)):
            yield from nodes({str(i): child for i, child in enumerate(node)}, f"{path}/")
        else:
            yield path, node


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for path, node in nodes(tree, prefix):
        if isinstance(node, (HasArrays, np.ndarray, np.random.Generator)):
            yield path, node
        elif hasattr(node, "variables"):
            # Keras numbers layers by when they were made, so a variable's place is its only lasting name.
            yield from _leaves({str(i): variable for i, variable in enumerate(node.variables)}, f"{path}/")
        elif hasattr(node, "assign"):
            yield path, node
        else:
            raise TypeError(f"'{path}' is a {type(node).__name__}, which a checkpoint cannot hold.")
