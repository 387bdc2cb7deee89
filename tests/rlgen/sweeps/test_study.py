"""Where a study is kept, and its samplers and pruners by name."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from rlgen.errors import UserError
from rlgen.sweeps import study as studies
from rlgen.sweeps.search import Choices, Range
from rlgen.sweeps.study import Asked

SPACE = {"rate": Range(0.25, 1.0, False, step=0.25), "size": Choices(("2", "4"))}
ASKED = Asked(
    algorithm="walk",
    request={"data": "plain", "seed": 0, "config": {"chunk": "5"}},
    search={name: str(part) for name, part in SPACE.items()},
    seeds=2,
    objective="final",
    score="eval/score",
    higher_is_better=False,
    steps=100,
    evaluate_every_steps=10,
)


@pytest.mark.parametrize("url", [None, "sqlite:///{}/kept.db"])
def test_a_study_is_found_again(tmp_path: Path, url: str | None) -> None:
    url = url and url.format(tmp_path)
    place = tmp_path / "mine"
    place.mkdir()
    made, asked = studies.open_study(place, url, ASKED)
    assert asked == ASKED and made.direction.name == "MINIMIZE"
    found, asked = studies.open_study(place, url)
    assert asked == ASKED and found.study_name == "mine"
    other = dataclasses.replace(ASKED, steps=200, search={"rate": "0.25..1.0:0.25"})
    with pytest.raises(
        UserError, match="steps: the study has 100, you asked for 200\n.*size: the study has '2|4', you"
    ):
        studies.open_study(place, url, other)


def test_there_is_no_such_study(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"no study '{tmp_path.name}'"):
        studies.open_study(tmp_path, f"sqlite:///{tmp_path}/kept.db")
    with pytest.raises(UserError, match="is no study: it has no study.json"):
        studies.read_file(tmp_path, None)
    optuna = studies.import_optuna()
    optuna.create_study(storage=studies.make_storage(tmp_path, None), study_name=tmp_path.name).ask()
    with pytest.raises(UserError, match="is none of rlgen's"):
        studies.open_study(tmp_path, None, ASKED)


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / studies.JOURNAL).write_text("{}\nnothing\n{}\n")
    with pytest.raises(UserError, match="study.log cannot be used"):
        studies.open_study(tmp_path, None)


def test_no_password_is_written_down(tmp_path: Path) -> None:
    studies.write_file(tmp_path, "postgresql://me:secret@host:5/name", ASKED)
    assert "secret" not in (tmp_path / studies.FILE).read_text()
    assert studies.read_file(tmp_path, None) == "postgresql://me@host:5/name"
    assert studies.read_file(tmp_path, "sqlite:///other.db") == "sqlite:///other.db"
    assert Asked(**json.loads((tmp_path / studies.FILE).read_text())["asked"]) == ASKED
    assert studies.without_password("sqlite:///kept.db") == "sqlite:///kept.db"
    with pytest.raises(UserError) as caught:
        studies.make_storage(tmp_path, "nosuch://me:secret@host/name")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", studies.SAMPLERS)
def test_every_sampler_proposes_within_the_space(name: str) -> None:
    optuna, proposed = studies.import_optuna(), []
    for _ in range(2):
        study = optuna.create_study(sampler=studies.make_sampler(name, SPACE, seed=3))
        trials = []
        for _ in range(8):
            trials.append(study.ask(fixed_distributions=studies.distributions(SPACE)))
            study.tell(trials[-1], 1.0)
        proposed.append([trial.params for trial in trials])
    assert proposed[0] == proposed[1], "the seed decides"
    points = {(params["rate"], params["size"]) for params in proposed[0]}
    assert points <= {(rate, size) for rate in (0.25, 0.5, 0.75, 1.0) for size in "24"}
    assert len(points) == 8 if name == "grid" else len(points) > 1


def test_ranges_become_distributions() -> None:
    space = {"a": Range(1, 64, True, log=True), "b": Range(8, 56, True, step=16), "c": Range(0.1, 1.0, False, log=True)}
    of = studies.import_optuna().distributions
    assert studies.distributions(space) == {
        "a": of.IntDistribution(1, 64, log=True),
        "b": of.IntDistribution(8, 56, step=16),
        "c": of.FloatDistribution(0.1, 1.0, log=True),
    }
    assert studies.points(space["b"]) == [8, 24, 40, 56]


@pytest.mark.parametrize("name", studies.PRUNERS)
def test_every_pruner_cuts_the_worst_short_and_none_does_not(name: str) -> None:
    optuna = studies.import_optuna()
    study = optuna.create_study(sampler=studies.make_sampler("random", SPACE, seed=0))
    study.pruner = studies.make_pruner(name, ASKED)
    cut = 0
    for value in range(30):
        trial = study.ask(fixed_distributions=studies.distributions(SPACE))
        ends = False
        for place in range(1, 21):
            trial.report(value, place)
            ends = trial.should_prune()
            if ends:
                break
        cut += ends
        study.tell(trial, None if ends else float(value), state=optuna.trial.TrialState.PRUNED if ends else None)
    assert cut == 0 if name == "none" else 5 < cut < 30


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(UserError, match=r"cmaes needs a package: pip install 'rlgen\[sweep\]'"):
        studies.make_sampler("cmaes", SPACE, seed=0)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"Sweeps are made with Optuna.*pip install 'rlgen\[sweep\]'"):
        studies.import_optuna()
