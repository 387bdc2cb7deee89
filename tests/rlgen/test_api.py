import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rlgen
from rlgen import planning
from rlgen.errors import CheckpointDamaged, Diverged, UnknownName, UserError


def test_the_public_names_are_there() -> None:
    for name in rlgen.__all__:
        assert getattr(rlgen, name) is not None
    assert dir(rlgen) == sorted(rlgen.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = rlgen.trian


@pytest.mark.parametrize("name", ["train", "evaluate", "load", "make", "record", "available", "Trainer", "Evaluator"])
def test_everything_after_the_name_is_keyword_only(name: str) -> None:
    parameters = list(inspect.signature(getattr(rlgen, name)).parameters.values())
    positional = [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert positional in ([], ["name"], ["run"])


def test_train_returns_its_run(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", data="hard", steps=40, seed=5, config={"size": "3"}, run=tmp_path / "run")
    assert isinstance(run, rlgen.Run)
    assert run.path == tmp_path / "run"
    assert (run.steps, run.config.seed, run.config.problem, run.config.config["size"]) == (40, 5, "hard", 3)
    result = json.loads((run.path / "result.json").read_text())
    assert result.pop("seal")
    assert result == run.result
    wanted = {"run", "algorithm", "problem", "engine", "seed", "steps", "seconds", "steps_per_second", "evaluation"}
    assert wanted <= result.keys()
    assert run.evaluation == result["evaluation"]
    assert (run.path / "media" / "learning_curve.png").stat().st_size > 1000


def test_the_default_directory(walk: Any, in_empty_directory: Path) -> None:
    run = rlgen.train("walk", steps=5)
    assert run.path.parent == Path("runs")
    assert run.path.name.startswith("walk-plain-plain-s0-")


def test_which_preset(walk: Any) -> None:
    assert rlgen.make("walk").config.size == 4, "the one named after the problem"
    assert rlgen.make("walk", data="hard").config.size == 8, "else the defaults"
    assert rlgen.make("walk", preset="default").config.size == 8
    assert rlgen.make("walk", preset="wide", config={"chunk": 2}).config.size == 64
    assert planning.plan("walk", steps=1).config.preset == "plain"
    assert planning.plan("walk", steps=1, preset="wide").config.preset == "wide"


def test_same_seed_same_bits(walk: Any, tmp_path: Path) -> None:
    runs = [rlgen.train("walk", steps=30, seed=seed, run=tmp_path / str(i)) for i, seed in enumerate((1, 1, 2))]
    first, same, other = (run.weights("last")[1]["weights"] for run in runs)
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_a_plan_writes_nothing(walk: Any, in_empty_directory: Path) -> None:
    plan = planning.plan("walk", steps=10, config={"ballast": 100, "trainer.keep_checkpoints": 1})
    assert plan.trainer.keep_checkpoints == 1
    assert plan.algorithm.memory_bytes() == {"ballast": 800}
    assert list(in_empty_directory.iterdir()) == []


def test_load_act_and_evaluate(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=60, run=tmp_path / "run", config={"trainer.keep_checkpoints": 3})
    best, last = rlgen.load(run), rlgen.load(str(run.path), checkpoint="last")
    np.testing.assert_array_equal(best.weights, run.weights("best")[1]["weights"])
    np.testing.assert_array_equal(last.weights, run.weights("last")[1]["weights"])
    np.testing.assert_array_equal(best.act(np.full(4, 2.0)), 2 * best.weights)
    evaluation = rlgen.evaluate(run, episodes=7, seed=3)
    assert isinstance(evaluation, rlgen.Evaluation)
    assert evaluation.episodes == 7
    assert evaluation.scalars["eval/score"] == run.evaluation["eval/score"]
    assert rlgen.evaluate(run, checkpoint=57, episodes=2).scalars["eval/score"] != evaluation.scalars["eval/score"]
    with pytest.raises(UserError, match="at least one episode"):
        rlgen.evaluate(run, episodes=0)
    with pytest.raises(UserError, match="does not exist"):
        rlgen.load(tmp_path / "nowhere")


def test_loading_a_damaged_checkpoint(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=60, run=tmp_path / "run")
    (run.checkpoints / "step-000000000060" / "state.npz").write_bytes(b"")
    with pytest.raises(CheckpointDamaged):
        rlgen.load(run, checkpoint=60)
    assert rlgen.load(run, checkpoint="last").weights.shape == (4,)


def test_resume(walk: Any, tmp_path: Path) -> None:
    whole = rlgen.train("walk", steps=80, run=tmp_path / "whole")
    halves = rlgen.train("walk", steps=40, run=tmp_path / "halves")
    halves = rlgen.train("walk", steps=80, run=halves.path, resume=True)
    for name, array in whole.weights("last")[1].items():
        np.testing.assert_array_equal(array, halves.weights("last")[1][name])
    assert halves.result["steps"] == 80


def test_a_run_whose_last_checkpoint_is_damaged_may_be_finished_again(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=40, run=tmp_path / "run")
    before = run.weights("last")[1]["weights"]
    (run.checkpoints / "step-000000000040" / "checkpoint.json").unlink()
    run = rlgen.train("walk", steps=40, run=run.path, resume=True)
    assert run.steps == 40
    np.testing.assert_array_equal(run.weights("40")[1]["weights"], before)


def test_make_is_for_a_loop_of_ones_own(walk: Any) -> None:
    algorithm = rlgen.make("walk", seed=3, config={"size": 2})
    assert algorithm.train(10)["work/updates"] == 10
    assert rlgen.Evaluator(episodes=2, seed=0).evaluate(algorithm).episodes == 2
    with pytest.raises(UnknownName, match="Did you mean 'walk'"):
        rlgen.make("wlak")


def test_available(walk: Any) -> None:
    rows = rlgen.available(kind="supervised")
    assert {"name": "walk", "kind": "supervised", "source": "code in walk", "summary": rows[-1]["summary"]} == rows[-1]
    assert {row["kind"] for row in rlgen.available()} >= {"agent", "supervised", "env", "dataset"}


def test_record(walk: Any, tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=5, run=tmp_path / "run")
    assert rlgen.record(run, out=tmp_path / "film.gif") == tmp_path / "film.gif"
    assert (tmp_path / "film.gif").read_bytes().startswith(b"GIF")


def test_progress_is_shown_when_asked_for(walk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rlgen.train("walk", steps=5, run=tmp_path / "silent")
    assert capsys.readouterr() == ("", "")
    rlgen.train("walk", steps=5, run=tmp_path / "loud", progress=True)
    said = capsys.readouterr()
    assert "score" in said.err
    assert said.out == ""


@pytest.mark.parametrize("wrong", [{}, {"nan_loss_at": 7}])
def test_the_algorithm_is_closed_whatever_happens(walk: Any, tmp_path: Path, wrong: dict[str, int]) -> None:
    plan = planning.plan("walk", steps=20, run=tmp_path / "run", config=wrong)
    if wrong:
        with pytest.raises(Diverged):
            plan.execute()
    else:
        plan.execute()
    assert plan.algorithm.closed


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"env": 3}, "env=3 is no environment: it has no reset"),
        ({"steps": "many"}, "steps='many' is not a whole number"),
        ({"seed": 1.5}, "seed=1.5 is not a whole number"),
        ({"config": [("learning_rate", 1)]}, "is no dictionary of fields"),
        ({"preset": 3}, "preset=3 is no name"),
        ({"data": np.zeros((20, 2))}, "'dqn' learns in an environment: give --env"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_arguments_of_a_wrong_type(asked: dict[str, Any], said: str, in_empty_directory: Path) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        rlgen.train("dqn", **{"steps": 10, **asked})
    assert not list(in_empty_directory.iterdir())


def test_numbers_as_text_are_numbers(walk: Any, tmp_path: Path) -> None:
    assert rlgen.train("walk", steps="20", seed="3", run=tmp_path / "run").steps == 20
