"""The tables of the docs that are made from the code.

A table stands between `<!-- generated: fields dqn -->` and `<!-- end -->`. A test holds every one against the
code; run as a program, this writes them anew:

    .venv/bin/python tests/support/tables.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
REWRITE = "write the tables anew with `.venv/bin/python tests/support/tables.py`"
GENERATED = re.compile(r"(^<!-- generated: ([^\n]+?) -->\n)(.*?)(^<!-- end -->)", re.MULTILINE | re.DOTALL)


def renewed(source: str) -> str:
    """A page with its generated tables as the code has them now."""
    return GENERATED.sub(lambda found: f"{found[1]}{table(*found[2].split())}\n{found[4]}", source)


def table(what: str, name: str) -> str:
    """The table `fields NAME` or `presets NAME`; NAME is an algorithm, or `trainer`.

    Raises:
        ValueError: there is no such table.
    """
    config = config_class(name)
    prefix = "trainer." if name == "trainer" else ""
    if what == "fields":
        rows = [
            (f"`{prefix}{row['name']}`", shown(row["default"]), kind(row), row["doc"].rstrip("."))
            for row in config.describe()
        ]
        return markdown(("field", "default", "values", "meaning"), rows)
    if what == "presets":
        defaults = ("`default`", "The fields' defaults.", "")
        presets = ((f"`{key}`", fields.get("about", ""), changed(fields)) for key, fields in config.presets.items())
        return markdown(("preset", "what it is", "what it changes"), [defaults, *presets])
    raise ValueError(f"there is no table '{what}': fields or presets")


def config_class(name: str) -> Any:
    from rlgen import registry
    from rlgen.trainer import TrainerConfig

    return TrainerConfig if name == "trainer" else registry.load(name, registry.ALGORITHM_KINDS).Config


def changed(fields: dict[str, Any]) -> str:
    return ", ".join(f"`{key}={shown(value)}`" for key, value in fields.items() if key != "about")


def kind(row: dict[str, Any]) -> str:
    return ", ".join(part for part in (row["type"], row["range"]) if part)


def shown(value: Any) -> str:
    """A value as one would write it behind `--set key=`."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(shown, value)) or "[]"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    from rlgen.runtime import import_tensorflow_quietly

    import_tensorflow_quietly()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(page.relative_to(ROOT))
