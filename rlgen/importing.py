"""Importing by name, `package.module:Class` or `package:Id-v0`, and whose names may be imported.

To import a name is to run its module. What the user writes himself is imported. The names in a run that is opened
again may be somebody else's: inside `of_run` only those are imported that lead to an installed plug-in, or that the
user consents to. Every look-up of a name in a module goes through here, so none can forget to ask.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import unquote

from rlgen import brought, registry
from rlgen.errors import UserError, nearest

T = TypeVar("T")

# Packages whose ids need no consent, because rlgen depends on them.
TRUSTED = ("gymnasium", "ale_py")
ENVIRONMENTS_GROUP = "gymnasium.envs"
IN_A_MODULE = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):[^\W\d][\w./-]*")


@dataclass(frozen=True)
class Consent:
    """What the user consents to in a run that is opened again; by default to nothing.

    Attributes:
        whose: the run, for messages.
        everything: he made it, or trusts whoever did.
        names: those he has given himself, with their arguments.
    """

    whose: str = "The run"
    everything: bool = False
    names: frozenset[str] = frozenset()


NOTHING = Consent()
# None: what is looked up is the program's own.
_consent: ContextVar[Consent | None] = ContextVar("consent", default=None)


@contextlib.contextmanager
def of_run(consent: Consent, *, kind: str, problem: str, config: Mapping[str, Any]) -> Iterator[None]:
    """Look names up for a run that is opened again; those that need consent are refused at once, all together.

    Args:
        consent: what the user consents to.
        kind: of the problem, "env" or "dataset".
        problem: what the run learned from.
        config: its fields; any text in them may be a name.

    Raises:
        UserError: it has names that are not consented to.
    """
    if not consent.everything:
        asked = [*((kind, problem),), *((None, text) for text in texts(config))]
        names = [text for of, text in asked if text not in consent.names and _asks_for_code(of, text)]
        if names:
            raise _refusal(consent, names)
    with _under(None if consent.everything else consent):
        yield


def later(function: Callable[..., T]) -> Callable[..., T]:
    """`function`, which will look names up for the run that names are looked up for now."""
    consent = _consent.get()

    def call(*arguments: Any) -> T:
        with _under(consent):
            return function(*arguments)

    return call


def load(kind: str, text: str) -> Any:
    """What `package.module:attribute`, with or without `?key=value`, stands for.

    Args:
        kind: of plug-in in whose place it stands.
        text: the name as it was asked for.

    Raises:
        UserError: the run that names are looked up for may not ask for it, or it cannot be imported.
    """
    name, _, attribute = text.partition("?")[0].partition(":")
    found: Any = module(kind, name, text=text)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UserError(f"'{text}': '{name}' has no attribute '{part}'.{nearest(part, dir(found))}")
        found = getattr(found, part)
    return found


def module(kind: str, name: str, *, text: str) -> ModuleType:
    """The module that a name needs; arguments and errors as those of `load`."""
    if not (_consented(text) or _installed(kind, name, text)):
        ask(text)
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # A stranger's module may raise anything when it is imported.
        missing = isinstance(error, ModuleNotFoundError) and error.name == name
        advice = ". Install its package; before the colon stands the name that it is imported by." if missing else ""
        raise UserError(
            f"'{text}' needs the module '{name}', which cannot be imported: {type(error).__name__}: {error}{advice}"
        ) from error


def ask(text: str) -> None:
    """Raise `UserError` where a run asks for what needs consent and the user has given none."""
    if not _consented(text):
        raise _refusal(_consent.get() or NOTHING, [text])


def texts(value: Any) -> Iterator[str]:
    """Every text in a value that JSON can hold."""
    waiting = [value]
    while waiting:
        if isinstance(first := waiting.pop(0), str):
            yield first
        elif isinstance(first, (Mapping, list, tuple)):
            waiting[:0] = first.values() if isinstance(first, Mapping) else first


@contextlib.contextmanager
def _under(consent: Consent | None) -> Iterator[None]:
    token = _consent.set(consent)
    try:
        yield
    finally:
        _consent.reset(token)


def _consented(text: str) -> bool:
    consent = _consent.get()
    return consent is None or text in consent.names


def _refusal(consent: Consent, names: Iterable[str]) -> UserError:
    listed = ", ".join(f"'{name}'" for name in dict.fromkeys(names))
    return UserError(
        f"{consent.whose} asks for {listed}, which can run any code or write any file, and the run as it stands was "
        "not made here by you. If you trust whoever made it, say --trust on the command line or trust=True in Python."
    )


def _asks_for_code(kind: str | None, text: str) -> bool:
    """Whether `_runs_code` holds for a run's text or for one of its arguments: some are told what to make."""
    arguments = re.split(r"[\s\"'=&?,\[\]{}]+", unquote(text.partition("?")[2]))
    return _runs_code(kind, text) or any(_runs_code(None, argument) for argument in arguments)


def _runs_code(kind: str | None, text: str) -> bool:
    """Whether a run's text is the name of something in a module that no installed plug-in leads to.

    Args:
        kind: of what the text names; None: nobody knows what it is for.
        text: for instance `package.module:Class?x=1`, but also `images:photos` or `TimeLimit:100`.
    """
    target = text.partition("?")[0].strip()
    named = IN_A_MODULE.fullmatch(target)
    if named is None or target.startswith(brought.MARK):
        return False
    name, known = named["module"], {plugin.name for plugin in registry.available(kind)}
    if target in known or (kind != "env" and name in known):
        return False
    if kind is None:
        from gymnasium import wrappers

        if name in wrappers.__all__:  # Those that need consent ask for it where they are looked up.
            return False
    return not _installed(kind, name, target)


def _installed(kind: str | None, name: str, text: str) -> bool:
    """Whether an installed package leads to a name: as its plug-in, or as an id of an environment that it registers."""
    target, plugins = text.partition("?")[0], registry.installed()
    if any(plugin.target == target and kind in (None, plugin.kind) for plugin in plugins):
        return True
    if target.rpartition(":")[2].replace(".", "").isidentifier():
        return False  # An attribute: it might be anything that the package can do.
    environments = (point.value for point in metadata.entry_points(group=ENVIRONMENTS_GROUP))
    modules = {value.partition(":")[0].strip() for value in (*(plugin.target for plugin in plugins), *environments)}
    # Plug-ins are imported with the packages around them, but not with other modules beside them.
    return name in TRUSTED or any(f"{each}.".startswith(f"{name}.") for each in modules)
