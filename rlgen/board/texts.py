"""What was run, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlgen.run import RunConfig


def about(config: RunConfig) -> dict[str, str]:
    """The configuration, the command line and the versions of a run, by the names they stand under."""
    made = config.about
    command = f"    {made.get('command', '')}\n\n{made.get('created', '')}"
    versions = {**dict(made.get("versions", {})), "git revision": made.get("git_revision")}
    return {
        "about/configuration": table(decided(config)),
        "about/command": command,
        "about/versions": table(versions),
    }


def decided(config: RunConfig) -> dict[str, Any]:
    """All that decides a run, by the names under which one says it."""
    about = {name: getattr(config, name) for name in ("algorithm", "problem", "preset", "engine", "seed", "steps")}
    return {**about, **config.config, **{f"trainer.{name}": value for name, value in config.trainer.items()}}


def table(row: Mapping[str, Any]) -> str:
    """Names and values; a value stands as it is, whatever Markdown would make of it."""
    lines = [f"| {name} | {_cell(value)} |" for name, value in row.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _cell(value: Any) -> str:
    text = "none" if value is None else str(value).replace("`", "'").replace("|", "\\|").replace("\n", " ")
    return f"`{text}`" if text else ""
