"""Classes and modules as tables for the docs: what one says, calls and finds there, from signatures and docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

Row = tuple[str, str]


def rows(name: str) -> Iterator[Row]:
    """What to write and what it is, of `module:Class` or of all that is public in `module`."""
    module, _, attribute = name.partition(":")
    if attribute:
        yield from of_class(found(name))
        return
    for key, value in vars(importlib.import_module(module)).items():
        if key.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if inspect.isfunction(value):
            yield f"`{key}{parameters(value)}`", first_sentence(value)
        elif inspect.isclass(value) and hasattr(value, "_fields"):
            yield f"`{key}({', '.join(value._fields)})`", first_sentence(value)
        elif inspect.isclass(value):
            yield f"`{key}`", first_sentence(value)


def found(name: str) -> Any:
    """What `module:Class` names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def of_class(cls: type) -> Iterator[Row]:
    """Attributes of its docstring, then public methods and properties of its own."""
    for name, about in attributes(cls):
        yield f"`{name}`", about
    for name, value in vars(cls).items():
        if name.startswith("_") or not inspect.getdoc(value):
            continue
        must = "**has to be said**: " if getattr(value, "__isabstractmethod__", False) else ""
        if isinstance(value, property):
            yield f"`{name}`", must + first_sentence(value)
        elif isinstance(value, (classmethod, staticmethod)) or inspect.isfunction(value):
            yield f"`{name}{parameters(getattr(cls, name))}`", must + first_sentence(value)


def attributes(cls: type) -> Iterator[Row]:
    """Name and meaning of each entry below `Attributes:`."""
    _, _, section = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    for line in re.split(r"\n(?=    \w+:)", section):
        if match := re.match(r"\s+(\w+): (.+)", line, re.DOTALL):
            yield match[1], sentence(match[2])


def parameters(function: Any) -> str:
    """`(x, *, rate)`: names without types and values."""
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    ]
    return str(inspect.Signature(kept))


def first_sentence(value: Any) -> str:
    """The first paragraph of its docstring, without its full stop."""
    return sentence(inspect.getdoc(value) or "")


def sentence(text: str) -> str:
    """The first paragraph on one line, without its full stop."""
    return " ".join(text.split("\n\n")[0].split()).removesuffix(".")
