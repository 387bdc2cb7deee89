"""That what the docs say in tables is what the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import tables

from rlgen import registry

ROOT = tables.ROOT
DOCS = ROOT / "docs"
ALGORITHMS = DOCS / "algorithms" / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LEARNING = tables.built_in(*registry.ALGORITHM_KINDS)
SCALAR = re.compile(r"(rollout|train|eval|time|loss|prob|counters)/\w+")


def algorithm_rows() -> dict[str, list[str]]:
    """The table of the algorithms: name to the other cells."""
    rows = {}
    for line in ALGORITHMS.read_text().splitlines():
        if line.startswith("| `"):
            name, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            assert name.strip("` ") not in rows, f"{name} has two rows"
            rows[name.strip("` ")] = [cell.strip() for cell in cells]
    return rows


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_tables_are_up_to_date(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    begun = re.findall(r"^<!-- generated:", source, re.MULTILINE)
    assert len(begun) == len(tables.GENERATED.findall(source)), "a table without an end"
    assert tables.renewed(source) == source, tables.REWRITE


def test_every_algorithm_has_one_row() -> None:
    assert list(algorithm_rows()) == [plugin.name for plugin in LEARNING], "same names, same order as `rlgen list`"


@pytest.mark.parametrize("plugin", LEARNING, ids=lambda plugin: str(plugin.name))
def test_a_row_says_what_the_code_says(plugin: registry.Plugin) -> None:
    kind, serves, paper, page = algorithm_rows()[plugin.name]
    cls = plugin.load()
    assert kind == plugin.kind
    if plugin.kind == "agent":
        assert serves == f"{', '.join(f'`{space.__name__}`' for space in cls.serves)} actions"
    else:
        assert serves.startswith("data sets")
    assert re.search(r"\(\d{4}\)", paper)
    link = re.fullmatch(r"\[.+\]\((.+\.md)\)", page)
    assert link
    text = (ALGORITHMS.parent / link[1]).read_text()
    assert re.search(rf"`{plugin.name}`|rlgen train {plugin.name}\b", text), "its page names it"


def test_every_algorithm_page_shows_its_fields() -> None:
    for page in ALGORITHMS.parent.glob("*.md"):
        assert page == ALGORITHMS or "<!-- generated: fields " in page.read_text(), page.name


@pytest.mark.parametrize("kind", ["metric", "extractor"])
def test_every_metric_and_what_it_looks_at_has_a_row(kind: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "metrics.md").read_text(), flags=re.MULTILINE)
    assert {plugin.name for plugin in tables.built_in(kind)} <= set(rows)


def test_every_scalar_is_explained() -> None:
    """Every name of a scalar that stands in the source stands in the docs."""
    explained = set(re.findall(r"`([a-z_]+/\w+)`", "".join(page.read_text() for page in PAGES)))
    for place in ("rlgen", "agents", "envs"):
        for file in (ROOT / place).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and SCALAR.fullmatch(str(node.value)):
                    assert node.value in explained, f"{file.relative_to(ROOT)} logs {node.value}; say what it is"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_compiled_environments_and_their_physics() -> None:
    """The table of the section is what the code has."""
    section = (DOCS / "environments.md").read_text().split("\n## Compiled environments\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", section, flags=re.MULTILINE))
    listed = {name: re.findall(r"`(\w+)`", names) for name, names in rows.items()}
    physics = {plugin.name: list(plugin.load().physics) for plugin in tables.built_in("env")}
    assert listed == physics
