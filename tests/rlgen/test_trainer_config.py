import pytest

from rlgen.callbacks import EarlyStopping, StopAfter, StopAtTarget
from rlgen.errors import UserError
from rlgen.trainer_config import TrainerConfig


def test_what_decides_how_often() -> None:
    assert TrainerConfig().resolved(1000) == TrainerConfig(evaluate_every_steps=50, checkpoint_every_steps=50)
    assert TrainerConfig(evaluate_every_steps=7).resolved(19).checkpoint_every_steps == 1
    for field in ("evaluate_every_steps", "evaluation_episodes", "checkpoint_every_steps", "keep_checkpoints"):
        with pytest.raises(UserError, match=f"{field}=0 is out of range: it must be >= 1"):
            TrainerConfig.build({field: 0})


def test_what_ends_a_run() -> None:
    def kinds(**fields: object) -> list[type]:
        return [type(callback) for callback in TrainerConfig.build(fields).callbacks()]

    assert kinds() == []
    assert kinds(patience_evaluations=2) == [EarlyStopping]
    everything = {"stop_after_seconds": 60.0, "stop_at_score": -3.0, "patience_evaluations": 5}
    assert kinds(**everything) == [EarlyStopping, StopAtTarget, StopAfter]
    watched = {"patience_scalar": "eval/loss", "patience_higher_is_better": False}
    assert kinds(patience_evaluations=2, **watched) == [EarlyStopping]
    assert set(TrainerConfig.ENDINGS) == {*everything, *watched}
    for wrong in (
        {"patience_scalar": "eval/loss", "patience_evaluations": 2},
        watched,
        {"stop_after_seconds": 0},
        {"patience_evaluations": 0},
        {"stop_at_score": "much"},
    ):
        with pytest.raises(UserError):
            TrainerConfig.build(wrong)
