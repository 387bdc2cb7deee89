"""Which runs this user made: a signature of what a run says, with a key that only he can read.

The key lies in his configuration directory and is made when it is first needed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rlgen.seal import canonical

KEY_BYTES = 32
# How long another process, which has just made the key, may take to write it.
PATIENCE_SECONDS = 1.0
# A link or a pipe in the key's place is neither followed nor waited for; Windows knows the last of these alone.
_PLAINLY = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))


def sign(row: Mapping[str, Any]) -> str | None:
    """The signature of what JSON can hold; None where no key can be kept, so that nothing is signed."""
    key = _made() or _kept()
    return None if key is None else _signature(key, row)


def made_here(row: Mapping[str, Any], signature: Any) -> bool:
    """Whether the signature is one that `sign` gave this user for this very row."""
    if not isinstance(signature, str) or (key := _kept()) is None:
        return False
    return hmac.compare_digest(_signature(key, row).encode(), signature.encode(errors="replace"))


def _signature(key: bytes, row: Mapping[str, Any]) -> str:
    return hmac.new(key, canonical(row), hashlib.sha256).hexdigest()


def _path() -> Path:
    return Path(click.get_app_dir("rlgen")) / "key"


def _made() -> bytes | None:
    """A new key; None where there is something already, or nothing can be written."""
    path, key = _path(), secrets.token_bytes(KEY_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAINLY, 0o600)
    except OSError:
        return None
    try:
        with os.fdopen(made, "wb") as file:
            file.write(key)
    except OSError:
        path.unlink(missing_ok=True)  # Half a key would stay for good.
        return None
    return key


def _kept() -> bytes | None:
    """The key; None where there is none, or one that others can read or may have made."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with os.fdopen(os.open(_path(), os.O_RDONLY | _PLAINLY), "rb") as file:
                if not _private(os.fstat(file.fileno())):
                    return None
                key = file.read(KEY_BYTES + 1)
        except OSError:
            return None
        if len(key) == KEY_BYTES:
            return key
        if len(key) > KEY_BYTES or time.monotonic() > until:
            return None
        time.sleep(0.01)


def _private(about: os.stat_result) -> bool:
    if not stat.S_ISREG(about.st_mode):
        return False
    return os.name == "nt" or (about.st_uid == os.geteuid() and not about.st_mode & 0o077)
