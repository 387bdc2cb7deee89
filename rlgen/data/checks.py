"""What a data set gives, brought into one form, or refused in words before anything learns from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.data import Arrays, Target
from rlgen.errors import UserError
from rlgen.spec import Spec

ROWS_NAMED = 5


def understood(arrays: Arrays, spec: Spec, target: Target | None, *, where: str) -> Arrays:
    """Examples of exactly the type `spec`, and targets of the type the target says.

    Labels may come as [N], as a column [N, 1], or one-hot [N, classes]; numbers as a column too.

    Args:
        arrays: as a data set's `split` gave them.
        spec: of an example.
        target: what is to be learned, or None.
        where: "the train part of 'digits'", for messages.

    Raises:
        UserError: shapes that are not as promised, NaN, labels that are not 0 to classes - 1.
    """
    x = _shaped(np.asarray(arrays.x), spec, f"The examples of {where}")
    if target is None:
        return Arrays(x)
    if arrays.y is None:
        raise UserError(f"{_capital(where)} has no targets, and its data set promises some: return them in `split`.")
    y = np.asarray(arrays.y)
    if len(y) != len(x):
        raise UserError(f"{_capital(where)} has {len(x)} examples and {len(y)} targets: each example needs its own.")
    what = f"The {'labels' if target.classes else 'targets'} of {where}"
    if y.ndim == len(target.spec.shape) + 2 and y.shape[-1] == 1:
        y = y[..., 0]
    elif y.shape == (len(x), 1) and target.spec.shape == ():
        y = y[:, 0]
    return Arrays(x, _labels(y, target, what) if target.classes else _shaped(y, target.spec, what), arrays.group)


def _shaped(values: npt.NDArray[Any], spec: Spec, what: str) -> npt.NDArray[Any]:
    """`values` in the type of `spec`, where that loses nothing, and finite."""
    if values.shape[1:] == spec.shape and not len(values):
        raise UserError(f"{what}: there are none. Every part needs one at least; bring more data.")
    if values.shape[1:] != spec.shape:
        raise UserError(f"{what} have the shape {list(values.shape)}; {spec.batch} was promised.")
    if values.dtype.kind not in "biuf" or (spec.dtype != "float32" and values.dtype != spec.dtype):
        raise UserError(f"{what} are {values.dtype}; {spec.dtype} was promised.")
    if values.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        if len(bad):
            raise UserError(f"{what} are not finite in {_rows(bad)}: fill these in or leave them out.")
    return values.astype(spec.dtype, copy=False)


def _labels(y: npt.NDArray[Any], target: Target, what: str) -> npt.NDArray[np.int32]:
    """Labels of any understood form as int32 [N] or [N, H, W]."""
    count, shape = len(target.classes), target.spec.shape
    if y.shape[1:] == (*shape, count) and y.dtype.kind in "biuf" and _one_hot(y):
        return y.argmax(axis=-1).astype(np.int32)
    if y.shape[1:] != shape:
        raise UserError(
            f"{what} have the shape {list(y.shape)}: give one whole number each, {target.spec.batch}, or one-hot "
            f"rows {Spec((*shape, count)).batch}."
        )
    if y.dtype.kind not in "biu":
        raise UserError(f"{what} are {y.dtype}: give whole numbers that count the {count} classes from 0.")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= count:
        hint = " Take 1 off each." if low == 1 and high == count else ""
        raise UserError(f"{what} go from {low} to {high}; {count} classes are numbered 0 to {count - 1}.{hint}")
    return y.astype(np.int32, copy=False)


def _one_hot(y: npt.NDArray[Any]) -> bool:
    return bool((((y == 0) | (y == 1)).all()) and (y.sum(axis=-1) == 1).all())


def _rows(bad: npt.NDArray[np.int64]) -> str:
    named = ", ".join(map(str, bad[:ROWS_NAMED]))
    more = f" and {len(bad) - ROWS_NAMED} more" if len(bad) > ROWS_NAMED else ""
    return f"row{'s' if len(bad) > 1 else ''} {named}{more}, counted from 0"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
