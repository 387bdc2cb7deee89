"""Presets in files: what they set, what comes on top, and what is said of those that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen import planning, preset_file
from rlgen.errors import UserError


def written(fields: Any) -> str:
    Path("mine.json").write_text(fields if isinstance(fields, str) else json.dumps(fields))
    return "mine.json"


def test_a_file_sets_fields_and_what_is_said_comes_on_top(walk: Any, in_empty_directory: Path) -> None:
    preset = written({"about": "Mine.", "algorithm": "walk", "size": 3, "rate": 0.2, "trainer.evaluation_episodes": 7})
    run = rlgen.train("walk", preset=preset, steps=10, config={"rate": 0.5})
    assert run.path.name.startswith("walk-plain-mine-s0-")
    assert (run.config.preset, run.config.config["size"], run.config.config["rate"]) == ("mine.json", 3, 0.5)
    assert run.config.trainer["evaluation_episodes"] == 7
    assert rlgen.train("walk", preset=preset, steps=10, config={"rate": 0.5}, run=run.path).path == run.path
    written({"size": 4, "rate": 0.2})
    with pytest.raises(UserError, match="size: the run has 3, you asked for 4"):
        rlgen.train("walk", preset=preset, steps=10, config={"rate": 0.5}, run=run.path)
    assert rlgen.make("walk", preset=preset).config.size == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no JSON object of fields"),
        ({"siz": 3}, "With the preset mine.json: There is no field 'siz' in WalkConfig. Did you mean 'size'"),
        ({"size": 0}, "With the preset mine.json: size=0 is out of range"),
        ({"trainer.film": "perhaps"}, "film='perhaps' is not a true or false"),
        ({"algorithm": "mlp"}, "mine.json is for 'mlp', not for 'walk'"),
    ],
)
def test_what_cannot_be_is_named(walk: Any, in_empty_directory: Path, fields: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        planning.plan("walk", preset=written(fields), steps=1)


def test_a_file_that_is_not_there(refused: Any) -> None:
    assert preset_file.is_file("none.json") and not preset_file.is_file("v1.5") and not preset_file.is_file(None)
    refused("train", "walk", "--preset", "none.json", words=("The preset none.json cannot be read: No such file",))
