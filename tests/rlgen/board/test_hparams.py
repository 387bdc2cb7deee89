import dataclasses

import pytest

from rlgen.board import hparams
from rlgen.run import RunConfig

CONFIG = RunConfig(
    algorithm="walk",
    problem="plain",
    engine="compiled",
    seed=3,
    preset="default",
    config={"rate": 0.5, "units": [64, 32], "none": None, "on": True, "odd": {"a": 1}},
    trainer={"film": False},
    steps=100,
)
POINTS = {10: 1.0, 20: 5.0, 30: 4.0, 40: 2.0, 50: 3.0, 60: 3.0}
ROWS = [{"step": step, "eval/a": value} for step, value in POINTS.items()]


def test_every_value_is_one_that_the_table_holds() -> None:
    found = hparams.flat(CONFIG)
    assert found["units"] == "64,32" and found["none"] == "none" and found["on"] is True and found["odd"] == "{'a': 1}"
    assert found["trainer.film"] is False and found["steps"] == 100 and found["rate"] == 0.5
    long = dataclasses.replace(CONFIG, config={"text": "x" * 10_000})
    assert hparams.flat(long)["text"] == "x" * 10_000


def test_what_a_run_came_to() -> None:
    found = hparams.final(ROWS, score="eval/a", higher_is_better=True, threshold=4.0)
    assert found == {
        "final/best": 5.0,
        "final/last": 3.0,
        "final/mean_of_last_5": pytest.approx(3.4),
        "final/steps_to_threshold": 20.0,
    }
    low = hparams.final(ROWS, score="eval/a", higher_is_better=False, threshold=2.0)
    assert low["final/best"] == 1.0 and low["final/steps_to_threshold"] == 10.0
    assert "final/steps_to_threshold" not in hparams.final(ROWS, score="eval/a", higher_is_better=True, threshold=9.0)
    assert hparams.final(ROWS, score="eval/b", higher_is_better=True, threshold=None) == {}
