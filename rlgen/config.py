"""Configurations: frozen dataclasses, checked when built, documented field by field.

A configuration is written once, as a dataclass whose fields are made with `option`. The command line's
`--set`, the presets, `rlgen describe`, the JSON in a run's directory and the checks all come from it.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from rlgen import paths, values
from rlgen.errors import UserError, nearest
from rlgen.schedules import Schedule
from rlgen.values import MOST_NUMBER, MOST_STEPS, MOST_WHOLE, shown

# A layer more makes compiling slower: 64 take half a minute.
MOST_ITEMS = 64

T = TypeVar("T", bound="Config")


def option(
    default: Any,
    doc: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> Any:
    """A field of a configuration: its default, one sentence with its unit, and the range it must lie in.

    Without an `at_most` of its own a whole number fits int32, and any number float32. What is counted in int64 says
    `at_most=values.MOST_STEPS`.
    """
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "below": below}
    limits = {word: bound for word, bound in limits.items() if bound is not None}
    return dataclasses.field(default=default, metadata={"doc": doc, "limits": limits})


def another_default(config: type[Config], name: str, default: Any) -> Any:
    """The field `name` as `config` has it, with another default: its sentence and its range stay."""
    return dataclasses.field(default=default, metadata=config.__dataclass_fields__[name].metadata)


# What stands in a preset beside its fields.
NOTES = ("about", "problems")


_hints: Callable[[Any], dict[str, Any]] = functools.cache(typing.get_type_hints)


def types_of(cls: type[Any]) -> Mapping[str, Any]:
    """The types of a class's fields by name, which are read out of texts once."""
    return _hints(cls)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Base of every configuration. Subclasses are `@dataclass(frozen=True, kw_only=True)` too.

    Raises:
        UserError: a value has the wrong type, lies out of range, or contradicts another one.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    # Fields that decide nothing of what is learned, so that a run that goes on may have other values.
    changeable: ClassVar[tuple[str, ...]] = ()
    # Fields that decide how a result is judged, beside those: another evaluation may have other values.
    judging: ClassVar[tuple[str, ...]] = ()
    # Values of fields with which a result leaves the house, whatever it was trained with on this machine.
    served_with: ClassVar[Mapping[str, Any]] = {}

    def __post_init__(self) -> None:
        """Bring every value to its declared type, check its range, then check the combination."""
        hints = types_of(type(self))
        for field in dataclasses.fields(self):
            limits = field.metadata.get("limits", {})
            value = read(field.name, getattr(self, field.name), hints[field.name], limits)
            object.__setattr__(self, field.name, value)
        self.check()

    def check(self) -> None:
        """Raise `UserError` for combinations of values that make no sense. Overridden where there are any."""

    @classmethod
    def build(cls: type[T], overrides: Mapping[str, Any] | None = None, *, preset: str | None = None) -> T:
        """The configuration of `preset` (`None` and `"default"`: the defaults) with `overrides` on top.

        Raises:
            UserError: an unknown preset or field, or a value that does not pass the checks.
        """
        values: dict[str, Any] = {}
        if preset not in (None, "default"):
            if preset not in cls.presets:
                known = ["default", *cls.presets]
                raise UserError(
                    f"There is no preset '{preset}'.{nearest(str(preset), known)} Presets: {', '.join(known)}."
                )
            values.update({k: v for k, v in cls.presets[preset].items() if k not in NOTES})
        values.update(overrides or {})
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in names:
                raise UserError(
                    f"There is no field '{name}' in {cls.__name__}.{nearest(name, names)} Fields: {', '.join(names)}."
                )
        return cls(**values)

    @classmethod
    def preset_for(cls, problem: str) -> str:
        """The preset of a problem where nobody names one: that of its name, or the first whose `problems` match it.

        Args:
            problem: its name, without arguments.
        """
        if problem in cls.presets:
            return problem
        of_kind = (name for name, preset in cls.presets.items() if _matches(problem, preset.get("problems", ())))
        return next(of_kind, "default")

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them (tuples become lists, schedules numbers or text, paths text)."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def describe(cls) -> list[dict[str, Any]]:
        """One row per field: `name`, `type`, `default`, `doc`, `range`."""
        hints = types_of(cls)
        return [
            {
                "name": field.name,
                "type": type_name(hints[field.name]),
                "default": _plain(field.default),
                "doc": field.metadata.get("doc", ""),
                "range": _limits_text(_worth_saying(field.metadata.get("limits", {}))),
            }
            for field in dataclasses.fields(cls)
        ]


def load_presets(path: Path) -> dict[str, dict[str, Any]]:
    """Presets kept as data: a JSON object of name -> fields; or several such by name.

    Beside the fields stand a sentence, `about`, and `problems`, patterns as of file names: those it is for.
    """
    presets: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return presets


def _matches(problem: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(problem, pattern) for pattern in patterns)


def parse_overrides(pairs: Sequence[str], *, example: str = "--set learning_rate=1e-3") -> dict[str, str]:
    """`["learning_rate=1e-3", "double=true"]` as a mapping; values stay text until a field gives them a type.

    Raises:
        UserError: a pair without `=`, or the same key twice.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UserError(f"'{pair}' is not key=value. Write, for example, {example}.")
        if key.strip() in values:
            raise UserError(f"'{key.strip()}' is set twice; give it once.")
        values[key.strip()] = value.strip()
    return values


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """One line for each key of `wanted` whose value is not the stored one."""
    return [
        f"{key}: the run has {stored.get(key)!r}, you asked for {value!r}"
        for key, value in wanted.items()
        if stored.get(key) != value
    ]


def kinds(hint: Any) -> tuple[type, ...]:
    """The types that a hint allows: `str`, `dict[str, Any]`, `int | None`."""
    parts = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return tuple(get_origin(part) or part for part in parts)


def type_name(hint: Any) -> str:
    """A type hint as a reader would say it: `whole number`, `one of 'huber', 'mse'`, `number or none`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(argument) for argument in arguments)
    if origin is Literal:
        return "one of " + ", ".join(repr(argument) for argument in arguments)
    if origin is tuple:
        return f"list of {type_name(arguments[0])}s"
    plain = {int: "whole number", float: "number", bool: "true or false", str: "text", Path: "path", type(None): "none"}
    plain[Schedule] = "number or schedule"
    return plain.get(hint, str(hint))


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, Schedule):
        return value.to_json()
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def read(name: str, value: Any, hint: Any, limits: Mapping[str, float]) -> Any:
    """`coerce`, and then the range.

    Raises:
        UserError: it cannot be that, or lies out of range; the message has `name`.
    """
    value = coerce(name, value, hint)
    check_range(name, value, limits)
    return value


def read_seed(value: Any) -> int:
    """A seed, any number that int64 holds.

    Raises:
        UserError: it is none.
    """
    seed: int = read("seed", value, int, {"at_least": -MOST_STEPS, "at_most": MOST_STEPS})
    return seed


def coerce(name: str, value: Any, hint: Any) -> Any:
    """`value` as `hint` wants it, from Python, JSON or the command line's text; never a silent change.

    Raises:
        UserError: it cannot be that; the message has `name`.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    try:
        if origin in (Union, types.UnionType):
            return _coerce_union(name, value, arguments)
        if origin is Literal:
            return _coerce_literal(value, arguments)
        if origin is tuple:
            return _coerce_tuple(name, value, arguments[0])
        return _coerce_schedule(name, value) if hint is Schedule else _coerce_plain(name, value, hint)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, UserError):
            raise
        known = [str(argument) for argument in arguments] if origin is Literal else []
        near = nearest(value, known) if isinstance(value, str) else ""
        raise UserError(
            f"{name}={shown(value)} is not a {type_name(hint)}.".replace("not a one of", "not one of") + near
        ) from None


def _coerce_union(name: str, value: Any, arguments: tuple[Any, ...]) -> Any:
    nothing = value is None or (isinstance(value, str) and value.casefold() in ("none", "null"))
    if type(None) in arguments and nothing:
        return None
    rest = [argument for argument in arguments if argument is not type(None)]
    if len(rest) == 1:
        return coerce(name, value, rest[0])
    for argument in rest:
        try:
            return coerce(name, value, argument)
        except UserError:
            continue
    raise ValueError


def _coerce_literal(value: Any, arguments: tuple[Any, ...]) -> Any:
    for argument in arguments:
        same = value == argument and values.truth(value) == values.truth(argument)
        if same or (isinstance(value, str) and value == str(argument)):
            return argument
    raise ValueError


def _coerce_tuple(name: str, value: Any, item: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = _without_brackets(value.strip()).replace(",", " ").split()
    if not isinstance(value, (list, tuple)):
        value = [value]
    if len(value) > MOST_ITEMS:
        raise UserError(f"{name} has {len(value)} values, and {MOST_ITEMS} are the most it can have.")
    return tuple(coerce(name, part, item) for part in value)


def _without_brackets(text: str) -> str:
    """`16, 32` of `[16, 32]`; brackets inside of brackets stay, as no list has lists in it."""
    return text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text


def _coerce_schedule(name: str, value: Any) -> Schedule:
    try:
        return Schedule.parse(value)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _coerce_plain(name: str, value: Any, hint: Any) -> Any:
    if hint is bool:
        words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        if values.truth(value):
            return bool(value)
        if isinstance(value, str) and value.casefold() in words:
            return words[value.casefold()]
        raise ValueError
    if hint is int:
        return values.whole(value)
    if hint is float:
        return values.real(value)
    if hint is str and isinstance(value, str):
        return values.text(value)
    if hint is Path and isinstance(value, (str, Path)):
        return paths.named(value, what=name)
    raise ValueError


_TESTS = {
    "at_least": (lambda value, bound: value >= bound, ">="),
    "above": (lambda value, bound: value > bound, ">"),
    "at_most": (lambda value, bound: value <= bound, "<="),
    "below": (lambda value, bound: value < bound, "<"),
}


def _limits_text(limits: Mapping[str, float]) -> str:
    return " and ".join(f"{_TESTS[word][1]} {_bound_text(bound)}" for word, bound in limits.items())


def _bound_text(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _worth_saying(limits: Mapping[str, float]) -> dict[str, float]:
    """Those that are not the machine's, which nobody meets who does not look for them."""
    return {word: bound for word, bound in limits.items() if abs(bound) < MOST_WHOLE}


def check_range(name: str, value: Any, limits: Mapping[str, float]) -> None:
    """Check that a value, or each of a tuple's or a schedule's, lies within its limits and can be held.

    Raises:
        UserError: it does not.
    """
    if isinstance(value, Schedule):
        first, *rest = value.extremes
        check_range(name, first, limits)
        # A step size above 0 may end at 0.
        check_range(
            name, tuple(rest), {{"above": "at_least", "below": "at_most"}.get(w, w): b for w, b in limits.items()}
        )
        return
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            _check_number(name, item, limits)


def _check_number(name: str, item: float, limits: Mapping[str, float]) -> None:
    most = MOST_WHOLE if isinstance(item, int) else MOST_NUMBER
    limits = {
        **limits,
        **{word: bound for word, bound in (("at_least", -most), ("at_most", most)) if word not in limits},
    }
    wrong = [word for word, bound in limits.items() if not _TESTS[word][0](item, bound)]
    rounded = ""
    if not wrong and isinstance(item, float):
        # What is learned with is float32: there 0.99999999999 is 1, and 1e-50 is 0.
        single = values.single(item)
        wrong = [word for word in ("above", "below") if word in limits and not _TESTS[word][0](single, limits[word])]
        rounded = f", and as float32 it is {single:g}"
    if wrong:
        said = {word: bound for word, bound in limits.items() if word in wrong or word in _worth_saying(limits)}
        raise UserError(f"{name}={shown(item)} is out of range: it must be {_limits_text(said)}{rounded}.")
