"""Names with arguments, written like the end of a URL: `name:<main argument>?key=value&key=value`.

Wrappers and data sets are asked for this way; the text is what a run keeps.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rlgen.config import coerce, type_name
from rlgen.errors import UserError, nearest


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
            options[key] = value
        return cls(name, main if colon else None, options)

    def build(self, make: Callable[..., Any], *positional: Any, what: str) -> Any:
        """Call `make`, each argument brought to the type that its signature says.

        Args:
            make: a class or function. Its first parameter after the positional ones takes the main argument;
                without a type hint an argument becomes a number, true or false where it looks like one.
            positional: come first.
            what: "wrapper" or "data set", for messages.

        Raises:
            UserError: an argument it does not take, or lacks, or one of the wrong type.
        """
        parameters = list(inspect.signature(make).parameters.values())[len(positional) :]
        hints = _hints(make)
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        any_name = any(p.kind == p.VAR_KEYWORD for p in parameters)
        known = [p.name for p in named]
        given = dict(self.options)
        if self.main is not None:
            if not known:
                raise UserError(f"The {what} '{self.name}' takes no '{self.main}': {self._takes(known, any_name)}.")
            given = {known[0]: self.main, **given}
        values = {}
        for key, text in given.items():
            if key not in known and not any_name:
                raise UserError(
                    f"The {what} '{self.name}' has no argument '{key}'.{nearest(key, known)} "
                    f"{self._takes(known, any_name).capitalize()}."
                )
            hint = hints.get(key)
            values[key] = _guessed(text) if hint in (None, Any) else coerce(key, text, hint)
        missing = [p.name for p in named if p.default is p.empty and p.name not in values]
        if missing:
            example = f"{self.name}:{type_name(hints.get(missing[0], str))}" if missing[0] == known[0] else self.name
            raise UserError(
                f"The {what} '{self.name}' needs {' and '.join(missing)}: write {example.replace(' ', '-')}."
            )
        return make(*positional, **values)

    def _takes(self, known: list[str], any_name: bool) -> str:
        if any_name:
            return "it takes key=value pairs"
        return f"it takes {', '.join(known)}" if known else "it takes no arguments"


def _hints(make: Callable[..., Any]) -> dict[str, Any]:
    target = make.__init__ if isinstance(make, type) else make  # type: ignore[misc]
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError):
        return {}


def _guessed(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(text.casefold(), text)
