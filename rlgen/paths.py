"""Files and directories as people name them, checked before anything is opened or written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from rlgen.errors import UserError
from rlgen.values import shown

# Of Linux and macOS: what the file system says itself comes as an error without a sentence.
MOST_NAME_BYTES, MOST_PATH_BYTES = 255, 4095


def named(value: Any, *, what: str) -> Path:
    """The path that somebody gave, relative or not; whether anything is there is not looked at.

    Args:
        value: text, or a path.
        what: it is for, for messages: "--run".

    Raises:
        UserError: it is no path, is empty, or could not be one on any disk.
    """
    if not isinstance(value, (str, Path)):
        raise UserError(f"{what}={shown(value)} is no path: give the name of a file or directory.")
    if not str(value).strip():
        raise UserError(f"{what} is empty: give the name of a file or directory, or leave it out.")
    if "\0" in str(value):
        raise UserError(f"{what}={shown(str(value))} has a NUL character in it, which no name may have.")
    path = Path(value)
    try:
        whole, longest = (
            len(os.fsencode(path.absolute())),
            max((len(os.fsencode(part)) for part in path.parts), default=0),
        )
    except UnicodeEncodeError:
        raise UserError(f"{what}={shown(str(value))} has half a character in it, which no name may have.") from None
    if longest > MOST_NAME_BYTES:
        raise UserError(
            f"{what}={shown(str(value))}: a name in it has {longest} bytes, and {MOST_NAME_BYTES} are the most it can "
            "have. Choose a shorter one."
        )
    if whole > MOST_PATH_BYTES:
        raise UserError(
            f"{what}={shown(str(value))} has {whole} bytes, and {MOST_PATH_BYTES} are the most it can have. Choose a "
            "shorter one."
        )
    return path


def exists(path: Path) -> bool:
    """Whether something is there, as far as anybody may look."""
    try:
        return path.exists()
    except OSError:
        return False


def check_new(path: Path, *, what: str, option: str) -> None:
    """Check that something new can be made at `path`.

    Args:
        path: where.
        what: it is, for messages: "run directory".
        option: how another place is said: "--run".

    Raises:
        UserError: a file stands in the way, or a directory lets nobody write.
    """
    above = next(parent for parent in (path, *path.absolute().parents) if exists(parent))
    if not above.is_dir() or not os.access(above, os.R_OK | os.W_OK | os.X_OK):
        why = "cannot be written" if above.is_dir() else "is a file"
        raise UserError(f"The {what} {path} cannot be made: {above} {why}. Choose another {option}.")


def check_new_place(path: Path, *, what: str = "file") -> None:
    """Check that `--out` can be written: nothing is there, and the directory above it is.

    Raises:
        UserError: something is there already, or there is no such directory, or nobody may write there.
    """
    if exists(path):
        raise UserError(f"'{path}' is there already. Choose another --out.")
    check_new(path, what=what, option="--out")
    if not path.parent.is_dir():
        raise UserError(f"There is no directory '{path.parent}' to write {path.name} into.")


def fitting(*parts: str) -> str:
    """A name of these parts with hyphens between them, the longest one cut to what a name has room for."""
    longest = max(range(len(parts)), key=lambda place: len(parts[place]))
    others = sum(len(os.fsencode(part)) for place, part in enumerate(parts) if place != longest) + len(parts) - 1
    # Half a character at the end is left out.
    cut = os.fsencode(parts[longest])[: max(1, MOST_NAME_BYTES - others)].decode(errors="ignore")
    return "-".join(cut if place == longest else part for place, part in enumerate(parts))


def cache_directory() -> Path:
    """Where this user keeps what can be made or had again: `RLGEN_CACHE`, or the system's place for it."""
    if place := os.environ.get("RLGEN_CACHE"):
        return named(place, what="RLGEN_CACHE")
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "rlgen" / "cache"
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "rlgen"
