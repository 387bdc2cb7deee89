"""The algorithm of a run, made again: to go on with it, or to use what it has learned."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strangers import write_config

from rlgen import runtime
from rlgen.building import built, changes, checked, consented, for_use, judged_by
from rlgen.errors import UnknownName, UserError
from rlgen.run import Run, RunConfig

CONFIG = RunConfig("walk", "hard", "compiled", 3, "default", {"size": 5, "rate": 0.25}, {})
ARRAYS = {"weights": np.arange(5, dtype=np.float32)}


def test_it_is_what_it_was(walk: Any) -> None:
    algorithm = built(CONFIG)
    assert isinstance(algorithm, walk.Walk)
    assert (algorithm.problem, algorithm.seed, algorithm.config) == ("hard", 3, walk.WalkConfig(size=5, rate=0.25))
    assert algorithm.weights.tolist() == [1] * 5


def test_what_was_left_to_the_machine_is_as_it_chose_when_the_run_began(walk: Any) -> None:
    config = dataclasses.replace(CONFIG, about={"chosen": {"rate": 0.5}})
    assert built(config).config == walk.WalkConfig(size=5, rate=0.5)
    assert for_use(config, ARRAYS).config == walk.WalkConfig(size=5, rate=0.5)
    assert built(dataclasses.replace(CONFIG, about={"chosen": "nothing that could be"})).config.rate == 0.25
    with pytest.raises(UserError, match="no field 'length'"):
        built(dataclasses.replace(CONFIG, about={"chosen": {"length": 3}}))


def test_it_is_used_with_what_it_has_learned(walk: Any) -> None:
    algorithm = for_use(CONFIG, {**ARRAYS, "steps": np.array("nobody wants this")})
    assert algorithm.weights.tolist() == [0, 1, 2, 3, 4] and algorithm.steps == 0


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "no 'weights'"),
        ({"weights": np.zeros(4, np.float32)}, r"has the shape \(5,\)"),
        ({"weights": np.zeros(5)}, "is float32 but"),
        ({"weights": np.full(5, np.nan, np.float32)}, "are not finite"),
    ],
    ids=["none", "shape", "type", "nan"],
)
def test_weights_of_something_else(walk: Any, arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        for_use(CONFIG, arrays)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"config": {"size": 0}}, "size=0"),
        ({"config": {"length": 3}}, "no field 'length'"),
        ({"config": {"size": "many"}}, "size='many'"),
        ({"problem": "nowhere"}, "no data set 'nowhere'"),
    ],
    ids=str,
)
def test_what_this_rlgen_cannot_build(walk: Any, values: dict[str, Any], words: str) -> None:
    config = dataclasses.replace(CONFIG, **values)
    for attempt in (lambda: built(config), lambda: for_use(config, ARRAYS)):
        with pytest.raises(UserError, match=words):
            attempt()


def test_a_plugin_that_is_gone_is_named_and_how_it_comes_back(clean_registry: None) -> None:
    for attempt in (built, lambda config: for_use(config, ARRAYS)):
        with pytest.raises(UnknownName, match="no algorithm 'goner'.*install its package, or import the module"):
            attempt(dataclasses.replace(CONFIG, algorithm="goner"))


def test_a_problem_that_has_changed_is_said(walk: Any) -> None:
    algorithm = built(CONFIG)
    assert changes(CONFIG, algorithm) == ()
    assert changes(dataclasses.replace(CONFIG, facts=dict(algorithm.facts())), algorithm) == ()
    (said,) = changes(dataclasses.replace(CONFIG, facts={"classes": 3}), algorithm)
    assert "'hard' has changed since the run began" in said


def test_what_would_not_fit_is_not_trained(walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    algorithm = built(CONFIG)
    checked(algorithm)
    asked: list[Any] = []
    monkeypatch.setattr(runtime, "require_memory", lambda parts, advice: asked.append((parts, advice)))
    checked(algorithm)
    assert asked == [({"ballast": 0}, algorithm.memory_advice)]
    monkeypatch.setattr(algorithm, "check_problem", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checked(algorithm)


def test_whose_names_are_consented_to(walk: Any, tmp_path: Path) -> None:
    mine = Run.create(tmp_path / "mine", CONFIG)
    write_config(tmp_path / "theirs")
    theirs = Run.open(tmp_path / "theirs")
    assert consented(mine).everything
    assert not consented(theirs).everything and consented(theirs, trust=True).everything
    assert consented(theirs, repeated=["a:B"]).names == {"a:B"}
    assert consented(theirs).whose == f"The run {theirs.path}"


def test_another_judgement_changes_nothing_of_what_was_learned(walk: Any) -> None:
    gan = RunConfig("gan", "ring", "compiled", 0, "default", {"batch_size": 32}, {})
    assert judged_by(gan, {}) is gan
    judged = judged_by(gan, {"evaluation_samples": "300", "metrics": "fid,kid"}).config
    assert (judged["batch_size"], judged["evaluation_samples"], list(judged["metrics"])) == (32, 300, ["fid", "kid"])
    with pytest.raises(UserError, match=r"'batch_size' cannot be set for an evaluation.*gan that can: evaluation_sam"):
        judged_by(gan, {"batch_size": 64})
    with pytest.raises(UserError, match="evaluation_samples=3 is out of range"):
        judged_by(gan, {"evaluation_samples": 3})
    with pytest.raises(UserError, match="'rate' cannot be set for an evaluation: the run has what it learned with"):
        judged_by(CONFIG, {"rate": 0.5})
