"""Values as people give them: how they are read, what the machine can hold, how a message shows them."""

from __future__ import annotations

import math
import numbers
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Whole numbers become int32 on the device, unless somebody says that they are counted in int64.
MOST_WHOLE = 2**31 - 1
# Counters of steps are int64, everywhere.
MOST_STEPS = 2**63 - 1
# Numbers become float32, whose largest is 3.4e38; with this much room differences and tenfolds of them fit as well.
MOST_NUMBER = 1e37
# The mean of 100,000 returns is as sure as anybody needs it: its error is a 300th of their deviation.
MOST_EPISODES = 100_000
SHOWN_CHARACTERS = 80


def whole(value: Any) -> int:
    """A whole number out of a number or its text, with every digit; "1e5" is one too.

    Raises:
        ValueError: it is none.
    """
    value = _cleaned(value)
    if isinstance(value, numbers.Integral) or re.fullmatch(r"[+-]?\d+", str(value)):
        return int(value)
    number = real(value)
    if number != int(number):
        raise ValueError
    return int(number)


def real(value: Any) -> float:
    """A finite number out of a number or its text.

    Raises:
        ValueError: it is none.
    """
    try:
        number = float(_cleaned(value))
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number


def single(value: float) -> float:
    """The number that float32 makes of it; infinite where it has none so large."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def text(value: str) -> str:
    """The same, if it can be written down.

    Raises:
        ValueError: it cannot.
    """
    if "\0" in value:
        raise ValueError
    value.encode()  # Half a character raises.
    return value


def truth(value: Any) -> bool:
    """Whether it is true or false, Python's or NumPy's."""
    return isinstance(value, (bool, np.bool_))


def shown(value: Any) -> str:
    """A value as a message shows it, in a few words whatever it is."""
    try:
        found = repr(value)
    except Exception:  # Python shows no number of 5,000 digits; a stranger's object may raise anything.
        return f"a {type(value).__name__} that cannot be shown"
    return found if len(found) <= SHOWN_CHARACTERS else f"{found[: SHOWN_CHARACTERS - 3]}..."


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("_", "").strip()
    # Truth values are numbers to Python, and bytes are to float().
    if truth(value) or not isinstance(value, numbers.Real):
        raise ValueError
    return value


def mean_by_name(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each number over those that have one of this name."""
    names = dict.fromkeys(name for each in found for name in each)
    return {name: statistics.fmean(each[name] for each in found if name in each) for name in names}
