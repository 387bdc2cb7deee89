from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen.errors import UserError
from rlgen.profiling import Profile

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the profiler is told."""
    import tensorflow as tf

    told: list[Any] = []
    monkeypatch.setattr(tf.profiler.experimental, "start", lambda logdir: told.append(Path(logdir).name))
    monkeypatch.setattr(tf.profiler.experimental, "stop", lambda: told.append("stop"))
    return told


@pytest.mark.parametrize("quantum", [1, 4])
def test_chunks_end_where_it_begins_and_ends(tmp_path: Path, calls: list[Any], quantum: int, walk: Any) -> None:
    seldom = {"trainer.evaluate_every_steps": 40, "trainer.checkpoint_every_steps": 40}
    config = {**seldom, "trainer.profile": "13:17", "quantum": quantum, "chunk": 20}
    run = rlgen.train("walk", steps=40, run=tmp_path / "run", config=config)
    assert calls == ["train", "stop"]
    steps = [row["step"] for row in run.stats()]
    assert {-(-13 // quantum) * quantum, -(-17 // quantum) * quantum} <= set(steps)


def test_nothing_that_is_learned_changes(tmp_path: Path, calls: list[Any]) -> None:
    one, two = (
        rlgen.train("walk", steps=40, run=tmp_path / name, config=config)
        for name, config in (("plain", None), ("profiled", {"trainer.profile": "3:5"}))
    )
    assert one.evaluation == two.evaluation


def test_it_ends_with_the_run(tmp_path: Path, calls: list[Any]) -> None:
    rlgen.train("walk", steps=20, run=tmp_path / "run", config={"trainer.profile": "0:1000"})
    assert calls == ["train", "stop"]
    rlgen.train("walk", steps=20, run=tmp_path / "behind", config={"trainer.profile": "50:60"})
    assert calls == ["train", "stop"]


@pytest.mark.parametrize("text", ["10", "10:10", "20:10", "a:b", "-1:5", ":"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(UserError, match=r"no range of steps: say, for instance, 1000:1100"):
        Profile.parse(text)


def test_the_command(rlgen_command: Any, in_empty_directory: Path, calls: list[Any]) -> None:
    said = rlgen_command("train", "walk", "--steps", 20, "--run", "run", "--profile", "5:10")
    assert said.code == 0 and "Steps 5 to 10 were profiled" in said.err and calls == ["train", "stop"]
    refused = rlgen_command("train", "walk", "--steps", 20, "--run", "other", "--profile", "5")
    assert refused.code == 2 and "1000:1100" in refused.err and not Path("other").exists()
