import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strangers import rewrite

from rlgen import checkpoint
from rlgen.errors import CheckpointDamaged, RlgenError, UserError
from rlgen.seal import sealed

ARRAYS = {"a/0": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(7), "c": np.array([True, False])}


def save(directory: Path, step: int, **more: Any) -> checkpoint.Checkpoint:
    return checkpoint.save(directory, step=step, arrays={**ARRAYS, "step": np.array(step)}, about=more)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_round_trip(tmp_path: Path) -> None:
    saved = save(tmp_path / "deep" / "down", 30, why="test")
    assert (saved.step, saved.manifest()["why"], saved.manifest()["step"]) == (30, "test", 30)
    arrays = saved.load()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert names(saved.path) == ["checkpoint.json", "state.npz"]
    assert names(saved.path.parent) == ["step-000000000030"]


def test_public_tools_read_it_and_nothing_is_pickled(tmp_path: Path) -> None:
    saved = save(tmp_path, 1)
    with np.load(saved.path / "state.npz", allow_pickle=False) as arrays:
        assert arrays["a/0"].sum() == 15
    with pytest.raises(ValueError, match="allow_pickle"):
        checkpoint.save(tmp_path, step=2, arrays={"o": np.array([object()])}, about={})
    assert [c.step for c in checkpoint.listed(tmp_path)] == [1]


def test_a_pickled_array_is_not_loaded(tmp_path: Path) -> None:
    saved = save(tmp_path, 1)
    np.savez(saved.path / "state.npz", o=np.array([{"a": 1}], dtype=object))
    vouch_for(saved.path, step=1)
    with pytest.raises(CheckpointDamaged, match="'o.npy' holds objects"):
        saved.load()


def vouch_for(path: Path, *, step: int) -> None:
    """A manifest that fits whatever arrays are there, as somebody would write it on purpose."""
    data = (path / "state.npz").read_bytes()
    about = {"step": step, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (path / "checkpoint.json").write_bytes(sealed(about))


def flip(path: Path) -> None:
    file = path / "state.npz"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def truncate(path: Path) -> None:
    file = path / "state.npz"
    file.write_bytes(file.read_bytes()[:-20])


def garbage_with_its_checksum(path: Path) -> None:
    (path / "state.npz").write_bytes(b"PK\x03\x04 not an archive")
    vouch_for(path, step=3)


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "flip": flip,
    "truncate": truncate,
    "empty": lambda path: (path / "state.npz").write_bytes(b""),
    "no arrays": lambda path: (path / "state.npz").unlink(),
    "no manifest": lambda path: (path / "checkpoint.json").unlink(),
    "half a manifest": lambda path: (path / "checkpoint.json").write_text('{"sha'),
    "binary manifest": lambda path: (path / "checkpoint.json").write_bytes(b"\xff\xfe\x00"),
    "null manifest": lambda path: (path / "checkpoint.json").write_text("null"),
    "list manifest": lambda path: (path / "checkpoint.json").write_text("[1]"),
    "empty manifest": lambda path: (path / "checkpoint.json").write_text("{}"),
    "garbage": garbage_with_its_checksum,
    "arrays are a directory": lambda path: ((path / "state.npz").unlink(), (path / "state.npz").mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_named_and_the_one_before_used(tmp_path: Path, damage: Callable[[Path], Any]) -> None:
    for step in (1, 2, 3):
        save(tmp_path, step)
    newest = checkpoint.listed(tmp_path)[-1]
    damage(newest.path)
    with pytest.raises(CheckpointDamaged, match="step-000000000003 is damaged"):
        newest.load()
    good, arrays, faults = checkpoint.newest_good(tmp_path)
    assert good.step == arrays["step"] == 2
    assert len(faults) == 1
    assert str(newest.path) in faults[0]


def test_all_damaged_or_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no whole checkpoint"):
        checkpoint.newest_good(tmp_path / "nowhere")
    for step in (1, 2):
        flip(save(tmp_path, step).path)
    with pytest.raises(UserError) as caught:
        checkpoint.newest_good(tmp_path)
    for word in ("step-000000000001 is damaged", "step-000000000002 is damaged", "no whole checkpoint in"):
        assert word in str(caught.value)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for step in (5, 1000, 30, 999_999_999_999, 20):
        save(tmp_path, step)
    (tmp_path / ".writing-left").mkdir()
    (tmp_path / ".replaced-left").mkdir()
    (tmp_path / ".removed-left").mkdir()
    checkpoint.keep_last(tmp_path, 2)
    assert names(tmp_path) == ["step-000000001000", "step-999999999999"]
    checkpoint.drop_after(tmp_path, 1000)
    assert [c.step for c in checkpoint.listed(tmp_path)] == [1000]
    checkpoint.drop_after(tmp_path, 999)
    assert checkpoint.listed(tmp_path) == []


def test_a_removal_that_breaks_off_leaves_no_half_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def take_one_file(path: Path) -> None:
        (path / "state.npz").unlink(missing_ok=True)

    for step in (1, 2, 3):
        save(tmp_path, step)
    with monkeypatch.context() as patch:
        patch.setattr("rlgen.files.discard", take_one_file)
        checkpoint.keep_last(tmp_path / "nowhere", 1)
        checkpoint.keep_last(tmp_path, 2)
        checkpoint.drop_after(tmp_path, 2)
    assert [c.step for c in checkpoint.listed(tmp_path)] == [2]
    checkpoint.keep_last(tmp_path, 2)
    assert names(tmp_path) == ["step-000000000002"]


def test_what_has_another_name_is_no_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, 4)
    (tmp_path / "step-four").mkdir()
    (tmp_path / "step-000000000009.bak").mkdir()
    assert [c.step for c in checkpoint.listed(tmp_path)] == [4]


def test_the_same_step_again_replaces(tmp_path: Path) -> None:
    save(tmp_path, 4, round=1)
    again = save(tmp_path, 4, round=2)
    assert again.manifest()["round"] == 2
    assert names(tmp_path) == ["step-000000000004"]
    again.load()


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["numpy.savez", "os.fsync", "os.write", "os.rename", "os.mkdir"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    save(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(where, full_disk)
        with pytest.raises(RlgenError) as caught:
            save(tmp_path, 2)
    assert not isinstance(caught.value, UserError)
    for word in ("step 2", "No space left", "untouched", "--resume"):
        assert word in str(caught.value)
    assert names(tmp_path) == ["step-000000000001"]
    assert checkpoint.newest_good(tmp_path)[0].step == 1


def test_an_interrupted_write_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process died: nothing tidies up, and still only whole checkpoints have a checkpoint's name."""
    save(tmp_path, 1)

    class Died(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Died

    for where in ("numpy.savez", "os.fsync", "os.write", "os.rename"):
        with monkeypatch.context() as patch:
            patch.setattr(where, die)
            with pytest.raises(Died):
                save(tmp_path, 2)
    assert len(names(tmp_path)) == 5
    assert [c.step for c in checkpoint.listed(tmp_path)] == [1]
    good, _, faults = checkpoint.newest_good(tmp_path)
    assert (good.step, faults) == (1, [])
    checkpoint.keep_last(tmp_path, 3)
    assert names(tmp_path) == ["step-000000000001"]


def test_what_it_is_of_and_what_belongs_to_it(tmp_path: Path) -> None:
    saved = save(tmp_path, 7, best={"step": 5}, run={"a": [1]})
    manifest, data = saved.manifest(), (saved.path / "state.npz").read_bytes()
    about = {"best": {"step": 5}, "run": {"a": [1]}, "step": 7, "bytes": len(data)}
    assert manifest == {**about, "sha256": hashlib.sha256(data).hexdigest()}
    saved.path.rename(tmp_path / "step-000000000008")
    with pytest.raises(CheckpointDamaged, match="checkpoint.json: it is of step 7"):
        checkpoint.listed(tmp_path)[0].load()


@pytest.mark.parametrize(
    "values", [{"bytes": 5}, {"bytes": None}, {"sha256": "0"}, {"sha256": 7}, {"step": "4"}], ids=str
)
def test_a_manifest_that_does_not_fit(tmp_path: Path, values: dict[str, Any]) -> None:
    rewrite(save(tmp_path, 4).path / "checkpoint.json", **values)
    with pytest.raises(CheckpointDamaged, match="step-000000000004 is damaged"):
        checkpoint.listed(tmp_path)[0].load()


def test_any_bit_of_it_is_missed(tmp_path: Path) -> None:
    path = save(tmp_path, 4).path
    for name in ("state.npz", "checkpoint.json"):
        data = (path / name).read_bytes()
        for place in range(0, len(data), 13):
            (path / name).write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
            with pytest.raises(CheckpointDamaged):
                checkpoint.listed(tmp_path)[0].load()
        (path / name).write_bytes(data)
    checkpoint.listed(tmp_path)[0].load()


@pytest.mark.parametrize("name", ["state.npz", "checkpoint.json"])
def test_pipes_are_not_waited_for(tmp_path: Path, name: str) -> None:
    path = save(tmp_path, 4).path
    (path / name).unlink()
    os.mkfifo(path / name)
    with pytest.raises(CheckpointDamaged, match="is no regular file"):
        checkpoint.listed(tmp_path)[0].load()


def test_a_link_is_no_checkpoint(tmp_path: Path) -> None:
    theirs = save(tmp_path / "theirs", 9).path
    save(tmp_path / "ours", 4)
    (tmp_path / "ours" / theirs.name).symlink_to(theirs)
    (tmp_path / "ours" / ".removed-link").symlink_to(theirs)
    assert [c.step for c in checkpoint.listed(tmp_path / "ours")] == [4]
    checkpoint.keep_last(tmp_path / "ours", 1)
    checkpoint.drop_after(tmp_path / "ours", 1)
    assert names(tmp_path / "ours") == [theirs.name] and names(theirs) == ["checkpoint.json", "state.npz"]


def test_only_these_steps_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4):
        save(tmp_path, step)
    (tmp_path / ".writing-left").touch()
    checkpoint.keep_only(tmp_path, {2, 4, 9})
    assert names(tmp_path) == ["step-000000000002", "step-000000000004"]


def test_a_reader_that_finds_everything_gone_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every checkpoint that was listed is replaced before it is read, a few times."""
    save(tmp_path, 1)
    load, left = checkpoint.Checkpoint.load, iter(range(2, 6))

    def late(self: checkpoint.Checkpoint, **how: Any) -> Any:
        if (step := next(left, None)) is not None:
            save(tmp_path, step)
            checkpoint.keep_last(tmp_path, 1)
        return load(self, **how)

    monkeypatch.setattr(checkpoint.Checkpoint, "load", late)
    good, arrays, faults = checkpoint.newest_good(tmp_path)
    assert (good.step, arrays["step"], faults) == (5, 5, [])


def test_what_helps_where_a_file_could_not_be_written() -> None:
    assert checkpoint.way_on(OSError(errno.ENOSPC, "")) == checkpoint.way_on(OSError(errno.EDQUOT, ""))
    assert checkpoint.way_on(OSError(errno.ENOSPC, "")) == "free some space"
    assert checkpoint.way_on(OSError(errno.EACCES, "")) == checkpoint.way_on(OSError()) == "see to that"
