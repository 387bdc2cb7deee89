"""What a sweep searches: ranges and choices of fields, written as text, held against the configuration's types."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlgen.config import Config, read, type_name, types_of
from rlgen.errors import UserError, nearest
from rlgen.request import TRAINER_PREFIX
from rlgen.schedules import Schedule
from rlgen.trainer_config import TrainerConfig
from rlgen.values import shown

EXAMPLE = "learning_rate=3e-5..3e-2:log, batch_size=32..256:32 or hidden_units=64,64|256,256"
_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::(.+))?")
# What every trial has to have alike: by it trials are compared.
ALIKE = ("evaluate_every_steps", "evaluation_episodes", *TrainerConfig.ENDINGS)


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Attributes:
        low: the least.
        high: the greatest.
        whole: whether they are whole numbers.
        log: whether each doubling is as likely.
        step: between them; None: any number.
    """

    low: float
    high: float
    whole: bool
    log: bool = False
    step: float | None = None

    def __str__(self) -> str:
        how = ":log" if self.log else "" if self.step is None else f":{self.step!r}"
        return f"{self.low!r}..{self.high!r}{how}"

    def ends(self) -> tuple[Any, ...]:
        """The values that have to be possible."""
        return self.low, self.high


@dataclass(frozen=True)
class Choices:
    """Values, as the command line has them."""

    values: tuple[str, ...]

    def __str__(self) -> str:
        return "|".join(self.values)

    def ends(self) -> tuple[Any, ...]:
        """The values that have to be possible."""
        return self.values


Space = Mapping[str, Range | Choices]


def parse_pairs(pairs: Sequence[str]) -> dict[str, str]:
    """`["learning_rate=3e-5..3e-2:log"]` as a mapping.

    Raises:
        UserError: a pair without `=`, or a field twice.
    """
    asked: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise UserError(f"--search '{pair}' is not field=range. Write, for example, {EXAMPLE}.")
        if name in asked:
            raise UserError(f"'{name}' is searched twice; give it once.")
        asked[name] = text
    return asked


def read_space(asked: Mapping[str, Any], config: type[Config], *, fixed: Sequence[str] = ()) -> dict[str, Any]:
    """The space that is asked for, every end and every choice checked against its field.

    Args:
        asked: field to text as on the command line, or to a list of values.
        config: of the algorithm; fields of the Trainer begin with `trainer.`.
        fixed: fields that have a value already.

    Raises:
        UserError: no such field, a range of what is no number, a value that the field does not take, or nothing.
    """
    if not isinstance(asked, Mapping) or not asked:
        raise UserError(f"There is nothing to search: say --search, for example {EXAMPLE}.")
    space = {}
    for name, what in asked.items():
        if name in fixed:
            raise UserError(f"'{name}' is both set and searched: do one of them.")
        field, hint = _field(str(name), config)
        part = _part(name, what, hint)
        for value in part.ends():
            read(name, value, hint, field.metadata.get("limits", {}))
        space[str(name)] = part
    return space


def size(space: Space) -> int | None:
    """How many points it has; None: it has no end."""
    count = 1
    for part in space.values():
        if isinstance(part, Choices):
            count *= len(part.values)
        elif part.step is None:
            return None
        else:
            count *= int((part.high - part.low) / part.step + 1e-9) + 1
    return count


def _field(name: str, config: type[Config]) -> tuple[dataclasses.Field[Any], Any]:
    """The field of a name, and its type."""
    of = TrainerConfig if name.startswith(TRAINER_PREFIX) else config
    own = name.removeprefix(TRAINER_PREFIX)
    fields = {field.name: field for field in dataclasses.fields(of)}
    if own not in fields:
        raise UserError(
            f"There is no field '{own}' in {of.__name__} to search.{nearest(own, fields)} Fields: {', '.join(fields)}."
        )
    if of is TrainerConfig and own in ALIKE:
        raise UserError(f"'{name}' cannot be searched: trials that differ in it cannot be compared. Use --set.")
    return fields[own], types_of(of)[own]


def _part(name: str, what: Any, hint: Any) -> Range | Choices:
    if isinstance(what, (list, tuple)):
        return _choices(name, [_text(name, value) for value in what])
    if not isinstance(what, str):
        raise UserError(f"{name}={shown(what)} is no range: write it as text, {EXAMPLE}, or as a list of values.")
    if match := _RANGE.fullmatch(what.strip()):
        return _range(name, *match.groups(), hint=hint)
    if "|" in what:
        return _choices(name, [text.strip() for text in what.split("|")])
    raise UserError(
        f"--search {name}={what} is neither a range nor a choice: write, for example, {EXAMPLE}. One value is --set."
    )


def _choices(name: str, values: Sequence[str]) -> Choices:
    if len(set(values)) != len(values):
        raise UserError(f"{name} has a choice twice: {'|'.join(values)}.")
    if len(values) < 2:
        raise UserError(f"{name} has {len(values)} choice, and there is nothing to search: use --set.")
    return Choices(tuple(values))


def _text(name: str, value: Any) -> str:
    """A value as the command line has it."""
    if isinstance(value, (list, tuple)):
        return ",".join(_text(name, each) for each in value)
    if value is None or isinstance(value, (bool, int, float, str, Path)):
        return str(value)
    raise UserError(f"{name} has the choice {shown(value)}, which is neither text nor number.")


def _range(name: str, low: str, high: str, how: str | None, *, hint: Any) -> Range:
    whole = _kind(name, hint) is int
    ends = [_end(name, text, whole) for text in (low, high)]
    if not ends[0] < ends[1]:
        raise UserError(f"{name}={low}..{high} is empty: the first end has to be less than the second.")
    if how == "log":
        if ends[0] <= 0:
            raise UserError(f"{name}={low}..{high}:log: a logarithmic range begins above 0.")
        return Range(ends[0], ends[1], whole, log=True)
    if how is None:
        return Range(ends[0], ends[1], whole, step=1 if whole else None)
    if not re.fullmatch(_NUMBER, how):
        raise UserError(f"{name}={low}..{high}:{how}: after the colon stands log, or a step between values.")
    step = _end(name, how, whole)
    if not 0 < step <= ends[1] - ends[0]:
        raise UserError(f"{name}={low}..{high}:{how}: the step has to be above 0 and fit into the range.")
    # What a step does not reach is left out.
    count = int((ends[1] - ends[0]) / step + 1e-9)
    return Range(ends[0], ends[0] + count * step, whole, step=step)


def _kind(name: str, hint: Any) -> type:
    """Whether a field takes whole numbers or any."""
    parts = typing.get_args(hint) or (hint,)
    for kind, hints in ((float, (float, Schedule)), (int, (int,))):
        if any(part in hints for part in parts) and typing.get_origin(hint) is not tuple:
            return kind
    raise UserError(f"{name} is a {type_name(hint)}, and has no range: list its values, a|b|c.")


def _end(name: str, text: str, whole: bool) -> float:
    return read(name, text, int if whole else float, {})  # type: ignore[no-any-return]
