"""Runs as somebody else's program may have written them: with checksums that fit, and without this user's signature."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rlgen.run import CONFIG_FILE, SCHEMA, RunConfig
from rlgen.seal import sealed, unsealed


def write_config(path: Path, **values: Any) -> None:
    """A configuration of a run at `path`, with these values in the places of harmless ones."""
    path.mkdir(parents=True, exist_ok=True)
    plain = RunConfig("walk", "plain", "compiled", 0, "default", {}, {})
    row = {"schema": SCHEMA, **dataclasses.asdict(plain), "signature": None, **values}
    (path / CONFIG_FILE).write_bytes(sealed(row))


def rewrite(file: Path, **values: Any) -> None:
    """Change values of a sealed file, and seal it again."""
    file.write_bytes(sealed({**unsealed(file.read_bytes()), **values}))
