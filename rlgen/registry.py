"""Names to plug-ins: read without importing them, imported when first used.

A package offers plug-ins through the entry-point group `rlgen.plugins`, one line each,
`kind.name = module:attribute`; rlgen's own come through the same door. Code that runs in the user's own
process uses the decorator `register`. One kind of thing is one namespace, and everything that learns
(`agent`, `generative`, `supervised`) shares one, because `rlgen train NAME` does.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from rlgen.errors import UnknownName, UserError, nearest

GROUP = "rlgen.plugins"
ALGORITHM_KINDS = ("agent", "generative", "supervised")
KINDS = (*ALGORITHM_KINDS, "env", "env_family", "wrapper", "dataset", "network", "metric", "extractor", "weights")
DISABLE_VARIABLE = "RLGEN_DISABLE_PLUGINS"

T = TypeVar("T")


@dataclass(frozen=True)
class Plugin:
    """A name, and where to get what it stands for.

    `source` is the distribution and version it came from, or the module that registered it in code.
    `target` is `module:attribute`; `value` is the object itself when it was registered in code.
    """

    kind: str
    name: str
    source: str
    target: str
    value: Any = field(default=None, compare=False)

    def load(self) -> Any:
        """Import the plug-in, the first time, and return it.

        Raises:
            UserError: it could not be imported; the message and `__cause__` are the plug-in's own.
        """
        if self.value is not None:
            return self.value
        module, _, attribute = self.target.partition(":")
        try:
            value = importlib.import_module(module)
            for part in attribute.split("."):
                value = getattr(value, part)
            return value
        except (Exception, SystemExit) as error:  # A stranger's module may raise anything when it is imported.
            raise UserError(
                f"The {self.kind} '{self.name}' of {self.source} could not be imported from "
                f"'{self.target}': {type(error).__name__}: {error}"
            ) from error

    @property
    def summary(self) -> str:
        """The first line of its docstring, read from the source without importing it."""
        if self.value is not None:
            return (getattr(self.value, "__doc__", None) or "").strip().split("\n")[0]
        module, _, attribute = self.target.partition(":")
        return _docstring(_source_file(module), attribute)


_registered: dict[tuple[str, str], Plugin] = {}


def register(kind: str, name: str) -> Callable[[T], T]:
    """Class decorator that puts a plug-in under `name`.

    Raises:
        UserError: an unknown kind, a name with other characters than letters, digits and `_ . / : -`,
            something that cannot be called, or a name that is taken (the message names both sources).
    """
    if kind not in KINDS:
        raise UserError(f"There is no kind '{kind}'.{nearest(kind, KINDS)} Kinds: {', '.join(KINDS)}.")
    if not re.fullmatch(r"[A-Za-z0-9][\w./:-]*", name):
        raise UserError(f"'{name}' cannot be a name: use letters, digits and _ . / : -, a letter or digit first.")

    def put(value: T) -> T:
        if not callable(value):
            raise UserError(f"A plug-in is a class or a function; '{name}' is a {type(value).__name__}.")
        module, qualname = value.__module__, getattr(value, "__qualname__", type(value).__name__)
        plugin = Plugin(kind, name, f"code in {module}", f"{module}:{qualname}", value)
        for other in _matches(name, _namespace(kind)):
            # The same class again is a notebook cell run twice, or an entry point's module being imported.
            if other.target != plugin.target:
                raise UserError(_duplicate(other, plugin))
        _registered[kind, name] = plugin
        return value

    return put


def unregister(kind: str, name: str) -> None:
    """Take back a `register`; names from entry points stay."""
    _registered.pop((kind, name), None)


def available(kind: str | None = None) -> list[Plugin]:
    """Every plug-in there is (of one kind, if given), sorted by kind and name; none is imported.

    Raises:
        UserError: there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise UserError(f"There is no kind '{kind}'.{nearest(kind, KINDS)} Kinds: {', '.join(KINDS)}.")
    in_code = {(plugin.kind, plugin.target) for plugin in _registered.values()}
    from_packages = [plugin for plugin in installed() if (plugin.kind, plugin.target) not in in_code]
    plugins = [plugin for plugin in (*from_packages, *_registered.values()) if kind in (None, plugin.kind)]
    return sorted(plugins, key=lambda plugin: (KINDS.index(plugin.kind), plugin.name))


def find(name: str, kinds: Sequence[str] = KINDS) -> Plugin:
    """The plug-in of that name among `kinds`, not yet imported.

    Raises:
        UnknownName: nobody registered it; the message has the nearest names and how to list them.
        UserError: two packages registered it.
    """
    matches = _matches(name, kinds)
    if not matches:
        known = sorted({plugin.name for plugin in available() if plugin.kind in kinds})
        what = "algorithm" if tuple(kinds) == ALGORITHM_KINDS else " or ".join(kinds)
        what = "plug-in" if tuple(kinds) == KINDS else what
        kind_flag = f" --kind {kinds[0]}" if len(kinds) == 1 else ""
        raise UnknownName(f"There is no {what} '{name}'.{nearest(name, known)} `rlgen list{kind_flag}` shows them all.")
    if len(matches) > 1:
        raise UserError(_duplicate(*matches[:2]))
    return matches[0]


def load(name: str, kinds: Sequence[str] = KINDS) -> Any:
    """`find`, then import."""
    return find(name, kinds).load()


def able(kind: str, can: Callable[[Any], bool]) -> list[str]:
    """The names of those plug-ins of a kind that can do something; one that is broken cannot."""
    found = []
    for plugin in available(kind):
        with contextlib.suppress(Exception):
            if can(plugin.load()):
                found.append(plugin.name)
    return found


def _namespace(kind: str) -> tuple[str, ...]:
    return ALGORITHM_KINDS if kind in ALGORITHM_KINDS else (kind,)


def _matches(name: str, kinds: Iterable[str]) -> list[Plugin]:
    kinds = tuple(kinds)
    return [plugin for plugin in available() if plugin.name == name and plugin.kind in kinds]


def _duplicate(first: Plugin, second: Plugin) -> str:
    return (
        f"The name '{first.name}' is taken twice: {first.kind} {first.target} of {first.source}, and "
        f"{second.kind} {second.target} of {second.source}. Uninstall one of them, or register it under another name."
    )


@lru_cache(maxsize=1)
def _scan() -> tuple[Plugin, ...]:
    """All entry points of the group. Read once: a scan of site-packages takes some ten milliseconds."""
    plugins, source_of = [], lru_cache(_source)
    for point in metadata.entry_points(group=GROUP):
        kind, _, name = point.name.partition(".")
        if kind not in KINDS or not name:
            print(
                f"rlgen: ignored the entry point '{point.name}' = '{point.value}': "
                f"write kind.name, where kind is one of {', '.join(KINDS)}.",
                file=sys.stderr,
            )
            continue
        source = source_of(point.dist)
        target = point.value.partition("[")[0].replace(" ", "")  # What follows are the package's extras.
        plugins.append(Plugin(kind, name, source, target))
    return tuple(plugins)


def _source(package: metadata.Distribution | None) -> str:
    """Its name and version, which are read out of a file each time."""
    return f"{package.name} {package.version}" if package else "an unknown package"


def installed() -> list[Plugin]:
    """The plug-ins that installed packages offer; none is imported."""
    only_built_in = os.environ.get(DISABLE_VARIABLE, "") not in ("", "0")
    return [plugin for plugin in _scan() if not only_built_in or plugin.source.split()[0] == "rlgen"]


def _source_file(module: str) -> Path | None:
    """Where a module's source lies, found without importing the module or its parents."""
    path: Any = None
    name, spec = "", None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        finders = (getattr(finder, "find_spec", None) for finder in sys.meta_path)
        specs = (find_spec(name, path) for find_spec in finders if find_spec)
        spec = next((found for found in specs if found), None)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _docstring(file: Path | None, attribute: str) -> str:
    if file is None:
        return ""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == attribute:
            return (ast.get_docstring(node) or "").split("\n")[0]
    return ""
