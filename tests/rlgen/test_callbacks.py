"""The callbacks that end a run early: when, why, across a resume, and from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from walk_runs import EVERY_TEN, train

import rlgen
from rlgen import Callback, EarlyStopping, Moment, Reply, StopAfter, StopAtTarget, checkpoint
from rlgen.algorithm import Evaluation
from rlgen.callbacks import evaluations_without_improvement
from rlgen.errors import Interrupted, UserError


@pytest.fixture
def scores(walk: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], None]:
    """Let the evaluations at steps 10, 20, ... find these scores, on either split; the last one from there on."""

    def script(values: Sequence[float]) -> None:
        def evaluate(self: Any, *, episodes: int, seed: int, split: str) -> Evaluation:
            value = float(values[min(int(self.steps) // 10, len(values)) - 1])
            return Evaluation({"eval/score": value, "eval/cost": -value}, episodes)

        monkeypatch.setattr(walk.Walk, "evaluate", evaluate)

    return script


# ---- ending a run -----------------------------------------------------------------------------------------


def test_a_stop_ends_as_the_last_step_does(walk: Any, tmp_path: Path) -> None:
    class At30(Callback):
        def chunk(self, moment: Moment) -> Reply | None:
            return Reply(stop="thirty is enough") if moment.step >= 30 else None

    every = {"trainer.evaluate_every_steps": 80, "trainer.checkpoint_every_steps": 80}
    run = train(tmp_path / "run", At30(), **every)
    assert (run.steps, run.result["steps"], run.result["stopped"]) == (30, 30, "thirty is enough")
    assert [row["step"] for row in run.evaluations()] == [30]
    assert run.result["best_step"] == 30
    # More steps than it has: it goes on.
    again = train(run.path, steps=100, resume=True)
    assert (again.result["steps"], again.result["stopped"]) == (100, None)


def test_the_first_reason_counts_and_a_full_run_was_not_stopped(walk: Any, tmp_path: Path) -> None:
    class Two(Callback):
        def chunk(self, moment: Moment) -> Reply:
            return Reply(stop=f"at {moment.step}")

        def evaluation(self, moment: Moment) -> Reply:
            return Reply(stop="the evaluation")

    assert train(tmp_path / "a", Two(), StopAtTarget(value=-1e9)).result["stopped"] == "at 10"
    assert train(tmp_path / "b", Two(), steps=10).result["stopped"] is None


def test_early_stopping_waits_as_long_as_it_should(scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 3.5, 3, 3, 3, 3])
    run = train(tmp_path / "a", EarlyStopping(patience_evaluations=3))
    assert run.steps == 80, "3.5 at step 50, and three evaluations after it"
    assert run.result["stopped"] == "no improvement of eval/score in 3 evaluations"
    assert run.result["best_step"] == 50
    assert train(tmp_path / "b", EarlyStopping(patience_evaluations=1)).steps == 30
    # From 1 to 3 is more than one; 3.5 is no improvement then.
    slow = EarlyStopping(patience_evaluations=3, min_improvement=1.0)
    assert train(tmp_path / "c", slow).steps == 50


def test_early_stopping_on_another_scalar(scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 3.5, 3])
    down = EarlyStopping(patience_evaluations=2, scalar="eval/cost", higher_is_better=False)
    run = train(tmp_path / "a", down)
    assert (run.steps, run.result["stopped"]) == (40, "no improvement of eval/cost in 2 evaluations")
    up = EarlyStopping(patience_evaluations=2, scalar="eval/cost", higher_is_better=True)
    assert train(tmp_path / "b", up).steps == 30


def test_the_direction_of_the_score_is_the_algorithms(
    scores: Any, walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores([3, 2, 1, 2, 3])
    monkeypatch.setattr(walk.Walk, "higher_is_better", False)
    assert train(tmp_path / "a", EarlyStopping(patience_evaluations=2)).steps == 50
    assert train(tmp_path / "b", StopAtTarget(value=1)).steps == 30


@pytest.mark.parametrize("stop_at", [15, 35, 40, 65])
def test_patience_is_counted_across_a_resume(scores: Any, tmp_path: Path, stop_at: int) -> None:
    scores([1, 3, 2, 3, 3.5, 3, 3, 3, 3])
    patience = {"trainer.patience_evaluations": 3}
    whole = train(tmp_path / "whole", **patience)
    with pytest.raises(Interrupted):
        train(tmp_path / "halves", signal_at=stop_at, **patience)
    halves = train(tmp_path / "halves", resume=True)
    assert (halves.steps, halves.result["stopped"]) == (whole.steps, whole.result["stopped"])
    assert halves.evaluations() == whole.evaluations()


def test_one_that_is_used_again_begins_anew(scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 2])
    patient = EarlyStopping(patience_evaluations=2)
    assert [train(tmp_path / name, patient).steps for name in ("a", "b")] == [40, 40]


def test_a_run_that_was_stopped_early_goes_on_and_counts_on(scores: Any, tmp_path: Path) -> None:
    scores([3, 2, 2, 2, 2, 2])
    run = train(tmp_path / "run", **{"trainer.patience_evaluations": 2})
    assert run.steps == 30
    assert train(run.path, resume=True).steps == 40, "still no improvement"
    # As the number of steps may, so may what ends the run be another one; the run keeps it, as it keeps its steps.
    asked = {"trainer.patience_evaluations": "none"}
    run = rlgen.train("walk", run=run.path, steps=100, resume=True, config=asked)
    assert (run.steps, run.result["stopped"]) == (100, None)
    assert run.config.trainer["patience_evaluations"] is None


def test_stop_at_target(scores: Any, tmp_path: Path) -> None:
    scores([1, 2, 5, 9])
    run = train(tmp_path / "a", StopAtTarget(value=5))
    assert (run.steps, run.result["stopped"]) == (30, "eval/score 5 reached the target 5")
    assert train(tmp_path / "b", StopAtTarget(value=4.5, scalar="eval/score", higher_is_better=True)).steps == 30
    assert train(tmp_path / "c", StopAtTarget(value=-2, scalar="eval/cost", higher_is_better=False)).steps == 20
    assert train(tmp_path / "d", StopAtTarget(value=10)).steps == 100


def test_stop_after_a_time(walk: Any, tmp_path: Path) -> None:
    def clock(ticks: Iterator[int]) -> Callable[[], float]:
        return lambda: float(next(ticks))

    # It looks once when made, once at the start, then after every chunk and every evaluation.
    run = train(tmp_path / "run", StopAfter(seconds=5, clock=clock(iter(range(100)))))
    assert (run.steps, run.result["stopped"]) == (30, "the 5 seconds it had are over")
    again = train(run.path, StopAfter(seconds=5, clock=clock(iter(range(50, 150)))), resume=True)
    assert again.steps == 60, "counted anew"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EarlyStopping(patience_evaluations=0), "patience_evaluations=0 is out of range: it must be >= 1"),
        (lambda: EarlyStopping(patience_evaluations=1, min_improvement=-1), "min_improvement=-1 is out of range"),
        (lambda: EarlyStopping(patience_evaluations=1, scalar="eval/cost"), "Is more of 'eval/cost' better, or less"),
        (lambda: StopAtTarget(value=1, higher_is_better=True), "higher_is_better=True goes with scalar="),
        (lambda: StopAtTarget(value=float("nan")), "can never be reached"),
        (lambda: StopAfter(seconds=0), "seconds=0 is out of range: it must be > 0"),
    ],
)
def test_what_they_cannot_be_told(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make()


def test_an_unknown_scalar_is_named_with_the_nearest(walk: Any, tmp_path: Path) -> None:
    wrong = EarlyStopping(patience_evaluations=1, scalar="eval/scor", higher_is_better=True)
    words = "watches 'eval/scor', which an evaluation of Walk does not report. Did you mean 'eval/score'.*eval/draw"
    with pytest.raises(UserError, match=words):
        train(tmp_path / "run", wrong)
    assert checkpoint.listed(tmp_path / "run" / "checkpoints")[-1].step == 10


def test_counting() -> None:
    assert evaluations_without_improvement([], higher_is_better=True) == 0
    assert evaluations_without_improvement([1.0], higher_is_better=True) == 0
    assert evaluations_without_improvement([1.0, 1.0], higher_is_better=True) == 1
    assert evaluations_without_improvement([2.0, 1.0, 3.0], higher_is_better=False) == 1
    assert evaluations_without_improvement([1.0, 1.4, 1.8], higher_is_better=True, min_improvement=0.5) == 0


# ---- on the command line ----------------------------------------------------------------------------------


def test_on_the_command_line(rlgen_command: Any, scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 9])
    every = [word for key, value in EVERY_TEN.items() for word in ("--set", f"{key}={value}")]
    for field, steps, why in (
        ("patience_evaluations=2", 40, "no improvement of eval/score in 2 evaluations"),
        ("stop_at_score=3", 20, "eval/score 3 reached the target 3"),
        ("stop_after_seconds=1e-6", 10, "the 1e-06 seconds it had are over"),
    ):
        run = tmp_path / field.partition("=")[0]
        done = rlgen_command("train", "walk", "--run", run, *every, "--set", f"trainer.{field}", "--json")
        assert done.code == 0, done.err
        row = json.loads(done.out)
        assert (row["steps"], row["stopped"]) == (steps, why)
        assert f"Stopped at step {steps}: {why}." in done.err
        assert rlgen.Run(run).result == row
        key, value = field.split("=")
        assert json.loads((run / "config.json").read_text())["trainer"][key] == float(value)
    shown = rlgen_command("train", "walk", "--run", tmp_path / "shown", *every, "--set", "trainer.stop_at_score=3")
    assert any(line.split(maxsplit=1)[0] == "stopped" for line in shown.out.splitlines() if line)
    whole = rlgen_command("train", "walk", "--run", tmp_path / "whole", *every)
    assert "stopped" not in whole.out
    wrong = rlgen_command("train", "walk", "--set", "trainer.patience_evaluations=0")
    assert (wrong.code, "patience_evaluations=0 is out of range" in wrong.err) == (2, True)
