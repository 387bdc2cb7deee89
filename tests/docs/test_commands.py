"""That the commands and the Python of the docs work as they stand, or as a marker in the page cuts them down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest

ROOT = Path(__file__).parents[2]
# docs/extending.md needs the package it builds: test_extending.py runs it.
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {ROOT / "docs" / "extending.md"})
RUNNING = [page for page in PAGES if any(block.runs for block in pages.blocks(page))]


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A process whose children run pages."""
    program = [sys.executable, pages.__file__, "--serve"]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.communicate()


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, readers: subprocess.Popen[str], in_empty_directory: Path, tmp_path: Path) -> None:
    """All of a page in one process, in an empty directory."""
    assert readers.stdin and readers.stdout
    written = tmp_path / "written"
    readers.stdin.write(json.dumps([str(page), str(in_empty_directory), str(written)]) + "\n")
    readers.stdin.flush()
    code = readers.stdout.readline().strip()
    print(written.read_text()[-6000:])
    assert code == "0"


def test_every_page_can_be_read() -> None:
    for page in PAGES:
        for block in pages.blocks(page):
            if not (block.marker or "").startswith("skip"):
                block.cheap()


def page(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "page.md"
    file.write_text(text)
    return file


def test_what_counts_as_a_command(tmp_path: Path) -> None:
    text = "```sh\n# first\nrlgen train a \\\n  --steps 5\nls\n```\n\n```console\n$ bin/rlgen list\nagent dqn\n```\n"
    text += '\n```sh\nmake test\n```\n\n```python title="a.py"\nx = 1\n```\n\n```json\n{}\n```\n'
    first, second, *others = pages.blocks(page(tmp_path, text))
    assert first.runs and pages.commands(first.text) == [["rlgen", "train", "a", "--steps", "5"], ["ls"]]
    assert second.runs and pages.commands(second.text) == [["bin/rlgen", "list"]]
    assert [block.runs for block in others] == [False, False, False]
    assert [block.line for block in (first, second)] == [1, 8]


def test_markers(tmp_path: Path) -> None:
    block = "```sh\nrlgen train a --steps 5000\n```\n"
    (cut,) = pages.blocks(page(tmp_path, f"<!-- test: --steps 5000 -> --steps 5; train a -> train b -->\n{block}"))
    assert cut.cheap() == "rlgen train b --steps 5\n"
    (set_,) = pages.blocks(page(tmp_path, f"<!-- test: --steps 20; train a -> train b -->\n{block}"))
    assert set_.cheap() == "rlgen train b --steps 20\n"
    (python,) = pages.blocks(page(tmp_path, "<!-- test: steps=20 -->\n```python\nf(steps=50_000, my_steps=3)\n```\n"))
    assert python.cheap() == "f(steps=20, my_steps=3)\n"
    (skipped,) = pages.blocks(page(tmp_path, f"<!-- test: skip, because it is slow -->\n\n{block}"))
    assert not skipped.runs
    for stale in ("--steps 7 -> --steps 5", "--seed 5", "seed=5", "7"):
        (other,) = pages.blocks(page(tmp_path, f"<!-- test: {stale} -->\n{block}"))
        with pytest.raises(ValueError, match=f"page.md, line 2.*'{stale}'"):
            other.cheap()
    for wrong, words in ((f"<!-- test: skip -->\n{block}", "say why"), ("<!-- test: a -> b -->\ntext", "right before")):
        with pytest.raises(ValueError, match=words):
            list(pages.blocks(page(tmp_path, wrong)))


@pytest.mark.parametrize("block", ["```sh\nrlgen train nobody\n```\n", "```python\nassert 1 == 2\n```\n"])
def test_a_page_that_does_not_work_fails(tmp_path: Path, block: str) -> None:
    with pytest.raises(AssertionError):
        pages.run_page(page(tmp_path, block))
