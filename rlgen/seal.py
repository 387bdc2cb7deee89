"""Rows of JSON that carry their own checksum, so that one changed by anyone or anything is noticed when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "seal"


class SealBroken(ValueError):
    """A row that is not the one that was sealed.

    Attributes:
        row: what is there, without the seal; None where it is no row at all.
    """

    def __init__(self, text: str, row: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.row = row


def sealed(row: Mapping[str, Any]) -> bytes:
    """The row as JSON for people, its SHA-256 as the last value."""
    return (json.dumps({**row, SEAL: checksum(row)}, indent=2) + "\n").encode()


def unsealed(data: bytes) -> dict[str, Any]:
    """The row that was sealed.

    Raises:
        SealBroken: it is no row, or another one.
    """
    try:
        row = json.loads(data)
        stored = row.pop(SEAL, None) if isinstance(row, dict) else None
        whole = stored == checksum(row)
    except (ValueError, RecursionError) as error:
        raise SealBroken(f"it is no JSON ({error})") from None
    if not isinstance(row, dict):
        raise SealBroken(f"it is a {type(row).__name__}, not an object")
    if not whole:
        raise SealBroken("it is not what was written: its checksum differs" if stored else "it has no checksum", row)
    return row


def checksum(row: Mapping[str, Any]) -> str:
    """The SHA-256 of a row, whatever the order of its keys and its white space."""
    return hashlib.sha256(canonical(row)).hexdigest()


def canonical(row: Mapping[str, Any]) -> bytes:
    """The one way in which a row is written to be compared: keys that are no text become text first, as in a file."""
    return json.dumps(json.loads(json.dumps(row)), sort_keys=True, separators=(",", ":")).encode()


def changes(stored: Mapping[str, Any], found: Mapping[str, Any], prefix: str = "") -> list[str]:
    """One line for each value that differs."""
    lines = []
    for key in {**stored, **found}:
        was, now = stored.get(key), found.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            lines += changes(was, now, f"{prefix}{key}.")
        elif was != now:
            lines.append(f"{prefix}{key}: it was {was!r}, now it is {now!r}")
    return lines
