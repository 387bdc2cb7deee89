"""A data set's name with its arguments, written like a URL: `csv:prices.csv?target=price&task=regression`."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rlgen.config import coerce
from rlgen.errors import UserError, nearest

# What every data set takes besides its own arguments.
CHOICES: dict[str, Any] = {"fold": int, "subset": int}


@dataclass(frozen=True)
class Address:
    """What was written.

    Attributes:
        text: the whole of it.
        name: of the data set.
        main: what stands behind the colon; None without one.
        options: name to text of what stands behind the question mark.
    """

    text: str
    name: str
    main: str | None
    options: Mapping[str, str]


def parse(text: str, known: Iterable[str]) -> Address:
    """Take `name:main?key=value&key=value` apart; `%3F` and the like stand for characters that have a meaning here.

    Args:
        text: what was written.
        known: names there are: one of them may have a colon in it.

    Raises:
        UserError: something behind the question mark is no `key=value`, or is given twice.
    """
    head, _, query = text.partition("?")
    name, colon, main = (head, "", "") if head in known else head.partition(":")
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UserError(f"'{text}': '{pair}' is not key=value. Write, for example, {name}?subset=500.")
        if key in options:
            raise UserError(f"'{text}': {key} is given twice.")
        options[key] = unquote(value)
    return Address(text, name, unquote(main) if colon else None, options)


def bind(factory: Callable[..., Any], address: Address) -> tuple[dict[str, Any], dict[str, int]]:
    """The arguments for `factory`, converted as its type hints say; and those of `CHOICES`.

    Raises:
        UserError: an argument is unknown, missing, or of the wrong type.
    """
    parameters = inspect.signature(factory).parameters
    form, given = written(address.name, parameters), dict(address.options)
    first = next(iter(parameters), None)
    if address.main is not None:
        if first is None:
            raise UserError(f"'{address.text}': '{address.name}' takes nothing behind a colon. Write {form}.")
        if first in given:
            raise UserError(f"'{address.text}': {first} is given twice, behind the colon and by name.")
        given[first] = address.main
    hints = _hints(factory) if parameters else {}
    for name in given:
        if name not in parameters and name not in CHOICES:
            takes = [*parameters, *CHOICES]
            raise UserError(f"'{address.text}': there is no argument '{name}'.{nearest(name, takes)} Write {form}.")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and not given.get(name):
            raise UserError(f"'{address.text}' lacks the {name}. Write {form}.")
    try:
        own = {name: coerce(name, given[name], hints.get(name, str)) for name in parameters if name in given}
        choices = {name: coerce(name, given[name], int) for name in CHOICES if name in given and name not in own}
    except UserError as error:
        raise UserError(f"'{address.text}': {error} Write {form}.") from None
    return own, choices


def written(name: str, parameters: Mapping[str, inspect.Parameter]) -> str:
    """How a data set is written: `images:<folder>?size=64&fold=&subset=`."""
    first = next(iter(parameters), None)
    main = f":<{first}>" if first else ""
    defaults = {n: p.default if p.default not in (p.empty, None) else "" for n, p in parameters.items() if n != first}
    options = "&".join(f"{key}={value}" for key, value in {**defaults, **dict.fromkeys(CHOICES, "")}.items())
    return f"{name}{main}?{options}"


def _hints(factory: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(factory.__init__ if isinstance(factory, type) else factory)  # type: ignore[misc]
