"""The same command again goes on with a run; another one is refused, and says in what it differs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from outcomes import outcome
from run_damage import CONFIG, KillAt, Killed, contents, spoil, state_of, train

import rlgen
from rlgen import checkpoint, planning
from rlgen.errors import UserError
from rlgen.run import Run

PATIENT = {**CONFIG, "trainer.patience_evaluations": 1}


pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    """What a run comes to that nobody disturbs."""
    return outcome(train(tmp_path / "whole"))


# ---- the same again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("resume", [False, True, "auto"])
@pytest.mark.parametrize("kill_at", [5, 15, 38])
def test_a_killed_run_goes_on(tmp_path: Path, whole: dict[str, Any], kill_at: int, resume: Any) -> None:
    train(tmp_path / "run", kill_at=kill_at)
    assert outcome(train(tmp_path / "run", resume=resume)) == whole


@pytest.mark.parametrize("resume", [False, True, "auto"])
def test_a_finished_run_says_so_and_nothing_is_touched(
    tmp_path: Path, resume: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path / "run")
    before = contents(run.path)
    assert train(run.path, resume=resume).result == run.result
    assert f"{run.path} is finished: it has done its 40 steps. Ask for more steps (--steps)" in capsys.readouterr().err
    assert contents(run.path) == before


def test_the_steps_that_were_asked_for_are_rounded_up_every_time(tmp_path: Path) -> None:
    """A run that has done 48 steps for the 45 that it was asked for has done what it was asked for."""
    asked: dict[str, Any] = {"steps": 45, "config": {**CONFIG, "quantum": 8, "chunk": 8}}
    run = train(tmp_path / "run", **asked)
    assert (run.steps, run.config.steps) == (48, 45)
    assert isinstance(planning.plan("walk", run=run.path, **asked), planning.Finished)
    (run.path / "result.json").unlink()
    assert train(run.path, **asked).result["steps"] == 48
    with pytest.raises(UserError, match="at step 48 already"):
        train(run.path, **{**asked, "steps": 40})


def test_auto_starts_what_is_not_there(tmp_path: Path, whole: dict[str, Any]) -> None:
    assert outcome(train(tmp_path / "run", resume="auto")) == whole
    with pytest.raises(UserError, match="does not exist"):
        train(tmp_path / "other", resume=True)


# ---- another one ------------------------------------------------------------------------------------------

DIFFERENCES: dict[str, tuple[dict[str, Any], str]] = {
    "problem": ({"data": "hard"}, "problem: the run has 'plain', you asked for 'hard'"),
    "seed": ({"seed": 7}, "seed: the run has 0, you asked for 7"),
    "preset": ({"preset": "wide"}, "preset: the run has 'plain', you asked for 'wide'"),
    "engine": ({"engine": "gymnasium"}, "engine: the run has 'compiled', you asked for 'gymnasium'"),
    "field": ({"config": {**CONFIG, "rate": 0.2}}, "rate: the run has 0.1, you asked for 0.2"),
    "trainer": ({"config": {**CONFIG, "trainer.keep_checkpoints": 9}}, "keep_checkpoints: the run has 3, you asked"),
}


@pytest.mark.parametrize("resume", [False, True, "auto"])
@pytest.mark.parametrize(("asked", "words"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_another_configuration_is_refused(tmp_path: Path, asked: dict[str, Any], words: str, resume: Any) -> None:
    run = train(tmp_path / "run", kill_at=15)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=f"(?s)was trained with another configuration.*{words}.*choose another --run"):
        train(run.path, resume=resume, **asked)
    assert contents(tmp_path) == before


def test_another_algorithm_and_another_start_are_refused(tmp_path: Path) -> None:
    first = train(tmp_path / "first")
    run = train(tmp_path / "run", kill_at=15)
    with pytest.raises(UserError, match="algorithm: the run has 'walk', you asked for 'mlp'"):
        rlgen.train("mlp", run=run.path, steps=40)
    for resume in (False, True, "auto"):
        with pytest.raises(UserError, match="start: the run has None, you asked for '.*first'"):
            train(run.path, start=first.path, resume=resume)


def test_what_is_left_out_is_the_default_unless_a_resume_is_asked_for(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"config": {**CONFIG, "rate": 0.5}, "seed": 3, "data": "hard"}
    run = train(tmp_path / "run", kill_at=15, **asked)
    for resume in (False, "auto"):
        with pytest.raises(UserError) as caught:
            rlgen.train("walk", run=run.path, steps=40, resume=resume)
        for words in ("rate: the run has 0.5", "seed: the run has 3", "problem: the run has 'hard'"):
            assert words in str(caught.value)
    assert rlgen.train("walk", run=run.path, resume=True).result["steps"] == 40


def test_how_often_it_is_saved_is_no_difference_when_nothing_is_said(tmp_path: Path) -> None:
    """These depend on the number of steps, which may change."""
    rlgen.train("walk", run=tmp_path / "run", steps=20)
    assert rlgen.train("walk", run=tmp_path / "run", steps=60).result["steps"] == 60


# ---- other steps, other endings ---------------------------------------------------------------------------


def test_more_steps_are_remembered(tmp_path: Path) -> None:
    run = train(tmp_path / "run", steps=20)
    train(run.path, steps=40, kill_at=35)
    assert (Run.open(run.path).config.steps, Run.open(run.path).result) == (40, {})
    assert rlgen.train("walk", run=run.path, resume=True).result["steps"] == 40
    assert outcome(Run.open(run.path)) == outcome(train(tmp_path / "whole"))


def test_fewer_steps_than_were_asked_for_and_fewer_than_are_done(tmp_path: Path) -> None:
    run = train(tmp_path / "run", kill_at=15)
    with pytest.raises(UserError, match="is at step 10 already; ask for more than that with --steps"):
        train(run.path, steps=5)
    assert train(run.path, steps=20).result["steps"] == Run.open(run.path).config.steps == 20
    assert isinstance(planning.plan("walk", run=run.path, resume=True), planning.Finished)


def stopping(path: Path, **asked: Any) -> Run:
    """A run that ends at its second evaluation that is no better."""
    return train(path, steps=400, config=PATIENT, **asked)


def test_a_run_that_was_stopped_is_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = stopping(tmp_path / "run")
    stopped = run.steps
    assert stopped < 400 and run.result["stopped"], "otherwise this test says nothing"
    before = contents(run.path)
    for asked in ({}, {"resume": "auto"}):
        assert stopping(run.path, **asked).result == run.result
        said = capsys.readouterr().err
        assert f"finished: it ended at step {stopped:,}: " in said and "another ending" in said
    assert rlgen.train("walk", run=run.path, resume=True).result == run.result
    assert contents(run.path) == before
    assert rlgen.train("walk", run=run.path, resume=True, steps=410).steps > stopped


def test_another_ending_is_stored_and_goes_past_the_stop(tmp_path: Path) -> None:
    run = stopping(tmp_path / "run")
    stopped = run.steps
    later = {**PATIENT, "trainer.patience_evaluations": None}
    with pytest.raises(Killed):
        rlgen.train("walk", run=run.path, steps=400, config=later, callbacks=[KillAt(stopped + 25)])
    assert Run.open(run.path).config.trainer["patience_evaluations"] is None
    assert rlgen.train("walk", run=run.path, resume=True).result["steps"] == 400


def test_a_stopped_run_that_was_killed_before_its_end_is_finished_as_it_was(tmp_path: Path) -> None:
    run = stopping(tmp_path / "run")
    result = run.result
    (run.path / "result.json").unlink()
    again = stopping(run.path)
    assert (again.steps, again.result["stopped"]) == (result["steps"], result["stopped"])
    assert again.evaluation == result["evaluation"]


# ---- beginning with another run's weights -----------------------------------------------------------------


def test_a_start_is_remembered(tmp_path: Path) -> None:
    first = train(tmp_path / "first", seed=5)
    asked: dict[str, Any] = {"start": first.path, "steps": 20}
    whole = outcome(train(tmp_path / "whole", **asked))
    run = train(tmp_path / "run", kill_at=15, **asked)
    assert run.config.start is not None and run.config.start["run"] == str(first.path)
    for more in ({"start": None}, {"start": tmp_path / "whole"}):
        with pytest.raises(UserError, match="start: the run has '.*first', you asked for"):
            train(run.path, **{**asked, **more})
    assert outcome(train(run.path, **asked)) == whole
    assert isinstance(planning.plan("walk", run=run.path, config=CONFIG, **asked), planning.Finished)
    assert isinstance(planning.plan("walk", run=run.path, resume=True), planning.Finished)


class KillAtStart(rlgen.Callback):
    def start(self, moment: rlgen.Moment) -> None:
        raise Killed


def test_a_run_killed_before_its_first_checkpoint_begins_with_the_same_weights(tmp_path: Path) -> None:
    first = train(tmp_path / "first", seed=5)
    asked: dict[str, Any] = {"start": first.path, "steps": 20, "config": CONFIG}
    whole = outcome(train(tmp_path / "whole", **asked))
    for resume in (False, True):
        path = tmp_path / f"run {resume}"
        with pytest.raises(Killed):
            rlgen.train("walk", run=path, callbacks=[KillAtStart()], **asked)
        assert checkpoint.listed(path / "checkpoints") == []
        assert outcome(train(path, resume=resume, **(asked if not resume else {"steps": None}))) == whole


@pytest.mark.parametrize("what", ["went on", "is gone", "was replaced"])
def test_those_weights_may_be_gone(tmp_path: Path, what: str) -> None:
    first = train(tmp_path / "first")
    asked: dict[str, Any] = {"start": first.path, "steps": 20, "config": CONFIG}
    with pytest.raises(Killed):
        rlgen.train("walk", run=tmp_path / "run", callbacks=[KillAtStart()], **asked)
    if what == "went on":
        train(first.path, steps=100)
    elif what == "is gone":
        shutil.rmtree(first.path)
    else:
        shutil.rmtree(first.path)
        train(first.path, seed=1)
    before = contents(tmp_path)
    with pytest.raises(UserError, match="not there any more: delete it and start it anew|does not exist"):
        train(tmp_path / "run", resume=True, steps=None)
    assert contents(tmp_path) == before


# ---- files that are damaged or lost -----------------------------------------------------------------------


@pytest.mark.parametrize("resume", [False, True, "auto"])
def test_checkpoints_that_were_deleted(tmp_path: Path, resume: Any) -> None:
    for kill_at in (None, 25):
        run = train(tmp_path / str(kill_at), kill_at=kill_at)
        shutil.rmtree(run.checkpoints)
        before = contents(tmp_path)
        with pytest.raises(UserError, match="has lost its checkpoints: it was at step .*Nothing was changed.*at step"):
            train(run.path, resume=resume, steps=100)
        assert contents(tmp_path) == before
        assert rlgen.evaluate(run.path, episodes=2).scalars["eval/score"] <= 0


def test_weights_that_are_not_finite(tmp_path: Path, rlgen_command: Any) -> None:
    run = train(tmp_path / "run", kill_at=25)
    spoil(run.checkpoints, 20)
    spoil(run.best, state_of(run.best)[0])
    for arguments in (
        ("train", "walk", "--run", run.path, "--resume"),
        ("train", "walk", "--run", tmp_path / "new", "--from", run.path),
        ("evaluate", run.path),
        ("evaluate", run.path, "--checkpoint", "last"),
        ("record", run.path, "--out", tmp_path / "film.gif"),
    ):
        done = rlgen_command(*arguments)
        assert (done.code, "'weights' of this checkpoint are not finite" in done.err) == (2, True), (arguments, done)
    assert not (tmp_path / "new").exists()
    shutil.rmtree(run.checkpoints / checkpoint.name_of(20))
    assert train(run.path).result["steps"] == 40, "as it is advised"
