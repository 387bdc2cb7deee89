"""Names with arguments, written like the end of a URL: `name:<main argument>?key=value&key=value`.

Wrappers and data sets are asked for this way; the text is what a run keeps. `%3F` and the like stand for characters
that have a meaning here.
"""

from __future__ import annotations

import functools
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from rlgen.config import read
from rlgen.errors import UserError, nearest
from rlgen.values import MOST_STEPS


@dataclass(frozen=True)
class Named:
    """A name and its arguments, still text.

    Attributes:
        name: of a plug-in.
        main: what stands between the name and the question mark; None if nothing does.
        options: key to value.
    """

    name: str
    main: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Named:
        """From text.

        Raises:
            UserError: it has no name, an argument without a value, or one twice.
        """
        head, _, query = text.strip().partition("?")
        name, colon, main = head.partition(":")
        if not name:
            raise UserError(f"'{text}' begins with no name: write name:main?key=value&key=value.")
        options: dict[str, str] = {}
        for pair in filter(None, query.split("&")):
            key, equals, value = pair.partition("=")
            if not equals or not key:
                raise UserError(f"'{text}': '{pair}' is not key=value. Write {head}?key=value&key=value.")
            if key in options:
                raise UserError(f"'{text}': '{key}' is given twice; give it once.")
            options[key] = unquote(value)
        return cls(name, unquote(main) if colon else None, options)

    def without(self, names: Sequence[str]) -> tuple[Named, dict[str, str]]:
        """The same without these options, and them."""
        taken = {key: value for key, value in self.options.items() if key in names}
        return Named(self.name, self.main, {k: v for k, v in self.options.items() if k not in taken}), taken

    def build(self, make: Callable[..., Any], *positional: Any, what: str, also: Sequence[str] = ()) -> Any:
        """Call `make` with `values` of it; the same arguments.

        Raises:
            UserError: an argument it does not take, or lacks, or one of the wrong type.
        """
        return make(*positional, **self.values(make, positional=len(positional), what=what, also=also))

    def values(
        self,
        make: Callable[..., Any],
        *,
        positional: int = 0,
        what: str,
        also: Sequence[str] = (),
        main: bool = True,
    ) -> dict[str, Any]:
        """The arguments by name, each brought to the type that a signature says.

        Args:
            make: a class or function. Its first parameter after the positional ones takes the main argument;
                without a type hint an argument becomes what its text looks like.
            positional: how many arguments come first.
            what: "wrapper", "data set" or "environment", for messages.
            also: arguments that somebody else takes, for messages.
            main: whether there is one that may stand behind a colon.

        Raises:
            UserError: an argument it does not take, or lacks, or one of the wrong type.
        """
        parameters = _parameters(make)[positional:]
        hints = _hints(make)
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        rest = next((p.name for p in parameters if p.kind == p.VAR_KEYWORD), "")
        any_name = bool(rest)
        known = [p.name for p in named]
        given = dict(self.options)
        form = self._form(named, also, any_name, main)
        if self.main is not None:
            if not known:
                raise UserError(f"The {what} '{self.name}' takes nothing behind a colon. Write {form}.")
            if known[0] in given:
                raise UserError(f"'{self.name}': {known[0]} is given twice, behind the colon and by name.")
            given = {known[0]: self.main, **given}
        values = {}
        for key, text in given.items():
            if key not in known and not any_name:
                hint = nearest(key, [*known, *also])
                raise UserError(f"The {what} '{self.name}' has no argument '{key}'.{hint} Write {form}.")
            try:
                values[key] = _value(key, text, hints.get(key if key in known else rest))
            except UserError as error:
                raise UserError(f"The {what} '{self.name}': {error} Write {form}.") from None
        missing = [p.name for p in named if p.default is p.empty and not given.get(p.name)]
        if missing:
            raise UserError(f"The {what} '{self.name}' lacks {' and '.join(missing)}. Write {form}.")
        return values

    def _form(self, parameters: Sequence[inspect.Parameter], also: Sequence[str], any_name: bool, main: bool) -> str:
        """How it is written: `images:<folder>?size=64&fold=&subset=`."""
        first, others = (parameters[:1], parameters[1:]) if main else ((), parameters)
        options = [f"{p.name}={'' if p.default is p.empty or p.default is None else p.default}" for p in others]
        options += [f"{name}=" for name in also] + ["name=value"] * any_name
        return "".join([self.name, *(f":<{p.name}>" for p in first), "?" * bool(options), "&".join(options)])


def _parameters(make: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(make).parameters.values())
    except ValueError:  # Some of Python's own tell nothing: they say themselves what they do not take.
        return [inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD)]


def _value(key: str, text: str, hint: Any) -> Any:
    looks = guessed(text)
    if not _plain(hint):
        return looks
    # What a stranger's code counts in is not known: int64 is the most that arrays hold.
    limits = {"at_least": -MOST_STEPS, "at_most": MOST_STEPS} if isinstance(looks, int) else {}
    return read(key, looks if isinstance(looks, str) else text, hint, limits)


def _hints(make: Callable[..., Any]) -> dict[str, Any]:
    while isinstance(make, functools.partial):
        make = make.func
    target = make.__init__ if isinstance(make, type) else make  # type: ignore[misc]
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError):
        return {}


def _plain(hint: Any) -> bool:
    """Whether a type hint is of the kinds that text can be turned into."""
    parts, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin is Literal:
        return True
    if parts:
        return origin in (tuple, typing.Union, types.UnionType) and all(map(_plain, parts))
    return hint in (int, float, bool, str, Path, type(None), Ellipsis)


def guessed(text: str) -> Any:
    """What a text looks like: a number, true, false or none, a list or a dictionary, quoted text, or itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if text[:1] in ("[", "{", '"'):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return {"true": True, "false": False, "none": None, "null": None}.get(text.casefold(), text)
