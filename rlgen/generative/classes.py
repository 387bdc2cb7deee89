"""Classes of what is generated: which ones are asked for, by number or by name, and in which shares they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.data import Target
from rlgen.errors import UserError, nearest

Labels = npt.NDArray[np.int32]
# Numbers or names.
Asked = Sequence[int | str] | Labels
# Named in a message; a data set may have a thousand.
NAMED = 20


def require_label(target: Target | None, *, problem: str) -> Target:
    """The target, one class for each example.

    Raises:
        UserError: it is none.
    """
    if target is None or not target.label:
        raise UserError(
            f"conditional=true takes examples that have a class each, and those of '{problem}' have none. Set "
            "conditional=false, or choose other data: `digits`, `fashion_mnist`, `images:FOLDER` with sub-folders."
        )
    return target


def labels_of(asked: Asked, names: Sequence[str]) -> Labels:
    """The numbers of classes that were asked for, int32 [len(asked)].

    Args:
        asked: numbers, or names, or numbers as text where no class has that name.
        names: of all classes, in order.

    Raises:
        UserError: there is no such class; the message has those that there are.
    """
    return np.array([_number(one, list(names)) for one in asked], np.int32)


def _number(one: Any, names: list[str]) -> int:
    if isinstance(one, str):
        if one in names:
            return names.index(one)
        if one.isdecimal() and int(one) < len(names):
            return int(one)
    elif isinstance(one, (int, np.integer)) and not isinstance(one, bool) and 0 <= one < len(names):
        return int(one)
    known = ", ".join(f"{i} {name}" if str(i) != name else name for i, name in enumerate(names[:NAMED]))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    raise UserError(f"There is no class {one!r}.{nearest(str(one), names)} There are: {known}{more}.")


def shares(labels: npt.NDArray[Any], count: int) -> npt.NDArray[np.float32]:
    """Which share of the labels [N] each of `count` classes has, float32 [count]."""
    return np.asarray(np.bincount(labels, minlength=count) / len(labels), np.float32)


def drawn(random: np.random.Generator, of: npt.NDArray[np.float32], count: int) -> Labels:
    """So many labels in these shares, int32 [count]."""
    exact = of.astype(np.float64)
    return random.choice(len(of), count, p=exact / exact.sum()).astype(np.int32)
