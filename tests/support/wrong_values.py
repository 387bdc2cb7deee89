"""What no field takes, made from a configuration's own description of its fields."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from rlgen import registry
from rlgen.config import Config
from rlgen.schedules import Schedule
from rlgen.trainer_config import TrainerConfig
from rlgen.values import MOST_NUMBER, MOST_WHOLE


def configurations() -> dict[str, type[Config]]:
    """Those of every algorithm that is registered by rlgen itself, by name, and the Trainer's."""
    plugins = (plugin for kind in registry.ALGORITHM_KINDS for plugin in registry.available(kind))
    found = {plugin.name: plugin.load().Config for plugin in plugins if plugin.source.startswith("rlgen")}
    return {**found, "trainer": TrainerConfig}


def fields(config: type[Config]) -> Iterator[tuple[str, Any, dict[str, float]]]:
    """Name, type and limits of each field."""
    hints = typing.get_type_hints(config)
    for field in dataclasses.fields(config):
        yield field.name, hints[field.name], field.metadata["limits"]


def texts(hint: Any, limits: dict[str, float]) -> list[str]:
    """What the command line may say for a field and is wrong for its type or its range."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ["nothing-like-it", "[1]", ""]
    if origin in (Union, types.UnionType):
        of_each = [set(texts(part, limits)) for part in parts if part is not type(None)]
        return sorted(set.intersection(*of_each) - {"none"})
    if origin is tuple:
        inside = [text for text in texts(parts[0], limits) if text not in ("", "[1]")]
        return [*inside, "[[1]]", "x," * 65] if parts[0] is int else inside
    if hint is bool:
        return ["2", "perhaps", "", "[true]"]
    if hint is int:
        return ["1.5", "many", "", "nan", "none", "[1]", "{}", "1e30", "-1e30", "9" * 5000, *_outside(limits, 1)]
    if hint in (float, Schedule):
        return ["much", "nan", "-inf", "[1]", "{}", "1e300", "-1e300", "1e999", "9" * 5000, *_outside(limits, 1e-3)]
    return []


def objects(hint: Any) -> list[Any]:
    """What a program may give for a field and is of no type that it takes."""
    anything: list[Any] = [{"a": 1}, [[1]], [{}], b"1", object(), float("nan"), 10**400, "\0", "\ud800", {1}, 1j]
    if hint is str:
        return [value for value in anything if value not in ("text",)]
    if get_origin(hint) is tuple:
        return [value for value in anything if value not in ([],)]
    return [*anything, []]


def within(hint: Any, limits: dict[str, float]) -> tuple[float, float]:
    """The least and the most that a number of this type may be, both allowed."""
    step, most = (1, MOST_WHOLE) if hint is int else (1e-3, MOST_NUMBER)
    least = limits.get("at_least", limits["above"] + step if "above" in limits else -most)
    return least, limits.get("at_most", limits["below"] - step if "below" in limits else most)


def paths() -> list[str]:
    """What no file or directory can be called."""
    return ["", " ", "n" * 256, f"a/{'n' * 300}/b", "é" * 200, "/".join(["n" * 200] * 30), str(Path("file") / "inside")]


def _outside(limits: dict[str, float], step: float) -> list[str]:
    past = {"at_least": -step, "at_most": step, "above": 0, "below": 0}
    return [str(bound + past[word]) for word, bound in limits.items()]
