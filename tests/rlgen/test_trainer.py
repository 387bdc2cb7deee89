import ast
import dataclasses
import errno
import inspect
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_damage import Ear
from scalars import read_scalars

import rlgen
from rlgen import building, checkpoint, state, trainer
from rlgen.callbacks import Callback
from rlgen.errors import Diverged, EnvironmentFault, RlgenError, UserError
from rlgen.run import Run, RunConfig
from rlgen.trainer import Trainer
from rlgen.trainer_config import TrainerConfig


def start(walk: Any, path: Path, *, seed: int = 0, every: dict[str, Any] | None = None, **config: Any) -> Trainer:
    """A Trainer of the cheap algorithm in a new run."""
    algorithm = walk.Walk(problem="plain", config=walk.WalkConfig.build(config), seed=seed)
    run_config = RunConfig("walk", "plain", "compiled", seed, "default", algorithm.config.to_dict(), every or {})
    run = Run.create(path, run_config)
    return Trainer(algorithm=algorithm, run=run, config=TrainerConfig.build(every or {}))


def resume(run: Run, *callbacks: Callback) -> Trainer:
    """A Trainer as another process would make it."""
    config = TrainerConfig.build(run.config.trainer)
    again = Trainer(algorithm=building.built(run.config), run=run, config=config, callbacks=callbacks)
    again.resume()
    return again


def arrays(algorithm: Any) -> dict[str, Any]:
    return {name: array.tolist() for name, array in state.read(algorithm.state()).items()}


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows]


# ---- the loop ---------------------------------------------------------------------------------------------


def test_it_advances_exactly_and_everything_is_written(walk: Any, tmp_path: Path) -> None:
    every = {"evaluate_every_steps": 50, "checkpoint_every_steps": 40, "keep_checkpoints": 2}
    one = start(walk, tmp_path / "run", every=every, chunk=30)
    result = one.train(100)
    # Cut at multiples of the chunk and wherever something is due.
    assert one.algorithm.calls == [30, 10, 10, 10, 20, 10, 10]
    assert one.step == one.algorithm.steps == 100
    run = one.run
    assert [row["step"] for row in run.stats()] == [30, 40, 50, 60, 80, 90, 100]
    assert [row["step"] for row in run.evaluations()] == [50, 100]
    assert [c.step for c in checkpoint.listed(run.checkpoints)] == [80, 100]
    assert len(checkpoint.listed(run.best)) == 1
    train, judged = (read_scalars(run.path / part) for part in ("train", "eval"))
    assert [step for step, _ in train["train/loss"]] == [30, 40, 50, 60, 80, 90, 100]
    assert {"train/loss", "time/fps", "work/updates"} == train.keys()
    assert [step for step, _ in judged["eval/score"]] == [50, 100]
    assert train["train/loss"][-1][1] == pytest.approx(run.stats()[-1]["train/loss"])
    json.dumps(result, allow_nan=False)


def test_steps_are_rounded_up_to_the_quantum(walk: Any, tmp_path: Path) -> None:
    every = {"evaluate_every_steps": 10, "checkpoint_every_steps": 7}
    one = start(walk, tmp_path / "run", every=every, chunk=24, quantum=8)
    assert one.train(50)["steps"] == 56
    assert one.algorithm.steps == 56
    assert [row["step"] for row in one.run.evaluations()] == [16, 32, 48, 56]


def test_everything_due_in_a_run_shorter_than_its_chunk(walk: Any, tmp_path: Path) -> None:
    one = start(walk, tmp_path / "run", chunk=1000)
    one.train(3)
    assert one.run.steps == 3
    assert one.run.evaluations()[-1]["step"] == 3


def test_the_best_checkpoint_is_reported_and_the_last_state_stays(walk: Any, tmp_path: Path) -> None:
    one = start(walk, tmp_path / "run", every={"evaluate_every_steps": 10})
    result = one.train(200)
    rows = one.run.evaluations()
    best = max(rows, key=lambda row: (row["eval/score"], row["step"]))
    assert best["step"] < 200, "otherwise this test says nothing"
    assert result["best_step"] == best["step"]
    assert result["evaluation"]["eval/score"] == best["eval/score"]
    # The final figures come from the other split.
    assert result["evaluation"]["eval/draw"] != best["eval/draw"]
    assert one.algorithm.steps == 200
    last = checkpoint.newest_good(one.run.checkpoints)[1]
    assert arrays(one.algorithm) == {name: array.tolist() for name, array in last.items()}


def test_lower_may_be_better(walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk.Walk, "higher_is_better", False)
    one = start(walk, tmp_path / "run", every={"evaluate_every_steps": 10})
    result = one.train(100)
    assert result["evaluation"]["eval/score"] == min(row["eval/score"] for row in one.run.evaluations())


def test_how_a_run_is_judged_and_kept_changes_nothing_it_learns(walk: Any, tmp_path: Path) -> None:
    seldom = start(walk, tmp_path / "a", every={"evaluate_every_steps": 90, "checkpoint_every_steps": 90})
    often = start(walk, tmp_path / "b", every={"evaluate_every_steps": 3, "checkpoint_every_steps": 4}, chunk=7)
    seldom.train(90)
    often.train(90)
    ends = arrays(seldom.algorithm), arrays(often.algorithm)
    assert ends[0] == ends[1]


# ---- resuming ---------------------------------------------------------------------------------------------


def test_twice_n_is_n_and_n_again(walk: Any, tmp_path: Path) -> None:
    every = {"evaluate_every_steps": 20, "checkpoint_every_steps": 20}
    whole, first = (start(walk, tmp_path / name, every=every) for name in ("whole", "halves"))
    whole.train(120)
    first.train(60)
    second = resume(first.run)
    assert second.step == 60
    result = second.train(120)
    assert arrays(whole.algorithm) == arrays(second.algorithm)
    assert without_times(whole.run.stats()) == without_times(second.run.stats())
    assert whole.run.evaluations() == second.run.evaluations()
    assert result["best_step"] == checkpoint.listed(whole.run.best)[0].step
    assert result["steps"] == 120
    ((_, best),) = [(c.step, c.load()) for c in checkpoint.listed(whole.run.best)]
    np.testing.assert_array_equal(best["weights"], checkpoint.newest_good(second.run.best)[1]["weights"])


def test_a_run_stopped_before_its_first_checkpoint_begins_again(walk: Any, tmp_path: Path) -> None:
    whole, stopped = (start(walk, tmp_path / name) for name in ("whole", "stopped"))
    whole.train(40)
    again = resume(stopped.run)
    assert again.step == 0
    again.train(40)
    assert arrays(whole.algorithm) == arrays(again.algorithm)


def test_what_was_written_after_the_checkpoint_is_written_again_once(walk: Any, tmp_path: Path) -> None:
    every = {"evaluate_every_steps": 20, "checkpoint_every_steps": 60, "keep_checkpoints": 5}
    whole, torn = (start(walk, tmp_path / name, every=every) for name in ("whole", "torn"))
    whole.train(180)
    torn.train(120)
    # As if the process had died just before its last checkpoint was there.
    last = checkpoint.listed(torn.run.checkpoints)[-1]
    last.path.rename(last.path.with_name(".writing-half"))
    again = resume(torn.run)
    assert again.step == 60
    assert [row["step"] for row in again.run.evaluations()] == [20, 40, 60]
    again.train(180)
    assert arrays(whole.algorithm) == arrays(again.algorithm)
    assert without_times(whole.run.stats()) == without_times(again.run.stats())
    for part in ("train", "eval"):
        one, two = (read_scalars(t.run.path / part) for t in (whole, again))
        one.pop("time/fps", None)
        two.pop("time/fps", None)
        assert one == two


def test_a_finished_run_has_nothing_to_do(walk: Any, tmp_path: Path) -> None:
    one = start(walk, tmp_path / "run")
    one.train(20)
    for steps in (20, 10):
        with pytest.raises(UserError, match="at step 20 already; ask for more than that with --steps"):
            resume(one.run).train(steps)


def test_a_damaged_checkpoint_is_named_dropped_and_the_one_before_used(walk: Any, tmp_path: Path) -> None:
    every = {"checkpoint_every_steps": 10, "keep_checkpoints": 2}
    whole, hurt = (start(walk, tmp_path / name, every=every) for name in ("whole", "hurt"))
    whole.train(60)
    hurt.train(40)
    newest = checkpoint.listed(hurt.run.checkpoints)[-1]
    (newest.path / "state.npz").write_bytes(b"damaged")
    ear = Ear()
    again = resume(hurt.run, ear)
    assert again.step == 30
    assert len(ear.heard) == 1
    assert "step-000000000040 is damaged" in ear.heard[0]
    assert "Going on from step 30" in ear.heard[0]
    # It must not count among those that are kept, or good ones would be swept away for it.
    assert [c.step for c in checkpoint.listed(hurt.run.checkpoints)] == [30]
    again.train(60)
    assert arrays(whole.algorithm) == arrays(again.algorithm)
    assert [c.step for c in checkpoint.listed(hurt.run.checkpoints)] == [50, 60]


def test_the_best_that_every_checkpoint_knew_is_kept(walk: Any, tmp_path: Path) -> None:
    """When a resume goes back before the best one, the best one of that time is there, to the bit."""
    every = {"checkpoint_every_steps": 10, "evaluate_every_steps": 10, "keep_checkpoints": 9}
    one = start(walk, tmp_path / "run", every=every)
    one.train(60)
    rows = {row["step"]: row["eval/score"] for row in one.run.evaluations()}
    for kept in reversed(checkpoint.listed(one.run.checkpoints)[1:]):
        (kept.path / "state.npz").unlink()
        if kept.step == 10:
            break
        ear = Ear()
        again = resume(one.run, ear)
        best = max((score, step) for step, score in rows.items() if step < kept.step)
        assert again.best.known == {"step": best[1], "score": best[0]}
        assert checkpoint.listed(one.run.best)[-1].step == best[1]
        assert not any("lost" in text for text in ear.heard)


@pytest.mark.parametrize("how", ["damaged", "missing", "a link"])
def test_a_lost_best_is_named_and_made_again(walk: Any, tmp_path: Path, how: str) -> None:
    every = {"checkpoint_every_steps": 10, "evaluate_every_steps": 10, "keep_checkpoints": 9}
    one = start(walk, tmp_path / "run", every=every)
    one.train(30)
    kept = checkpoint.listed(one.run.best)[-1]
    before = dict(kept.load())
    if how == "damaged":
        (kept.path / "state.npz").write_bytes(b"")
    else:
        kept.path.rename(tmp_path / "aside")
        if how == "a link":
            kept.path.symlink_to(tmp_path / "aside")
    ear = Ear()
    again = resume(one.run, ear)
    assert any(f"step {kept.step:,} with eval/score" in text and "made again from" in text for text in ear.heard)
    found = checkpoint.listed(one.run.best)[-1]
    assert found.step == kept.step
    np.testing.assert_array_equal(found.load()["weights"], before["weights"])
    assert again.best.known is not None and again.best.known["step"] == kept.step


def test_a_best_that_nothing_holds_any_more_is_named_and_the_next_takes_its_place(walk: Any, tmp_path: Path) -> None:
    every = {"checkpoint_every_steps": 10, "evaluate_every_steps": 10, "keep_checkpoints": 1}
    one = start(walk, tmp_path / "run", every=every)
    one.train(60)
    best = one.best.known
    assert best is not None and best["step"] < 60, "otherwise this test says nothing"
    shutil.rmtree(one.run.best)
    ear = Ear()
    again = resume(one.run, ear)
    score = {row["step"]: row["eval/score"] for row in one.run.evaluations()}[60]
    (text,) = (text for text in ear.heard if "is lost" in text)
    assert f"of step {best['step']} with eval/score {best['score']:,.6g}, is lost" in text
    assert "The best one that is left takes its place" in text and "step-000000000060" in text
    assert again.best.known == {"step": 60, "score": score}
    assert again.finish()["lost_best_step"] == best["step"]


def test_only_as_many_as_asked_are_kept(walk: Any, tmp_path: Path) -> None:
    for keep in (1, 4):
        every = {"checkpoint_every_steps": 5, "keep_checkpoints": keep}
        one = start(walk, tmp_path / str(keep), every=every)
        one.train(60)
        assert [c.step for c in checkpoint.listed(one.run.checkpoints)] == list(range(65 - 5 * keep, 61, 5))


# ---- going wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"nan_loss_at": 25}, "'train/loss' is nan at step 30 \\(finite until step 20\\)"),
        ({"nan_weights_at": 29}, "'train/loss' is nan at step 30"),
        ({"nan_score_at": 30}, "'eval/score' is nan at step 30"),
    ],
)
def test_what_is_not_finite_stops_the_run(walk: Any, tmp_path: Path, wrong: dict[str, int], words: str) -> None:
    every = {"checkpoint_every_steps": 10, "evaluate_every_steps": 10}
    one = start(walk, tmp_path / "run", every=every, **wrong)
    with pytest.raises(Diverged, match=words) as caught:
        one.train(100)
    assert "last good checkpoint is that of step 20" in str(caught.value)
    good, found, faults = checkpoint.newest_good(one.run.checkpoints)
    assert (good.step, faults) == (20, [])
    assert np.isfinite(found["weights"]).all()
    assert np.isfinite(checkpoint.newest_good(one.run.best)[1]["weights"]).all()
    json.dumps([*one.run.stats(), *one.run.evaluations()], allow_nan=False)


@pytest.mark.parametrize("where", ["checkpoint", "best"])
def test_weights_that_are_not_finite_are_never_kept(walk: Any, tmp_path: Path, where: str) -> None:
    """The last step of a chunk may spoil the weights and still report a finite loss."""
    due = {"checkpoint": 20, "best": 90}[where]
    one = start(walk, tmp_path / "run", every={"checkpoint_every_steps": due, "evaluate_every_steps": 110 - due})
    train = one.algorithm.train

    def spoilt(steps: int) -> dict[str, float]:
        scalars = train(steps)
        if one.algorithm.steps >= 20:
            one.algorithm.weights[3] = np.nan
        return scalars | {"train/loss": 0.0}

    one.algorithm.train = spoilt
    with pytest.raises(Diverged, match="the weights 'weights' are not finite at step 20"):
        one.train(100)
    assert checkpoint.newest_good(one.run.checkpoints)[0].step == 0
    assert checkpoint.listed(one.run.best) == []


def test_divergence_at_once_still_leaves_the_beginning(walk: Any, tmp_path: Path) -> None:
    one = start(walk, tmp_path / "run", nan_loss_at=1)
    with pytest.raises(Diverged, match="checkpoint is that of step 0 in"):
        one.train(100)
    assert resume(one.run).step == 0


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["numpy.savez", "rlgen.lines.Lines.add", "rlgen.summary.SummaryWriter.flush"])
def test_a_full_disk_stops_the_run(walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    planned = rlgen.train("walk", run=tmp_path / "run", steps=40)
    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        with pytest.raises(RlgenError) as caught:
            rlgen.train("walk", run=planned.path, resume=True, steps=80)
    assert not isinstance(caught.value, UserError)
    for word in ("No space left", "untouched", "--resume"):
        assert word in str(caught.value)
    assert checkpoint.newest_good(planned.checkpoints)[0].step >= 40
    assert rlgen.train("walk", run=planned.path, resume=True, steps=80).result["steps"] == 80


def test_a_fault_in_the_algorithm_passes_and_the_last_checkpoint_stays(walk: Any, tmp_path: Path) -> None:
    one = start(walk, tmp_path / "run", every={"checkpoint_every_steps": 10})
    train = one.algorithm.train

    def faulty(steps: int) -> dict[str, float]:
        if one.algorithm.steps >= 20:
            raise EnvironmentFault("step 21 is cursed")
        return dict(train(steps))

    one.algorithm.train = faulty
    with pytest.raises(EnvironmentFault, match="cursed"):
        one.train(100)
    assert resume(one.run).step == 20


# ---- what it may know -------------------------------------------------------------------------------------


def test_it_knows_the_contract_and_nothing_else() -> None:
    source = inspect.getsource(trainer)
    assert len(source.splitlines()) <= 250
    tree = ast.parse(source)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"isinstance", "issubclass", "hasattr", "getattr", "type"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"problem_kind", "__class__", "kind"}


def test_three_kinds_of_algorithm_keep_one_contract() -> None:
    from rlgen import registry
    from rlgen.algorithm import Algorithm

    for name in ("double_dqn", "mlp", "gan"):
        cls = registry.load(name)
        assert issubclass(cls, Algorithm)
        assert not inspect.isabstract(cls)
        assert dataclasses.is_dataclass(cls.Config)
