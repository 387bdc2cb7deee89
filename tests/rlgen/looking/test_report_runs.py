import dataclasses
from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen.looking.report_reading import read
from rlgen.looking.report_runs import _averaged, section

pytestmark = pytest.mark.usefixtures("undrawn")


def test_a_run_in_words(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=60, run=tmp_path / "run", config={"trainer.evaluate_every_steps": 10})
    found = section(run.path)
    assert (found.name, found.title, found.state, found.problem) == ("run", "walk on plain, seed 0", "done", "plain")
    assert found.headline is not None and found.headline.of == "eval/score, higher is better"
    assert [name for name, _, _ in found.headline.beside] == [
        "Best in training",
        "Last in training",
        "Mean of the last 5",
    ]
    facts = dict(found.facts)
    assert facts["Steps"] == "60 of 60 steps" and facts["Evaluations"] == "6" and "Begun from" not in facts
    assert (
        found.evaluation[0][0] == "eval/score" and found.row["test"] == found.headline.figure == found.evaluation[0][1]
    )
    assert found.row["best"] == found.headline.beside[0][1] == found.evaluation[0][2]


def test_a_run_that_began_from_another(tmp_path: Path) -> None:
    first = rlgen.train("walk", steps=20, run=tmp_path / "first")
    second = rlgen.train("walk", steps=20, run=tmp_path / "second", start=first.path)
    assert dict(section(second.path).facts)["Begun from"] == f"{first.path}, step 20"


@pytest.mark.parametrize(
    ("kind", "episodes", "samples", "words"),
    [
        ("agent", 20, None, "mean of 20 episodes"),
        ("agent", 1, None, "one episode"),
        ("generative", 20, 2500, "mean of 20 sets of samples of 2,500 each"),
        ("generative", 1, None, "one pass"),
        ("supervised", 1, None, "one pass over it"),
        ("", None, None, "one evaluation"),
    ],
)
def test_what_figures_are_means_of(
    tmp_path: Path, kind: str, episodes: Any, samples: int | None, words: str, walk: Any
) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run")
    known = read(run.path)
    known.config.config.update({} if samples is None else {"evaluation_samples": samples})
    assert _averaged(dataclasses.replace(known, kind=kind, result={"episodes": episodes})) == words
