"""`rlgen sweep` and `rlgen sweep show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_a_sweep_is_made_shown_and_gone_on_with(rlgen_command: Any, here: None, in_empty_directory: Path) -> None:
    asked = ("walk", "--search", "rate=0.01..1:log", "--search", "size=2|4", "--steps", 50, "--set", "chunk=5")
    done = rlgen_command("sweep", *asked, "--trials", 3, "--json")
    assert done.code == 0, done.err
    row = json.loads(done.out)
    assert row["study"] == "runs/sweep-walk-default" and len(row["trials"]) == 3
    assert row["preset"] == "runs/sweep-walk-default/best.json"
    assert "trial 2: eval/score" in done.err
    shown = rlgen_command("sweep", "show", row["study"], "--json")
    assert json.loads(shown.out) == row
    more = rlgen_command("sweep", "run", *asked, "--trials", 4)
    assert more.out.splitlines()[0].startswith("trial  state     eval/score (mean of last 5)  rate")
    assert "runs/sweep-walk-default: 4 complete" in more.out
    assert "Best:         rlgen train walk --steps 50 --preset runs/sweep-walk-default/best.json" in more.out
    trained = rlgen_command("train", "walk", "--preset", row["preset"], "--steps", 20)
    assert trained.code == 0, trained.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("wlk", "--search", "rate=0..1"), "Did you mean 'walk'"),
        (("walk",), "Missing option '--search'"),
        (("walk", "--search", "rate"), "is not field=range"),
        (("walk", "--search", "rte=0.1..1"), "Did you mean 'rate'"),
        (("walk", "--search", "rate=0.1..3"), "rate=3.0 is out of range"),
        (("walk", "--search", "rate=0.1..1", "--sampler", "tpee"), "Did you mean 'tpe'"),
        (("walk", "--search", "rate=0.1..1", "--pruner", "medium"), "Did you mean 'median'"),
        (("walk", "--search", "rate=0.1..1", "--storage", "here"), "is no URL of a database"),
        (("walk", "--search", "rate=0.1..1", "--trials", 0), "--trials"),
        (("walk", "--search", "rate=0.1..1", "--preset", "no.json"), "The preset no.json cannot be read"),
        (("show", "nowhere"), "nowhere is no study"),
        (("show",), "Missing argument 'STUDY'"),
    ],
)
def test_mistakes(refused: Any, arguments: tuple[Any, ...], words: str) -> None:
    refused("sweep", *arguments, words=(words,))


def test_what_is_needed_to_search_is_said(rlgen_command: Any) -> None:
    for arguments in (("sweep", "--help"), ("sweep",), ("sweep", "run", "--help")):
        said = rlgen_command(*arguments)
        assert "Search for better values" in said.out + said.err or "--search FIELD=RANGE" in said.out
