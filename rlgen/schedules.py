"""A number that changes over training, as one kind of field: learning rates, epsilon, beta, noise.

A schedule is written as a number, which stays, or as `kind:name=value,...`, which reads the same on the command
line, in JSON and in Python: `linear:start=1,end=0.04,over=8000`. What its clock counts, environment steps or
updates, is said by the field that holds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rlgen import values
from rlgen.errors import UserError, nearest
from rlgen.values import MOST_NUMBER, shown

REQUIRED = math.nan


@dataclass(frozen=True)
class Kind:
    """One kind of schedule.

    Attributes:
        arguments: name to default; `REQUIRED` where there is none.
        value: (operations, clock as float32, **arguments) to the value; `operations` is NumPy or TensorFlow.
        doc: one sentence.
    """

    arguments: dict[str, float]
    value: Callable[..., Any]
    doc: str


def _linear(ops: Any, clock: Any, start: float, end: float, over: float, after: float) -> Any:
    return start + (end - start) * ops.minimum(ops.maximum(clock - after, 0.0) / over, 1.0)


def _exponential(ops: Any, clock: Any, start: float, factor: float, every: float, end: float) -> Any:
    return ops.maximum(start * factor ** (clock / every), end)


def _geometric(ops: Any, clock: Any, start: float, end: float, over: float) -> Any:
    return start * (end / start) ** ops.minimum(clock / over, 1.0)


def _asymptotic(ops: Any, clock: Any, start: float, end: float, factor: float, every: float) -> Any:
    return end + (start - end) * factor ** (clock / every)


def _step(ops: Any, clock: Any, start: float, factor: float, every: float, end: float) -> Any:
    return ops.maximum(start * factor ** ops.floor(clock / every), end)


def _cosine(ops: Any, clock: Any, start: float, end: float, over: float) -> Any:
    return end + 0.5 * (start - end) * (1.0 + ops.cos(math.pi * ops.minimum(clock / over, 1.0)))


def _one_cycle(ops: Any, clock: Any, start: float, peak: float, end: float, over: float) -> Any:
    done = ops.minimum(clock / over, 1.0)
    rising = start + (peak - start) * done / 0.45
    falling = peak + (start - peak) * (done - 0.45) / 0.45
    last = end + (start - end) * (1.0 - done) / 0.1
    return ops.where(done < 0.45, rising, ops.where(done < 0.9, falling, last))


KINDS = {
    "linear": Kind(
        {"start": REQUIRED, "end": REQUIRED, "over": REQUIRED, "after": 0.0},
        _linear,
        "`start` until `after`, a straight line over `over`, then `end`.",
    ),
    "exponential": Kind(
        {"start": REQUIRED, "factor": REQUIRED, "every": 1.0, "end": 0.0},
        _exponential,
        "Times `factor` in every `every`, smoothly, and never below `end`.",
    ),
    "geometric": Kind(
        {"start": REQUIRED, "end": REQUIRED, "over": REQUIRED},
        _geometric,
        "From `start` to `end` over `over`, times the same factor in every step; both above 0.",
    ),
    "asymptotic": Kind(
        {"start": REQUIRED, "end": REQUIRED, "factor": REQUIRED, "every": 1.0},
        _asymptotic,
        "The distance to `end`, which is never reached, times `factor` in every `every`.",
    ),
    "step": Kind(
        {"start": REQUIRED, "factor": REQUIRED, "every": REQUIRED, "end": 0.0},
        _step,
        "Times `factor` at each multiple of `every`, and never below `end`.",
    ),
    "cosine": Kind(
        {"start": REQUIRED, "end": 0.0, "over": REQUIRED}, _cosine, "Half a cosine over `over`, then `end`."
    ),
    "one_cycle": Kind(
        {"start": REQUIRED, "peak": REQUIRED, "end": 0.0, "over": REQUIRED},
        _one_cycle,
        "Straight lines: to `peak` in 45 % of `over`, to `start` in 45 %, to `end` in the rest (Smith 2018).",
    ),
}
_POSITIVE = ("over", "every")


@dataclass(frozen=True)
class Schedule:
    """A number over a clock that counts up from 0; call it with the clock.

    Attributes:
        kind: "constant" or one of `KINDS`.
        arguments: (name, value) of each argument, in the order of the kind.
    """

    kind: str
    arguments: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, value: Any) -> Schedule:
        """From a number, `kind:name=value,...`, or a schedule.

        Raises:
            UserError: it is none of these.
        """
        if isinstance(value, Schedule):
            return value
        number = _number(value)
        if number is not None:
            if abs(number) > MOST_NUMBER:
                raise UserError(f"{shown(value)} is out of range: numbers go from {-MOST_NUMBER:g} to {MOST_NUMBER:g}.")
            return cls("constant", (("value", number),))
        if not isinstance(value, str):
            raise UserError(f"{shown(value)} is no schedule: write {_forms()}.")
        kind, _, text = value.strip().partition(":")
        if kind not in KINDS:
            raise UserError(f"There is no schedule {shown(kind)}.{nearest(kind, KINDS)} Write {_forms()}.")
        arguments = _arguments(value, KINDS[kind].arguments, text)
        if kind == "geometric" and min(values.single(number) for _, number in arguments) <= 0:
            raise UserError(f"'{value}': start and end have to be above 0, for one becomes the other by a factor.")
        return cls(kind, arguments)

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return self.kind == "constant"

    @property
    def extremes(self) -> tuple[float, ...]:
        """Values between which, these included, all others lie."""
        return tuple(value for name, value in self.arguments if name in ("value", "start", "peak", "end"))

    def __call__(self, clock: Any) -> Any:
        """The value at `clock`: a float for a number, a float32 tensor of its shape for a tensor."""
        if self.constant:
            return self.arguments[0][1]
        value, arguments = KINDS[self.kind].value, dict(self.arguments)
        if isinstance(clock, (int, float, np.integer, np.floating)):
            return float(value(np, np.float32(clock), **arguments))
        import tensorflow as tf

        return value(_TensorFlow(), tf.cast(clock, tf.float32), **arguments)

    def to_json(self) -> float | str:
        """As `parse` reads it."""
        if self.constant:
            return self.arguments[0][1]
        defaults = KINDS[self.kind].arguments
        said = [f"{name}={_short(value)}" for name, value in self.arguments if value != defaults[name]]
        return f"{self.kind}:" + ",".join(said)

    def __str__(self) -> str:
        return str(self.to_json())


class _TensorFlow:
    """The operations that the kinds use, by NumPy's names."""

    def __getattr__(self, name: str) -> Any:
        import tensorflow as tf

        return getattr(tf, name)


def _arguments(whole: str, defaults: dict[str, float], text: str) -> tuple[tuple[str, float], ...]:
    given: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number_text = (piece.strip() for piece in part.partition("="))
        number = _number(number_text)
        if name not in defaults:
            raise UserError(
                f"'{whole}': there is no '{name}'.{nearest(name, defaults)} It takes {', '.join(defaults)}."
            )
        wanted = _wrong(name, number)
        if number is None or wanted:
            raise UserError(f"'{whole}': {name}='{number_text}' has to be {wanted}.")
        if name in given:
            raise UserError(f"'{whole}': {name} is given twice.")
        given[name] = number
    values = {**defaults, **given}
    missing = [name for name, number in values.items() if math.isnan(number)]
    if missing:
        raise UserError(f"'{whole}' lacks {' and '.join(missing)}: write {_form(whole.partition(':')[0])}.")
    return tuple(values.items())


def _wrong(name: str, number: float | None) -> str:
    """What an argument has to be and is not; empty if it is."""
    # A clock is float32: what is 0 there would be divided by.
    single = math.nan if number is None else values.single(number)
    if name == "factor":
        return "" if 0 < single < 1 else "between 0 and 1"
    if name in _POSITIVE:
        return "" if 0 < single <= MOST_NUMBER else "a number above 0" + f", at most {MOST_NUMBER:g}" * (single > 0)
    return "" if abs(single) <= MOST_NUMBER else f"a number, at most {MOST_NUMBER:g}"


def _number(value: Any) -> float | None:
    """A finite number out of a number or its text; None if it is none."""
    try:
        return values.real(value)
    except ValueError:
        return None


def _short(number: float) -> str:
    """A number as a person would write it, with every digit it has."""
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)


def _form(kind: str) -> str:
    """How a kind is written, with everything it needs: `linear:start=,end=,over=`."""
    return f"{kind}:" + ",".join(f"{name}=" for name, value in KINDS[kind].arguments.items() if math.isnan(value))


def _forms() -> str:
    return "a number, or " + ", ".join(_form(kind) for kind in KINDS)
