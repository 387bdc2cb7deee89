"""Configurations: frozen dataclasses, checked when built, documented field by field.

A configuration is written once, as a dataclass whose fields are made with `option`. The command line's
`--set`, the presets, `rlgen describe`, the JSON in a run's directory and the checks all come from it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from rlgen.errors import UserError, nearest
from rlgen.schedules import Schedule

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
    """A field of a configuration: its default, one sentence with its unit, and the range it must lie in."""
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "below": below}
    limits = {word: bound for word, bound in limits.items() if bound is not None}
    return dataclasses.field(default=default, metadata={"doc": doc, "limits": limits})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Base of every configuration. Subclasses are `@dataclass(frozen=True, kw_only=True)` too.

    Raises:
        UserError: a value has the wrong type, lies out of range, or contradicts another one.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        """Bring every value to its declared type, check its range, then check the combination."""
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value = coerce(field.name, getattr(self, field.name), hints[field.name])
            _check_limits(field.name, value, field.metadata.get("limits", {}))
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
            values.update({k: v for k, v in cls.presets[preset].items() if k != "about"})
        values.update(overrides or {})
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in names:
                raise UserError(
                    f"There is no field '{name}' in {cls.__name__}.{nearest(name, names)} Fields: {', '.join(names)}."
                )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them (tuples become lists, schedules numbers or text)."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def describe(cls) -> list[dict[str, Any]]:
        """One row per field: `name`, `type`, `default`, `doc`, `range`."""
        hints = typing.get_type_hints(cls)
        return [
            {
                "name": field.name,
                "type": type_name(hints[field.name]),
                "default": _plain(field.default),
                "doc": field.metadata.get("doc", ""),
                "range": _limits_text(field.metadata.get("limits", {})),
            }
            for field in dataclasses.fields(cls)
        ]


def load_presets(path: Path) -> dict[str, dict[str, Any]]:
    """Presets kept as data: a JSON object of name -> fields, with a sentence under `about`; or several such by name."""
    presets: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return presets


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
    return list(value) if isinstance(value, tuple) else value


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
        return _coerce_schedule(name, value) if hint is Schedule else _coerce_plain(value, hint)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, UserError):
            raise
        known = [str(argument) for argument in arguments] if origin is Literal else []
        raise UserError(
            f"{name}={value!r} is not a {type_name(hint)}.".replace("not a one of", "not one of")
            + nearest(str(value), known)
        ) from None


def _coerce_union(name: str, value: Any, arguments: tuple[Any, ...]) -> Any:
    if type(None) in arguments and (value is None or str(value).casefold() in ("none", "null")):
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
        if value == argument or (isinstance(value, str) and value == str(argument)):
            return argument
    raise ValueError


def _coerce_tuple(name: str, value: Any, item: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = [part for part in value.strip("[]() ").replace(",", " ").split() if part]
    if not isinstance(value, (list, tuple)):
        value = [value]
    return tuple(coerce(name, part, item) for part in value)


def _coerce_schedule(name: str, value: Any) -> Schedule:
    try:
        return Schedule.parse(value)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _coerce_plain(value: Any, hint: Any) -> Any:
    if hint is bool:
        words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.casefold() in words:
            return words[value.casefold()]
        raise ValueError
    if hint in (int, float):
        if isinstance(value, bool) or value is None:
            raise ValueError
        value = value.replace("_", "").strip() if isinstance(value, str) else value
        if hint is int and (isinstance(value, int) or re.fullmatch(r"[+-]?\d+", str(value))):
            return int(value)
        number = float(value)
        # Through float "1e5" is a whole number too.
        if not math.isfinite(number) or (hint is int and number != int(number)):
            raise ValueError
        return int(number) if hint is int else number
    if hint in (str, Path) and isinstance(value, (str, hint)):
        return hint(value)
    raise ValueError


_TESTS = {
    "at_least": (lambda value, bound: value >= bound, ">="),
    "above": (lambda value, bound: value > bound, ">"),
    "at_most": (lambda value, bound: value <= bound, "<="),
    "below": (lambda value, bound: value < bound, "<"),
}


def _limits_text(limits: Mapping[str, float]) -> str:
    return " and ".join(f"{_TESTS[word][1]} {bound:g}" for word, bound in limits.items())


def _check_limits(name: str, value: Any, limits: Mapping[str, float]) -> None:
    if isinstance(value, Schedule):
        first, *rest = value.extremes
        _check_limits(name, first, limits)
        # A step size above 0 may end at 0.
        _check_limits(
            name, tuple(rest), {{"above": "at_least", "below": "at_most"}.get(w, w): b for w, b in limits.items()}
        )
        return
    for item in value if isinstance(value, tuple) else (value,):
        for word, bound in limits.items():
            if isinstance(item, (int, float)) and not _TESTS[word][0](item, bound):
                raise UserError(f"{name}={item!r} is out of range: it must be {_limits_text(limits)}.")
