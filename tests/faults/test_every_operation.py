"""A small run whose process dies, or whose machine loses its power, at every file operation: nothing is lost.

The same command is typed again, as a scheduler would, until it ends well; the run is then compared with one that
nobody disturbed. In `make test` a sample of the operations, in `make test-faults` all of them.
"""

from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from disk import Died, Failing, Power

import rlgen
from rlgen import checkpoint, files
from rlgen.run import Run

CONFIG = {
    "chunk": 2,
    "trainer.checkpoint_every_steps": 4,
    "trainer.evaluate_every_steps": 3,
    "trainer.evaluation_episodes": 2,
    "trainer.keep_checkpoints": 2,
}
SAMPLE = 24


@pytest.fixture(autouse=True)
def quick_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing is nine tenths of such a run's time; a file of the same name does here."""

    def draw(run: Run, *_: Any, **__: Any) -> None:
        files.write(run.path / "media" / "learning_curve.png", b"drawn")

    monkeypatch.setattr("rlgen.finish.draw_learning_curve", draw)


def train(path: Path) -> Run:
    """The command that is typed again and again."""
    return rlgen.train("walk", run=path, steps=12, seed=1, config=CONFIG)


def dying(path: Path, disk: Failing, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether training died on this disk."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", disk)
        try:
            train(path)
        except Died:
            return True
    return False


def outcome(run: Run) -> dict[str, Any]:
    """All that a run has come to, without times and places."""
    rows = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in run.stats()]
    timed = {"run", "seconds", "steps_per_second", "training_steps_per_second"}
    kept = {
        f"{place.name} {each.step}": {name: array.tobytes() for name, array in each.load().items()}
        for place in (run.best, run.checkpoints)
        for each in checkpoint.listed(place)
    }
    config = run.config
    return {
        "result": {key: value for key, value in run.result.items() if key not in timed},
        "rows": (rows, run.evaluations()),
        "kept": kept,
        "config": (config.algorithm, config.seed, config.steps, config.config, config.trainer),
        "files": sorted(
            str(path.relative_to(run.path))
            for path in run.path.rglob("*")
            if path.name != ".lock" and "events." not in path.name
        ),
    }


@pytest.fixture
def whole(walk: Any, tmp_path: Path) -> dict[str, Any]:
    """What a run comes to that nobody disturbs."""
    return outcome(train(tmp_path / "whole"))


def places(count: int, everything: bool, rng: random.Random) -> list[int]:
    """At which operations to die."""
    return list(range(1, count + 1)) if everything else sorted(rng.sample(range(1, count + 1), min(SAMPLE, count)))


def operations(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many a run takes."""
    disk = Failing()
    assert not dying(path, disk, monkeypatch)
    assert disk.count > 100, "files are written past `rlgen.files`"
    return disk.count


def test_a_process_that_dies_at_any_operation_or_inside_it(
    walk: Any, whole: dict[str, Any], everything: bool, figures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, count, died, others = random.Random(3), operations(tmp_path / "counted", monkeypatch), 0, []
    for at, inside in itertools.product(places(count, everything, rng), (False, True)):
        path = tmp_path / f"{at}-{inside}"
        died += dying(path, Failing(at=at, inside=inside), monkeypatch)
        # Every other one dies a second time, while it is made good.
        if at % 2:
            dying(path, Failing(at=rng.randint(1, 60)), monkeypatch)
        if outcome(train(path)) != whole:
            others.append((at, inside))
        shutil.rmtree(path)
    figures("dies at or inside a file operation", runs=died, other_results=len(others))
    assert others == []


@pytest.mark.parametrize("left", ["nothing", "names", "some"])
def test_power_that_is_lost_at_any_operation(
    left: str,
    walk: Any,
    whole: dict[str, Any],
    everything: bool,
    figures: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng, count, losses = random.Random(5), operations(tmp_path / "counted", monkeypatch), 0
    lost, others = list[int](), list[int]()
    save, saved = checkpoint.save, list[int]()

    def counted(directory: Path, *, step: int, **what: Any) -> checkpoint.Checkpoint:
        done = save(directory, step=step, **what)
        saved.append(step)
        return done

    monkeypatch.setattr(checkpoint, "save", counted)
    for at in places(count, everything, rng):
        place, after = tmp_path / "before", tmp_path / "after"
        place.mkdir()
        saved.clear()
        disk = Power(at=at)
        losses += dying(place / "run", disk, monkeypatch)
        begun = bool(saved)
        disk.lose(place, after, left=left, rng=rng)
        if begun and not steps(after / "run"):
            lost.append(at)
        if outcome(train(after / "run")) != whole:
            others.append(at)
        shutil.rmtree(place)
        shutil.rmtree(after)
    kind = f"loses power at a file operation, {left} of what was not synced is left"
    figures(kind, runs=losses, lost=len(lost), other_results=len(others))
    assert (lost, others) == ([], [])


def steps(path: Path) -> list[int]:
    """Of the checkpoints that a run has."""
    return [each.step for each in checkpoint.listed(path / "checkpoints")]
