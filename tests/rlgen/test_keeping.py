"""Large replays in checkpoints: rows are written once, whatever happens, and runs that leave them out say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ring import ROWS, Ring

import rlgen
from rlgen import checkpoint, files, keeping, segments
from rlgen.callbacks import Callback
from rlgen.errors import CheckpointDamaged, RlgenError, UserError


class Learner:
    """An algorithm as far as its state goes."""

    spare = ("replay",)

    def __init__(self) -> None:
        self.ring, self.weights, self.bereft = Ring(), np.zeros(3), ""

    def state(self) -> dict[str, Any]:
        return {"replay": self.ring, "weights": self.weights}

    def do_without(self, name: str) -> str:
        self.bereft = name
        return f"no {name}"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SMALL_BYTES", 1)


def save(place: Path, learner: Any, step: int, *, spare: bool = True, keep: int = 3) -> None:
    keeping.save(place, step=step, algorithm=learner, about={}, spare=spare)
    checkpoint.keep_last(place, keep)


def taken_up(place: Path) -> Learner:
    good, arrays, _ = checkpoint.newest_good(place, closely=True)
    learner: Any = Learner()
    keeping.take_up(good, arrays, learner)
    return learner


def files_of_rows(place: Path) -> list[Path]:
    return sorted((place / segments.DIRECTORY).iterdir())


def test_every_row_is_written_once_and_all_of_them_come_back(tmp_path: Path, large: None) -> None:
    learner: Any = Learner()
    written: dict[str, int] = {}
    for step, count in enumerate((3, 5, 1, 30, 2, 4, 7, 1, 2)):
        learner.ring.add(count)
        learner.weights[:] = step
        save(tmp_path, learner, step)
        for file in files_of_rows(tmp_path):
            with np.load(file) as arrays:
                written[file.name] = len(arrays["values"])
        other = taken_up(tmp_path)
        np.testing.assert_array_equal(other.ring.values, learner.ring.values)
        np.testing.assert_array_equal(other.ring.flags, learner.ring.flags)
        assert other.ring.added == learner.ring.added and other.weights[0] == step
        with np.load(tmp_path / checkpoint.name_of(step) / "state.npz") as arrays:
            assert sorted(arrays) == ["replay/added", "weights"]
    # Of the 30 rows the ring had kept 20; and the last row of each file is the first of the next.
    assert sum(written.values()) == 9 + 20 + 16 + 7
    # Three checkpoints need no more than what the oldest of them reaches back to.
    assert len(files_of_rows(tmp_path)) < len(written)


def test_a_row_that_changed_when_it_was_the_newest_is_written_again(tmp_path: Path, large: None) -> None:
    learner: Any = Learner()
    learner.ring.add(4)
    save(tmp_path, learner, 1)
    learner.ring.flags[3] = True
    learner.ring.add(2)
    save(tmp_path, learner, 2)
    assert taken_up(tmp_path).ring.flags[3].all()


def test_large_pieces_are_cut(tmp_path: Path, large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MOST_BYTES", 4 * Ring.row_bytes)
    learner: Any = Learner()
    learner.ring.add(10)
    save(tmp_path, learner, 1)
    assert len(files_of_rows(tmp_path)) == 3
    np.testing.assert_array_equal(taken_up(tmp_path).ring.values, learner.ring.values)


def test_small_rings_stay_in_the_checkpoint(tmp_path: Path) -> None:
    learner: Any = Learner()
    learner.ring.add(10)
    save(tmp_path, learner, 1)
    assert not (tmp_path / segments.DIRECTORY).exists()
    np.testing.assert_array_equal(taken_up(tmp_path).ring.values, learner.ring.values)


@pytest.mark.parametrize("how", ["gone", "short", "changed", "link"])
def test_damage_is_named_and_the_checkpoint_before_is_taken(tmp_path: Path, large: None, how: str) -> None:
    learner: Any = Learner()
    for step in (1, 2):
        learner.ring.add(5)
        save(tmp_path, learner, step)
    old = files_of_rows(tmp_path)
    learner.ring.add(5)
    save(tmp_path, learner, 3)
    (new,) = set(files_of_rows(tmp_path)) - set(old)
    data = bytearray(new.read_bytes())
    new.unlink()
    if how == "short":
        new.write_bytes(data[:-1])
    elif how == "changed":
        data[len(data) // 2] ^= 1
        new.write_bytes(data)
    elif how == "link":
        new.symlink_to(tmp_path)
    good, arrays, faults = checkpoint.newest_good(tmp_path, closely=True)
    assert good.step == 2 and f"rows/{new.name}" in faults[0]
    with pytest.raises(CheckpointDamaged, match="rows/"):
        checkpoint.Checkpoint(tmp_path / checkpoint.name_of(3)).load(closely=True)
    # From there it goes on; what the damaged one had written is gone with it.
    goes_on: Any = Learner()
    keeping.take_up(good, arrays, goes_on)
    checkpoint.drop_after(tmp_path, 2)
    checkpoint.keep_last(tmp_path, 3)
    assert new not in files_of_rows(tmp_path)
    goes_on.ring.add(5)
    save(tmp_path, goes_on, 3)
    np.testing.assert_array_equal(taken_up(tmp_path).ring.values, learner.ring.values)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner: Any = Learner()
    learner.ring.add(5)
    save(tmp_path, learner, 1)

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    learner.ring.add(5)
    with monkeypatch.context() as patched:
        patched.setattr(files, "sync", full)
        with pytest.raises(RlgenError, match="free some space and go on with --resume"):
            save(tmp_path, learner, 2)
    assert taken_up(tmp_path).ring.added == 5
    # Killed between the rows and the checkpoint: nobody needs them, and the next one sweeps them away.
    segments.appended(tmp_path, learner.ring, [])
    assert len(files_of_rows(tmp_path)) == 2
    save(tmp_path, learner, 2)
    assert taken_up(tmp_path).ring.added == 10 and len(files_of_rows(tmp_path)) == 2


@pytest.mark.parametrize(
    "row",
    [
        {"file": "../../evil.npz"},
        {"file": "x" * 32 + ".npz"},
        {"first": -1},
        {"first": 9, "last": 3},
        {"last": 10**30},
        {"bytes": "many"},
        {"more": 1},
    ],
)
def test_of_what_a_file_says_nothing_is_believed(row: dict[str, Any]) -> None:
    sound = {"file": "0" * 32 + ".npz", "first": 0, "last": 3, "bytes": 9, "sha256": "0"}
    assert segments.listed({"rows": {"replay": [sound]}})["replay"][0].last == 3
    for rows in ({"replay": [{**sound, **row}]}, {"replay": sound}, [sound]):
        with pytest.raises(TypeError):
            segments.listed({"rows": rows})


def test_rows_of_another_configuration_are_refused(tmp_path: Path, large: None) -> None:
    learner: Any = Learner()
    learner.ring.add(5)
    save(tmp_path, learner, 1)
    good, arrays, _ = checkpoint.newest_good(tmp_path)
    other: Any = Learner()
    other.ring.flags = np.zeros((ROWS, 3), bool)
    with pytest.raises(UserError, match=r"'replay/flags' is bool \[5, 3\].*another configuration"):
        keeping.take_up(good, arrays, other)


def test_what_was_left_out_is_done_without(tmp_path: Path) -> None:
    learner: Any = Learner()
    learner.ring.add(5)
    learner.weights[:] = 7
    save(tmp_path, learner, 1, spare=False)
    other = taken_up(tmp_path)
    assert (other.bereft, other.ring.added, other.weights[0]) == ("replay", 0, 7)


DQN = {
    "num_envs": 2,
    "hidden_units": (8,),
    "batch_size": 4,
    "replay_capacity": 60,
    "learning_starts_env_steps": 20,
    "train_every_env_steps": 10,
    "updates_per_train": 1,
    "trainer.evaluation_episodes": 1,
    "trainer.evaluate_every_steps": 200,
    "trainer.checkpoint_every_steps": 20,
}


def test_an_agent_goes_on_from_rows_as_from_a_whole_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(place: Path, **more: Any) -> rlgen.Run:
        return rlgen.train("dqn", env="CartPole-v1", engine="gymnasium", steps=100, run=place, config=DQN, **more)

    whole = tmp_path / "whole"
    rlgen.train("dqn", env="CartPole-v1", engine="gymnasium", steps=80, run=whole, config=DQN)
    monkeypatch.setattr(segments, "SMALL_BYTES", 1)
    rows = tmp_path / "rows"
    rlgen.train("dqn", env="CartPole-v1", engine="gymnasium", steps=80, run=rows, config=DQN)
    assert (rows / "checkpoints" / "rows").is_dir() and not (whole / "checkpoints" / "rows").exists()
    one, other = trained(whole, resume=True), trained(rows, resume=True)
    np.testing.assert_array_equal(one.weights("last")[1]["online/0"], other.weights("last")[1]["online/0"])


def test_an_agent_without_its_replay_fills_it_before_it_learns(tmp_path: Path) -> None:
    config = {**DQN, "trainer.checkpoint_replay": False, "trainer.checkpoint_every_steps": 10}
    place = tmp_path / "run"
    first = rlgen.train("dqn", env="CartPole-v1", engine="gymnasium", steps=60, run=place, config=config)
    assert not any(name.startswith("replay/") for name in first.weights("last")[1])
    updates = first.stats()[-1]["work/updates"]
    said: list[str] = []

    class Told(Callback):
        def message(self, text: str) -> None:
            said.append(text)

    on = rlgen.train("dqn", run=place, steps=100, resume=True, callbacks=[Told()])
    assert any("has no replay: it is filled for 20 environment steps" in text for text in said)
    made = {row["step"]: row["work/updates"] for row in on.stats()}
    # At 70 there are 10 transitions of the 20 that are wanted.
    assert (made[70], made[80], made[100]) == (updates, updates + 1, updates + 3)
