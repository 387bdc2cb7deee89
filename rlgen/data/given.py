"""Data that a program has already: arrays, a `tf.data.Dataset`, or a data set of its own that has no name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import brought
from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.data.selection import spread
from rlgen.errors import UserError
from rlgen.spec import Spec

# Of ten examples one validates and one tests.
TENTHS: dict[str, tuple[int, ...]] = {"validation": (8,), "test": (9,), "train": tuple(range(8))}
MOST_CLASSES = 1000
FEWEST = 10


class InMemory(Dataset):
    """Examples and targets as arrays, cut 8 : 1 : 1 by a fixed shuffle, classes in their shares.

    What the target is follows from its type. Whole numbers, truth values and text, one for each example, are classes,
    named after what stands there; a mask is whole numbers [N, H, W]; everything else is numbers or pictures.
    """

    def __init__(self, x: npt.ArrayLike, y: npt.ArrayLike | None = None) -> None:
        """Take the arrays.

        Args:
            x: examples [N, *shape], numbers, bytes or truth values.
            y: targets [N, *shape].

        Raises:
            UserError: they are no arrays of numbers, or differ in length.
        """
        self._source, examples = (x, y), np.asarray(x)
        if examples.ndim < 2 or examples.dtype.kind not in "biuf":
            raise UserError(
                f"data: examples are an array [N, *shape] of numbers; this is {examples.dtype} {list(examples.shape)}."
            )
        if len(examples) < FEWEST:
            raise UserError(f"data: {len(examples)} examples are too few to train, validate and test: bring {FEWEST}.")
        kept = examples.dtype in (np.uint8, np.bool_)
        examples = examples if kept else examples.astype(np.float32)
        self.spec = Spec(examples.shape[1:], str(examples.dtype))
        targets = None if y is None else self._understood(np.asarray(y), len(examples))
        self._whole = Arrays(examples, targets)
        labelled = self.target is not None and self.target.label
        self._tenth = np.empty(len(examples), np.int64)
        self._tenth[spread(self._whole, labelled)] = np.arange(len(examples)) % 10

    def same_as(self, other: InMemory) -> bool:
        """Whether another one was made of the same arrays."""
        return all(one is two for one, two in zip(self._source, other._source, strict=True))

    def split(self, part: Part) -> Arrays:
        """The examples of one part."""
        return self._whole.take(np.flatnonzero(np.isin(self._tenth, TENTHS[part])))

    def _understood(self, y: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
        """Targets as they are learned; says what they are in `target`."""
        if len(y) != count:
            raise UserError(f"data: there are {count} examples and {len(y)} targets: each example needs its own.")
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim == 2 and y.shape[1] > 1 and np.isin(y, (0, 1)).all() and (y.sum(1) == 1).all():
            y = y.argmax(1)  # One-hot.
        if y.dtype.kind == "O":
            y = y.astype(str)
        if y.ndim == 1 and y.dtype.kind in "biuUS":
            names, labels = np.unique(y, return_inverse=True)
            if len(names) > MOST_CLASSES:
                raise UserError(
                    f"data: the targets are {y.dtype} with {len(names):,} values, too many for classes. If they are "
                    "numbers to predict, make them float32."
                )
            self.target = Target.one_of(*names)
            return labels.astype(np.int32)
        if y.ndim == 3 and y.dtype.kind in "iu":
            self.target = Target(Spec(y.shape[1:], "int32"), tuple(map(str, range(int(y.max()) + 1))))
            return y.astype(np.int32)
        if y.dtype.kind not in "biuf":
            raise UserError(f"data: targets are numbers, classes or pictures; these are {y.dtype} {list(y.shape)}.")
        y = y if y.dtype == np.uint8 and y.ndim == 4 else y.astype(np.float32)
        self.target = Target(Spec(y.shape[1:], str(y.dtype)))
        return y


def name_of(data: Any, *, name: str | None = None) -> str:
    """The text by which a run keeps data.

    Args:
        data: a name, a class or object of `rlgen.data.Dataset`, arrays `x` or `(x, y)`, or a `tf.data.Dataset` of
            examples or of pairs.
        name: what a run calls them that is used again.

    Raises:
        UserError: it is none of these.
    """
    if isinstance(data, str):
        return data
    if isinstance(data, type) and issubclass(data, Dataset):
        return brought.bring(data, name=name)
    if isinstance(data, Dataset):
        return brought.bring(data, called=type(data).__name__, name=name)
    if isinstance(data, tuple) and len(data) == 2:
        return brought.bring(InMemory(*data), called="arrays", name=name)
    if hasattr(data, "element_spec"):
        return brought.bring(InMemory(*_collected(data)), called="tf_data", name=name)
    if hasattr(data, "__array__"):
        return brought.bring(InMemory(data), called="arrays", name=name)
    raise UserError(
        f"data={type(data).__name__} is no data set. Give a name (`rlgen list --kind dataset`), arrays x or (x, y), a "
        "tf.data.Dataset of examples or of pairs, or a subclass of rlgen.data.Dataset."
    )


def _collected(dataset: Any) -> Iterable[npt.NDArray[Any]]:
    """All elements of a `tf.data.Dataset`, as arrays: examples, or examples and targets."""
    import tensorflow as tf

    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise UserError("data: this tf.data.Dataset never ends: leave repeat() out, rlgen repeats it itself.")
    spec = dataset.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    if len(parts) > 2 or not all(isinstance(part, tf.TensorSpec) for part in parts):
        raise UserError(f"data: elements are an example or a pair of example and target; these are {spec}.")
    if all(part.shape.rank and part.shape[0] is None for part in parts):
        dataset = dataset.unbatch()  # Batches end in a smaller one, so their length is not fixed.
    rows = [row if isinstance(row, tuple) else (row,) for row in dataset.as_numpy_iterator()]
    if not rows:
        raise UserError("data: this tf.data.Dataset is empty.")
    return [np.stack(column) for column in zip(*rows, strict=True)]
