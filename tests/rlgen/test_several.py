"""Several runs of one request: folds of a cross-validation; those of several seeds are in test_cli."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rlgen
from rlgen import data, reuse
from rlgen.supervised.model import SupervisedModel

Command = Callable[..., Any]
SMALL = ("--set", "hidden_units=4", "--set", "trainer.evaluate_every_steps=100")


def test_every_example_validates_once_and_as_many_train_in_each_fold() -> None:
    whole = data.load("iris")
    rows = len(whole.split("train")) + len(whole.split("validation"))
    parts = [data.load(f"iris?fold={fold}&folds=7") for fold in range(1, 8)]
    assert {len(part.split("train")) for part in parts} == {rows - -(-rows // 7)}
    seen = np.concatenate([part.split("validation").x for part in parts])
    assert len(seen) == rows
    test = whole.split("test").x
    for part in parts:
        np.testing.assert_array_equal(part.split("test").x, test)


def test_one_program_serves_all_folds_and_each_is_what_it_is_alone(
    rlgen_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reuse, "_spare", None)
    turned: list[str] = []
    turn_to = SupervisedModel.turn_to

    def noted(self: SupervisedModel, problem: str) -> bool:
        turned.append(problem)
        return turn_to(self, problem)

    monkeypatch.setattr(SupervisedModel, "turn_to", noted)
    where = tmp_path / "cv"
    asked = ("train", "mlp", "--data", "diabetes", "--steps", 20, "--folds", 3, *SMALL, "--run", where)
    done = rlgen_command(*asked)
    assert done.code == 0, done.err
    *rows, _, last = done.out.splitlines()
    assert [row.split()[:2] for row in rows] == [["fold", "1"], ["fold", "2"], ["fold", "3"]]
    assert "median     eval/mean_squared_error" in last
    assert turned == ["diabetes?fold=2&folds=3", "diabetes?fold=3&folds=3"]
    config = {"hidden_units": 4, "trainer.evaluate_every_steps": 100}
    monkeypatch.setattr(reuse, "_spare", None)
    alone = rlgen.train("mlp", data="diabetes?fold=3&folds=3", steps=20, config=config, run=tmp_path / "alone")
    folded = rlgen.Run.open(where / "f3")
    assert folded.result["evaluation"] == alone.result["evaluation"]
    one, two = (run.weights("last")[1] for run in (folded, alone))
    assert all(np.array_equal(one[name], two[name]) for name in two)
    again = rlgen_command(*asked, "--json")
    assert [row["evaluation"] for row in json.loads(again.out)][2] == folded.result["evaluation"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mlp", "--folds", 1), "range"),
        (("mlp", "--folds", 3, "--seeds", 2), "give one of them"),
        (("mlp", "--folds", 3, "--data", "digits?fold=2"), "is one fold already"),
        (("dqn", "--folds", 3), "has no folds"),
        (("mlp", "--folds", 1000, "--data", "iris"), "are more than the 120 examples"),
        (("mlp", "--folds", 3, "--dry-run"), "--folds starts runs"),
    ],
)
def test_what_cannot_be_folded_is_refused(refused: Any, arguments: tuple[Any, ...], said: str) -> None:
    refused("train", *arguments, words=(said,))
