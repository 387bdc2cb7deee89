"""A result that is lost is made again, and is the same but for times."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcomes import outcome
from run_damage import Killed, train
from strangers import rewrite

from rlgen import checkpoint
from rlgen.errors import UserError
from rlgen.run import Run

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    """What a run comes to that nobody disturbs."""
    return outcome(train(tmp_path / "whole"))


def test_a_result_says_what_the_run_was(tmp_path: Path) -> None:
    run = train(tmp_path / "run", seed=3, data="hard")
    row = json.loads((run.path / "result.json").read_text())
    assert row.pop("seal") and row == run.result
    about = {"run": str(run.path), "algorithm": "walk", "problem": "hard", "engine": "compiled", "seed": 3}
    figures = {"steps": 40, "stopped": None, "step_unit": "steps", "score": "eval/score", "episodes": 2}
    assert about.items() | figures.items() <= {key: row[key] for key in (*about, *figures)}.items()
    assert row["best_step"] == checkpoint.listed(run.best)[-1].step
    assert sorted(path.name for path in (run.path / "media").iterdir()) == ["eval_picture.png", "learning_curve.png"]


def test_the_figures_are_those_of_the_best_checkpoint(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    weights = checkpoint.listed(run.best)[-1].load()["weights"]
    assert run.evaluation["eval/score"] == float(-np.square(weights).sum())


def test_without_a_best_checkpoint_there_is_nothing_to_report(tmp_path: Path) -> None:
    """All that knew of it are gone: nothing is made up."""
    run = train(tmp_path / "run", config={"trainer.evaluate_every_steps": 40, "trainer.checkpoint_every_steps": 10})
    (run.path / "result.json").unlink()
    for kept in checkpoint.listed(run.checkpoints):
        rewrite(kept.path / "checkpoint.json", best=None)
    with pytest.raises(UserError, match="holds no best checkpoint to report. Train for more steps"):
        train(run.path, resume=True, steps=None, config=None)
    assert Run.open(run.path).result == {}


def lose_result(run: Run) -> None:
    (run.path / "result.json").unlink()


def cut_result(run: Run) -> None:
    (run.path / "result.json").write_text('{"steps"')


def change_result(run: Run) -> None:
    file = run.path / "result.json"
    file.write_text(file.read_text().replace('"steps": 40', '"steps": 41'))


def results_of_other_types(**values: Any) -> Callable[[Run], None]:
    return lambda run: rewrite(run.path / "result.json", **values)


RESULTS: dict[str, Callable[[Run], None]] = {
    "lost": lose_result,
    "cut": cut_result,
    "changed": change_result,
    "steps": results_of_other_types(steps="40"),
    "evaluation": results_of_other_types(evaluation=[1]),
    "figures": results_of_other_types(evaluation={"eval/score": "good"}),
    "score": results_of_other_types(score=None),
}


@pytest.mark.parametrize("damage", RESULTS.values(), ids=RESULTS.keys())
def test_a_result_that_is_damaged_is_made_again(
    tmp_path: Path, whole: dict[str, Any], damage: Callable[[Run], None], rlgen_command: Any
) -> None:
    run = Run.open(tmp_path / "whole")
    damage(run)
    done = rlgen_command("train", "walk", "--run", run.path, "--resume", "--json")
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
    assert "what was to follow is made now" in done.err
    assert outcome(Run.open(run.path)) == whole
    assert Run.open(run.path).result["steps_per_second"] is None, "nothing was trained"


def test_killed_between_the_last_checkpoint_and_the_result(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise Killed

    for where in ("rlgen.finish.Evaluator.evaluate", "rlgen.finish.save_images", "rlgen.run.Run.write_result"):
        path = tmp_path / where
        with monkeypatch.context() as patch:
            if where.endswith("evaluate"):
                patch.setattr("rlgen.trainer.finish", lambda *_, **__: die())
            else:
                patch.setattr(where, die)
            with pytest.raises(Killed):
                train(path)
        assert Run.open(path).steps == 40 and Run.open(path).result == {}
        assert outcome(train(path)) == whole


def test_figures_that_are_no_numbers_are_not_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, walk: Any, rlgen_command: Any
) -> None:
    """Nor written where JSON has no word for them; when they are numbers again the run is completed."""
    evaluate = walk.Walk.evaluate

    def odd(self: Any, *, split: str, **asked: Any) -> Any:
        found = evaluate(self, split=split, **asked)
        if split == "test":
            found.scalars["eval/draw"] = float("inf")
        return found

    run = train(tmp_path / "run", kill_at=25)
    with monkeypatch.context() as patch:
        patch.setattr(walk.Walk, "evaluate", odd)
        for arguments in (("train", "walk", "--run", run.path, "--resume", "--json"), ("evaluate", run.path, "--json")):
            done = rlgen_command(*arguments)
            assert (done.code, done.out) == (1, ""), done
            assert "An evaluation found that 'eval/draw' is inf" in done.err
    assert Run.open(run.path).result == {} and run.steps == 40
    assert train(run.path).result["steps"] == 40
