"""A small run whose process dies, or whose machine loses its power, at every file operation: nothing is lost.

The same command is typed again, as a scheduler would, until it ends well; the run is then compared with one that
nobody disturbed. In `make test` a sample of the operations, in `make test-faults` all of them.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disk import Died, Failing, Power
from outcomes import CONFIG, outcome, train

from rlgen import checkpoint, files, segments

SAMPLE = {"whole": 24, "rows": 8}


pytestmark = pytest.mark.usefixtures("undrawn")


def dying(path: Path, disk: Failing, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether training died on this disk."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", disk)
        try:
            train(path)
        except Died:
            return True
    return False


@pytest.fixture(params=["whole", "rows"], autouse=True)
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How checkpoints are written: each whole, or with the rows of a replay once, beside them."""
    if request.param == "rows":
        monkeypatch.setitem(CONFIG, "replay", True)
        monkeypatch.setattr(segments, "SMALL_BYTES", 1)
    return str(request.param)


@dataclasses.dataclass(frozen=True)
class Trial:
    """One way of writing checkpoints, tried.

    Attributes:
        whole: what a run comes to that nobody disturbs.
        kept: the way.
        everything: whether to fail at every operation, not at some.
        write: keeps figures.
    """

    whole: dict[str, Any]
    kept: str
    everything: bool
    write: Callable[..., None]

    def places(self, count: int, rng: random.Random) -> list[int]:
        """At which operations to die; after the last one nobody looks after the run any more."""
        every = range(1, count + 1)
        some = rng.sample(every, SAMPLE[self.kept])
        return list(every) if self.everything else sorted({*some, count})

    def figures(self, name: str, what: str, **found: int) -> None:
        """Keep what came of it."""
        if self.kept == "rows":
            name, what = f"{name}-rows", f"{what}; a replay's rows lie beside the checkpoints"
        self.write(name, what, **found)


@pytest.fixture
def trial(walk: Any, kept: str, everything: bool, figures: Callable[..., None], tmp_path: Path) -> Trial:
    """With a run that nobody disturbs."""
    run = train(tmp_path / "whole")
    assert (run.checkpoints / segments.DIRECTORY).exists() == (kept == "rows")
    return Trial(outcome(run), kept, everything, figures)


def operations(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many a run takes."""
    disk = Failing()
    assert not dying(path, disk, monkeypatch)
    assert disk.count > 100, "files are written past `rlgen.files`"
    return disk.count


def test_a_process_that_dies_at_any_operation_or_inside_it(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, count, died, others = random.Random(3), operations(tmp_path / "counted", monkeypatch), 0, []
    for at, inside in itertools.product(trial.places(count, rng), (False, True)):
        path = tmp_path / f"{at}-{inside}"
        died += dying(path, Failing(at=at, inside=inside), monkeypatch)
        # Every other one dies a second time, while it is made good.
        if at % 2:
            dying(path, Failing(at=rng.randint(1, 60)), monkeypatch)
        if outcome(train(path)) != trial.whole:
            others.append((at, inside))
        shutil.rmtree(path)
    what = "the process dies at a file operation or inside it"
    trial.figures("operations", what, runs=died, other_results=len(others))
    assert others == []


@pytest.mark.parametrize("left", ["nothing", "names", "some"])
def test_power_that_is_lost_at_any_operation(
    left: str, trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, count, losses = random.Random(5), operations(tmp_path / "counted", monkeypatch), 0
    lost, others = list[int](), list[int]()
    save, saved = checkpoint.save, list[int]()

    def counted(directory: Path, *, step: int, **what: Any) -> checkpoint.Checkpoint:
        done = save(directory, step=step, **what)
        saved.append(step)
        return done

    monkeypatch.setattr(checkpoint, "save", counted)
    for at in trial.places(count, rng):
        place, after = tmp_path / "before", tmp_path / "after"
        place.mkdir()
        saved.clear()
        disk = Power(at=at)
        losses += dying(place / "run", disk, monkeypatch)
        begun = bool(saved)
        disk.lose(place, after, left=left, rng=rng)
        if begun and not steps(after / "run"):
            lost.append(at)
        if outcome(train(after / "run")) != trial.whole:
            others.append(at)
        shutil.rmtree(place)
        shutil.rmtree(after)
    what = f"the power is lost at a file operation; {left} of what was not synced is left"
    trial.figures(f"power-{left}", what, runs=losses, lost=len(lost), other_results=len(others))
    assert (lost, others) == ([], [])


def steps(path: Path) -> list[int]:
    """Of the checkpoints that a run has."""
    return [each.step for each in checkpoint.listed(path / "checkpoints")]
