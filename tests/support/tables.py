"""The tables of the docs that are made from the code.

A table stands between `<!-- generated: fields dqn -->` and `<!-- end -->`. A test holds every one against the
code; run as a program, this writes them anew:

    .venv/bin/python tests/support/tables.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import api_tables

from rlgen.config import NOTES

if TYPE_CHECKING:
    from rlgen.registry import Plugin

ROOT = Path(__file__).parents[2]
REWRITE = "write the tables anew with `.venv/bin/python tests/support/tables.py`"
GENERATED = re.compile(r"(^<!-- generated: ([^\n]+?) -->\n)(.*?)(^<!-- end -->)", re.MULTILINE | re.DOTALL)


def renewed(source: str) -> str:
    """A page with its generated tables as the code has them now."""
    return GENERATED.sub(lambda found: f"{found[1]}{table(*found[2].split())}\n{found[4]}", source)


def table(what: str, name: str, without: str = "") -> str:
    """The table `fields NAME`, `presets NAME`, `api NAME`, `spaces actions`, `spaces observations` or `faults all`.

    NAME is an algorithm, `trainer` or the `module:Class` of a configuration; of `api` it is `module` or `module:Class`.
    `fields NAME module:Class` leaves out what that configuration has just so: its table stands elsewhere.

    Raises:
        ValueError: there is no such table.
    """
    if (what, name) == ("spaces", "actions"):
        return actions()
    if (what, name) == ("spaces", "observations"):
        return observations()
    if what == "faults":
        return faults()
    if what == "api":
        return markdown(("name", "what it is"), api_tables.rows(name))
    config = api_tables.found(name) if ":" in name else config_class(name)
    prefix = "trainer." if name == "trainer" else ""
    if what == "fields":
        known = api_tables.found(without).describe() if without else []
        rows = [
            (f"`{prefix}{row['name']}`", shown(row["default"]), kind(row), row["doc"].rstrip("."))
            for row in config.describe()
            if row not in known
        ]
        return markdown(("field", "default", "values", "meaning"), rows)
    if what == "presets":
        defaults = ("`default`", "The fields' defaults.", "")
        presets = ((f"`{key}`", fields.get("about", ""), changed(fields)) for key, fields in config.presets.items())
        return markdown(("preset", "what it is", "what it changes"), [defaults, *presets])
    raise ValueError(f"there is no table '{what}': fields, presets, api or spaces")


def faults() -> str:
    """What letting runs fail in every way has found."""
    import fault_figures

    rows = []
    for file in sorted(fault_figures.DIRECTORY.glob("*.json")):
        row = json.loads(file.read_text())
        what = row.pop("what")
        rows.append((what, "; ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in row.items())))
    return markdown(("what happens", "what came of it"), rows)


def actions() -> str:
    """Which agent serves which action spaces, found out by trying every agent in every one."""
    import any_spaces

    columns, others = list(any_spaces.ACTIONS)[:5], list(any_spaces.ACTIONS)[5:]
    rows = []
    for plugin in made_of_nothing_else():
        served = [name for name, space in any_spaces.ACTIONS.items() if serves(plugin, any_spaces.BOX, space)]
        rest = ", ".join(name for name in others if name in served) or "no"
        rows.append((f"`{plugin.name}`", *("yes" if name in served else "no" for name in columns), rest))
    return markdown(("agent", *columns, ", ".join(others)), rows)


def observations() -> str:
    """Which agents serve which observation spaces, found out likewise, and how many numbers they see."""
    import any_spaces

    from rlgen.envs.gymnasium import spec_of

    rows, agents = [], made_of_nothing_else()
    for name, space in any_spaces.OBSERVATIONS.items():
        # In an action space that the agent serves: a refusal is then the observation's.
        kinds = {p.name: next(s for s in any_spaces.ACTIONS.values() if isinstance(s, p.load().serves)) for p in agents}
        able = [plugin.name for plugin in agents if serves(plugin, space, kinds[plugin.name])]
        names = "all" if len(able) == len(agents) else ", ".join(f"`{agent}`" for agent in able) or "none"
        rows.append((name, f"`{space}`", names, seen(spec_of(space)) if able else ""))
    return markdown(("observations", "for example", "agents", "what an agent sees"), rows)


def seen(spec: Any) -> str:
    """`3 numbers`, or the shape of a picture."""
    return f"a picture, {spec}" if spec.picture else f"{spec.size} numbers"


def serves(plugin: Plugin, observations: Any, actions: Any) -> bool:
    """Whether an agent can be made for an environment with these spaces; made, it has to play it too."""
    import any_spaces

    from rlgen.errors import UserError

    cls = plugin.load()
    with any_spaces.registered("Example-v0", observations, actions) as problem:
        try:
            agent = cls(problem=problem, config=cls.Config(), seed=0)
        except UserError:
            return False
        agent.evaluate(episodes=1, seed=0, split="test")
    return True


def made_of_nothing_else() -> list[Plugin]:
    """The agents that can be made of an environment alone: not those that somebody else has built."""
    return [plugin for plugin in built_in("agent") if not plugin.name.startswith("tf_agents/adopted")]


def built_in(*kinds: str) -> list[Plugin]:
    """rlgen's own plug-ins of these kinds: the docs are about them, whatever else is installed."""
    from rlgen import registry

    return [plugin for plugin in registry.available() if plugin.kind in kinds and plugin.source.startswith("rlgen ")]


def config_class(name: str) -> Any:
    from rlgen import registry
    from rlgen.trainer_config import TrainerConfig

    return TrainerConfig if name == "trainer" else registry.load(name, registry.ALGORITHM_KINDS).Config


def changed(fields: dict[str, Any]) -> str:
    return ", ".join(f"`{key}={shown(value)}`" for key, value in fields.items() if key not in NOTES)


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
    from rlgen.runtime import import_tensorflow

    import_tensorflow()
    for page in sorted((ROOT / "docs").rglob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(page.relative_to(ROOT))
