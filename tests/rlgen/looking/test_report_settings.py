from typing import Any

from rlgen.looking.report_settings import about, settings
from rlgen.run import RunConfig
from rlgen.trainer_config import TrainerConfig


def config(**how: Any) -> RunConfig:
    fields: dict[str, Any] = {"algorithm": "walk", "problem": "plain", "engine": "compiled", "seed": 0}
    return RunConfig(**{**fields, "preset": "default", "config": {}, "trainer": {}, "steps": 100, **how})


def test_what_differs_from_the_default(walk: Any) -> None:
    trainer = TrainerConfig(evaluation_episodes=5).resolved(100).to_dict()
    found = {each.name: each for each in settings(config(config={"size": 4, "rate": 0.1}, trainer=trainer), walk.Walk)}
    assert (found["size"].value, found["size"].default, found["size"].differs) == ("4", "8", True)
    assert (found["rate"].value, found["rate"].default, found["rate"].differs) == ("0.1", "", False)
    assert found["size"].meaning == "How many weights."
    # What follows from the length of the run is nobody's choice.
    assert [name for name, each in found.items() if each.differs] == ["size", "trainer.evaluation_episodes"]
    assert found["trainer.evaluate_every_steps"].value == "5"


def test_without_its_algorithm_no_defaults_are_known() -> None:
    (size, gone) = settings(config(config={"size": 4}, trainer={"gone": None}), None)
    assert (size.name, size.value, size.differs, size.meaning) == ("size", "4", False, "")
    assert (gone.name, gone.value, gone.differs) == ("trainer.gone", "none", False)


def test_how_it_was_made() -> None:
    made = {
        "created": "x",
        "command": "rlgen train",
        "git_revision": None,
        "versions": {"python": "3", "platform": "L"},
    }
    assert about(config(about=made)) == (("Command", "rlgen train"), ("Versions", "python 3"), ("Platform", "L"))
    assert made["versions"] == {"python": "3", "platform": "L"}
    assert about(config(about={"versions": 3, "own": ["a"]})) == (("own", "a"),)
