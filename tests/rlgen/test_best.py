"""The best checkpoint: chosen, kept while a checkpoint may need it, found again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen import checkpoint, state
from rlgen.algorithm import Evaluation
from rlgen.best import Best, known_in
from rlgen.errors import UserError
from rlgen.lines import Lines
from rlgen.run import Run, RunConfig


class Kept:
    """A best one of a run whose weights are the step, which is also saved as a checkpoint."""

    def __init__(self, walk: Any, place: Path) -> None:
        self.algorithm = walk.Walk(problem="plain", config=walk.WalkConfig(size=2), seed=0)
        self.run = Run.create(place, RunConfig("walk", "plain", "compiled", 0, "default", {}, {}))
        self.run.make_ready()
        self.heard: list[str] = []
        self.best = self.again()

    def again(self) -> Best:
        """As another process would make it."""
        return Best(self.run, self.algorithm, self.heard.append)

    def evaluated(self, step: int, score: float, *, save: bool = True) -> None:
        self.algorithm.weights[:] = step
        self.best.offer(step, Evaluation({"eval/score": score}, 1), lambda: state.read({"weights": self.weights}))
        file = Lines(self.run.path / "evaluations.jsonl")
        file.add({"step": step, "eval/score": score})
        file.close()
        if save:
            arrays = state.read(self.algorithm.state())
            checkpoint.save(self.run.checkpoints, step=step, arrays=arrays, about={"best": self.best.known})

    @property
    def weights(self) -> Any:
        return self.algorithm.weights

    @property
    def steps(self) -> list[int]:
        return [each.step for each in checkpoint.listed(self.run.best)]

    def lose(self, step: int) -> None:
        shutil.rmtree(self.run.best / checkpoint.name_of(step))


@pytest.fixture
def kept(walk: Any, tmp_path: Path) -> Kept:
    return Kept(walk, tmp_path / "run")


def test_the_highest_is_kept_of_equals_the_latest(kept: Kept) -> None:
    for step, score in enumerate((1.0, 3.0, 2.0, 3.0, -1.0), start=1):
        kept.evaluated(step, score, save=False)
    kept.best.sweep()
    assert kept.best.known == {"step": 4, "score": 3.0} and kept.steps == [4]
    step, arrays = kept.best.load()
    assert step == 4 and arrays["weights"].tolist() == [4, 4]
    assert checkpoint.listed(kept.run.best)[0].manifest()["score"] == 3.0


def test_the_lowest_where_that_is_better(kept: Kept) -> None:
    kept.algorithm.higher_is_better = False
    for step, score in enumerate((1.0, 3.0, -2.0, 0.0), start=1):
        kept.evaluated(step, score, save=False)
    assert kept.best.known == {"step": 3, "score": -2.0}


def test_weights_are_read_for_the_best_one_alone(kept: Kept) -> None:
    """Reading them may cost more than the evaluation did."""
    kept.evaluated(1, 5.0)

    def unwanted() -> Any:
        raise AssertionError("nobody needs these")

    kept.best.offer(2, Evaluation({"eval/score": 4.0}, 1), unwanted)


def test_those_are_kept_that_a_checkpoint_calls_the_best(kept: Kept) -> None:
    for step, score in enumerate((1.0, 2.0, 3.0, 0.0, 4.0), start=1):
        kept.evaluated(step, score)
    kept.best.sweep()
    assert kept.steps == [1, 2, 3, 5]
    checkpoint.keep_last(kept.run.checkpoints, 2)
    kept.best.sweep()
    assert kept.steps == [3, 5]


@pytest.mark.parametrize(("step", "left"), [(5, {"step": 5, "score": 4.0}), (4, {"step": 3, "score": 3.0})])
def test_it_is_what_it_was_at_a_checkpoint(kept: Kept, step: int, left: dict[str, Any]) -> None:
    for at, score in enumerate((1.0, 2.0, 3.0, 0.0, 4.0), start=1):
        kept.evaluated(at, score)
    checkpoint.drop_after(kept.run.checkpoints, step)
    again = kept.again()
    again.take_back(step, known_in(checkpoint.listed(kept.run.checkpoints)[-1].manifest()))
    assert again.known == left and kept.steps[-1] == left["step"] and kept.heard == []
    again.take_back(0, None)
    assert again.known is None


def test_a_lost_one_is_made_again_of_a_whole_checkpoint(kept: Kept) -> None:
    for step, score in enumerate((1.0, 3.0, 2.0), start=1):
        kept.evaluated(step, score)
    kept.lose(2)
    assert kept.best.load()[0] == 2 and kept.best.load()[1].keys() == {"weights"}
    (text,) = kept.heard
    assert "of step 2 with eval/score 3, is lost" in text and "made again from" in text


def test_else_the_best_one_that_is_left(kept: Kept) -> None:
    for step, score in enumerate((1.0, 3.0, 2.0, 0.0), start=1):
        kept.evaluated(step, score)
    kept.lose(2)
    (kept.run.checkpoints / checkpoint.name_of(2) / "state.npz").write_bytes(b"")
    step, arrays = kept.best.load()
    assert step == 3 and arrays["weights"].tolist() == [3, 3] and kept.best.known == {"step": 3, "score": 2.0}
    assert "The best one that is left takes its place" in kept.heard[0] and kept.steps == [3]


def test_else_none(kept: Kept) -> None:
    kept.evaluated(1, 3.0, save=False)
    kept.lose(1)
    with pytest.raises(UserError, match="holds no best checkpoint to report"):
        kept.best.load()
    assert "The next evaluation is the best one from here on" in kept.heard[0]
    kept.evaluated(2, -9.0)
    assert kept.best.load()[0] == 2


def test_rows_that_are_damaged_are_in_nobodys_way(kept: Kept) -> None:
    kept.evaluated(1, 1.0)
    kept.evaluated(2, 3.0)
    with (kept.run.path / "evaluations.jsonl").open("a") as file:
        file.write('{"step": 1, "eval/score": "9"}\n{"step": "2"}\n[\n')
    kept.lose(2)
    assert kept.best.load()[0] == 2


@pytest.mark.parametrize(
    "known",
    [5, [1], "x", {}, {"step": 1}, {"step": "1", "score": 1.0}, {"step": True, "score": 1.0}, {"step": 1, "score": 1}],
    ids=str,
)
def test_what_is_no_step_and_score(kept: Kept, known: Any) -> None:
    with pytest.raises(UserError, match="says of the best one .*no step and score"):
        known_in({"best": known})
    assert known_in({}) is None and known_in({"best": None}) is None
    checkpoint.save(kept.run.checkpoints, step=1, arrays={"w": np.zeros(1)}, about={"best": known})
    with pytest.raises(UserError, match="no step and score"):
        kept.best.sweep()
