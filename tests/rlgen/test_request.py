"""What `rlgen.train` is asked for: checked before anything is made, in names that a run can keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen import brought, registry
from rlgen.errors import UserError
from rlgen.request import Request, configured
from rlgen.run import Run


def test_nothing_is_asked_for(walk: Any) -> None:
    request = Request()
    assert (request.steps, request.seed, request.run, request.resume, request.trust) == (None, None, None, False, False)
    assert request.fields() == ({}, {})
    assert request.problem("walk", walk.Walk) is None
    assert configured("walk", walk.Walk, request)[:2] == ("plain", "plain")


def test_values_get_their_types() -> None:
    request = Request(steps="1e3", seed="7", run="here", start="./there/")
    assert (request.steps, request.seed, request.run, request.start) == (1000, 7, Path("here"), Path("there"))
    run = Run(Path("other"))
    assert Request(start=run).start is run


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"steps": 0}, "steps=0: train for at least one step"),
        ({"steps": -3}, "at least one step"),
        ({"steps": 10**30}, "steps="),
        ({"steps": 1.5}, "steps=1.5 is not a whole number"),
        ({"seed": "x"}, "seed='x'"),
        ({"run": ""}, "--run is empty"),
        ({"run": 5}, "--run=5 is no path"),
        ({"start": "a\0b"}, "--from=.* has a NUL"),
        ({"preset": " "}, "preset=' ' is no name"),
        ({"engine": 3}, "engine=3 is no name"),
        ({"config": "rate=1"}, "config='rate=1' is no dictionary of fields: config={'learning_rate': 1e-3}"),
        ({"config": {1: 2}}, "is no dictionary of fields"),
        ({"env_config": [1]}, r"env_config=\[1\] is no dictionary"),
        ({"wrappers": "frame_stack:4"}, "is no list: wrappers="),
        ({"wrappers": 4}, "wrappers=4 is no list"),
        ({"trust": True}, "--trust is for a run that is there"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Request(**asked)


def test_trust_has_something_to_trust() -> None:
    for more in ({"run": "a"}, {"start": "a"}, {"resume": True}, {"resume": "auto"}):
        assert Request(trust=True, **more).trust


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"env": "CartPole-v1", "data": "plain"}, "give --env or --data, not both"),
        ({"env": "CartPole-v1"}, "'walk' learns from a data set: give --data ID"),
        ({"data": " "}, "--data is empty. Leave it out for 'plain'"),
        ({"env_config": {"x": 1}}, "env_config and wrappers are for environments"),
        ({"wrappers": ["frame_stack:4"]}, "env_config and wrappers are for environments"),
    ],
    ids=str,
)
def test_problems_that_are_none_of_this_algorithm(walk: Any, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Request(**asked).problem("walk", walk.Walk)


def test_the_trainers_fields_are_those_with_its_prefix() -> None:
    request = Request(config={"rate": 1, "trainer.keep_checkpoints": 2, "trainers": 3}, network="mlp:8")
    assert request.fields() == ({"rate": 1, "trainers": 3, "network": "mlp:8"}, {"keep_checkpoints": 2})
    with pytest.raises(UserError, match="'network' is given twice"):
        Request(config={"network": "a"}, network="b").fields()
    with pytest.raises(UserError, match="'wrappers' is given twice"):
        Request(config={"wrappers": ()}, wrappers=[]).fields()


def test_objects_become_names() -> None:
    def wrap(env: Any) -> Any:
        return env

    request = Request(wrappers=["time_limit:5", wrap], config={"network": wrap})
    own, _ = request.fields()
    assert own["wrappers"][0] == "time_limit:5" and own["wrappers"][1].startswith(brought.MARK)
    assert own["network"].startswith(brought.MARK)
    assert Request(config={"wrappers": "time_limit:5"}).fields()[0]["wrappers"] == "time_limit:5", "as text"


def test_an_object_again_stands_under_the_name_that_the_run_has() -> None:
    mlp = registry.load("mlp")
    data = (np.zeros((20, 2), np.float32), np.arange(20) % 2)
    stored = Request(data=data).problem("mlp", mlp)
    assert stored is not None and stored.startswith(brought.MARK)
    assert Request(data=data).problem("mlp", mlp, stored=stored) == stored
    assert Request(data="digits").problem("mlp", mlp, stored=stored) == "digits"


def test_which_preset_and_what_is_on_top_of_it(walk: Any) -> None:
    for asked, found in (
        ({}, ("plain", "plain", 4)),
        ({"data": "hard"}, ("hard", "default", 8)),
        ({"preset": "wide"}, ("plain", "wide", 64)),
        ({"preset": "default"}, ("plain", "default", 8)),
        ({"preset": "wide", "config": {"size": "3"}}, ("plain", "wide", 3)),
    ):
        problem, preset, config, trainer = configured("walk", walk.Walk, Request(**asked))
        assert (problem, preset, config.size, trainer) == (*found, {})
    with pytest.raises(UserError, match="'wide'"):
        configured("walk", walk.Walk, Request(preset="wid"))
