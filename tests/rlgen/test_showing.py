"""Plug-ins and plans as text for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rlgen import planning, showing


def test_a_plan_says_what_is_not_the_default(walk: Any, tmp_path: Path) -> None:
    plan = planning.plan("walk", run=tmp_path / "run", steps=1500, config={"rate": 0.25, "trainer.keep_checkpoints": 9})
    text = showing.plan_text(plan)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        "problem plain",
        "steps 1,500 steps",
        "score eval/score, higher is better",
        "* rate 0.25 (0.1)",
        "* size 4 (8)",
        "* trainer.keep_checkpoints 9 (3)",
        "chunk 10",
    ):
        assert line in lines, text
    row = showing.plan_row(plan)
    assert (row["steps"], row["score"], row["config"]["rate"]) == (1500, "eval/score", 0.25)


def test_an_algorithm_says_what_it_learns_on(walk: Any) -> None:
    text = showing.plugin_text(showing.plugin_row("walk"))
    for line in ("learns on  plain", "for        100 steps", "judged by  eval/score, higher is better"):
        assert line in text.splitlines(), text
    assert "learns on" not in showing.plugin_text(showing.plugin_row("digits"))
