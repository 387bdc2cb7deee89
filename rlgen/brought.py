"""What a program brings as an object, where a run keeps a name: an environment, data, a network, a wrapper.

What can be imported goes by `package.module:name`, in every process. All else gets a name that begins with `@`: it is
known in this process alone, and whoever uses the run in another one brings the object again.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from rlgen.arguments import guessed
from rlgen.errors import UserError

MARK = "@"

_objects: dict[str, Any] = {}


def bring(value: Any, *, called: str | None = None, name: str | None = None) -> str:
    """The name that stands for an object from now on.

    Args:
        value: what was brought; the same object, or one that says it is the `same_as` another, has one name.
        called: what to call it, unless it has a name of its own.
        name: the name that a run has for it already.
    """
    if name is not None:
        _objects[name.partition("?")[0]] = value
        return name
    for known, other in _objects.items():
        if other is value or (type(other) is type(value) and getattr(value, "same_as", _never)(other)):
            return known
    if importable := import_name(value):
        return importable
    own = called or str(getattr(value, "__name__", type(value).__name__))
    base = MARK + (re.sub(r"[^\w.-]+", "", own) or "object")
    names = itertools.chain([base], (f"{base}-{i}" for i in itertools.count(2)))
    new = next(free for free in names if free not in _objects)
    _objects[new] = value
    return new


def _never(other: Any) -> bool:
    return False


def find(name: str) -> Any | None:
    """The object behind a name, or None: the name stands for something else.

    Raises:
        UserError: it was brought, but not in this process.
    """
    if name.startswith(MARK) and name not in _objects:
        raise UserError(
            f"'{name}' was an object of the program that made the run: bring it again, for instance "
            "rlgen.load(run, env=...) or data=... What is to be found by the command line has to be importable: write "
            "it into a module of its own, and give package.module:name."
        )
    return _objects.get(name)


def import_name(value: Any) -> str | None:
    """`package.module:name` of a class or function that a module holds; None where another process has no such."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__" or "<" in name:
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is value else None


def with_arguments(name: str, arguments: Mapping[str, Any], *, what: str) -> str:
    """`name?key=value&key=value`, from which `rlgen.arguments` reads the same values again.

    Raises:
        UserError: a value that no text can stand for.
    """
    texts = [f"{key}={quote(_text(key, value, what), safe=SAFE)}" for key, value in arguments.items()]
    return name + ("&" if "?" in name else "?") * bool(texts) + "&".join(texts)


SAFE = " /:,;.+-[]{}()'\"*!$@"


def _text(key: str, value: Any, what: str) -> str:
    if isinstance(value, str) and guessed(value) == value:
        return value
    try:
        text = json.dumps(value)
    except TypeError:
        text = None
    if text is None or guessed(text) != (list(value) if isinstance(value, tuple) else value):
        raise UserError(
            f"{key}={value!r} is no number, text, truth value, list or dictionary of these, so a run cannot keep it. "
            f"Bring a function that makes the {what} with it instead."
        )
    return text
