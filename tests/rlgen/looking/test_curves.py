import csv
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

import rlgen
from rlgen.errors import UserError
from rlgen.looking import curves
from rlgen.summary import SummaryWriter


def logged(directory: Path, *points: tuple[int, dict[str, float]], **how: Any) -> Path:
    writer = SummaryWriter(directory, **how)
    for step, values in points:
        writer.scalars(step, values)
    writer.close()
    return directory


def only_file(directory: Path) -> Path:
    (file,) = directory.glob("events.*")
    return file


def test_a_run_as_arrays(tmp_path: Path) -> None:
    logged(tmp_path / "train", (1, {"train/loss": 0.5}), (3, {"train/loss": 0.25, "time/fps": 100.0}))
    logged(tmp_path / "eval", (2, {"eval/accuracy": 0.75}))
    found = rlgen.read(tmp_path)
    assert list(found) == ["eval/accuracy", "time/fps", "train/loss"] and found.damage == ()
    loss = found["train/loss"]
    np.testing.assert_array_equal(loss.steps, [1, 3])
    np.testing.assert_array_equal(loss.values, [0.5, 0.25])
    assert (loss.steps.dtype, loss.values.dtype, loss.times.dtype) == (np.int64, np.float64, np.float64)
    assert 0 <= loss.times[1] - loss.times[0] < 60


def test_one_name_in_two_directories(tmp_path: Path) -> None:
    for number in (1, 2):
        logged(tmp_path / f"seed{number}", (1, {"loss": number, f"only{number}": 0.0}))
    assert list(rlgen.read(tmp_path)) == ["only1", "only2", "seed1/loss", "seed2/loss"]


def test_what_was_written_after_the_step_a_run_goes_on_at_is_forgotten(tmp_path: Path) -> None:
    logged(tmp_path, (1, {"a": 1.0}), (2, {"a": 2.0}), (3, {"a": 3.0, "b": 3.0}))
    logged(tmp_path, (2, {"a": 20.0}), resumed_at=1)
    found = rlgen.read(tmp_path)
    assert list(found) == ["a"]
    assert found["a"].steps.tolist() == [1, 2] and found["a"].values.tolist() == [1.0, 20.0]


def test_how_others_write_scalars(tmp_path: Path) -> None:
    import tensorflow as tf

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step in range(3):
            tf.summary.scalar("two", step * 0.5, step=step)
            tf.summary.text("words", "no number", step=step)
            tf.summary.histogram("spread", [1.0, 2.0], step=step)
    with (tmp_path / "events.out.tfevents.9999999999.torch").open("wb") as file:
        records = RecordWriter(file)
        for step in range(3):
            summary = Summary(value=[Summary.Value(tag="one", simple_value=step)])
            records.write(Event(step=step, wall_time=1.0, summary=summary).SerializeToString())
    found = rlgen.read(tmp_path)
    assert {name: curve.values.tolist() for name, curve in found.items()} == {
        "one": [0.0, 1.0, 2.0],
        "two": [0.0, 0.5, 1.0],
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("value", [0, 3])
def test_numbers_of_every_type(dtype: Any, value: int) -> None:
    from tensorboard.util.tensor_util import make_tensor_proto

    packed = make_tensor_proto(dtype(value))
    assert curves._number(Summary.Value(tag="a", tensor=packed)) == value
    packed = make_tensor_proto(np.full(2, value, dtype))
    assert curves._number(Summary.Value(tag="a", tensor=packed)) is None


@pytest.mark.parametrize("cut", [1, 7, 20])
def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path, cut: int) -> None:
    file = only_file(logged(tmp_path, *((step, {"a": float(step)}) for step in range(1, 6))))
    whole = file.read_bytes()
    ends = [0]
    while ends[-1] < len(whole):
        ends.append(ends[-1] + struct.unpack("<Q", whole[ends[-1] : ends[-1] + 8])[0] + curves.FRAME_BYTES)
    file.write_bytes(whole[:-cut])
    found = rlgen.read(tmp_path)
    assert found["a"].values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.damage == (f"{file} cannot be read from byte {ends[-2]:,} of {len(whole) - cut:,} on.",)
    spoilt = bytearray(whole)
    spoilt[ends[-3] + 15] ^= 1
    file.write_bytes(spoilt)
    found = rlgen.read(tmp_path)
    assert found["a"].values.tolist() == [1.0, 2.0, 3.0]
    assert found.damage == (f"{file} cannot be read from byte {ends[-3]:,} of {len(whole):,} on.",)
    file.write_bytes(b"")
    assert dict(rlgen.read(tmp_path)) == {}


def test_as_a_table(tmp_path: Path) -> None:
    logged(tmp_path / "log", (1, {"a": 0.5, "b,c": 1.0}), (2, {"a": 0.1}))
    out = curves.export(tmp_path / "log", out=tmp_path / "a.csv")
    rows = list(csv.DictReader(out.open()))
    assert [(row["scalar"], int(row["step"]), float(row["value"])) for row in rows] == [
        ("a", 1, 0.5),
        ("a", 2, float(np.float32(0.1))),
        ("b,c", 1, 1.0),
    ]
    curves.export(tmp_path / "log", out=tmp_path / "b.csv", scalars=["b,c"])
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 2


def test_a_table_of_what_is_damaged_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("rlgen.runtime.tell", said.append)
    file = only_file(logged(tmp_path / "log", (1, {"a": 0.5}), (2, {"a": 0.1})))
    file.write_bytes(file.read_bytes()[:-1])
    curves.export(tmp_path / "log", out=tmp_path / "a.csv")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2
    assert len(said) == 1 and said[0].startswith(f"{file} cannot be read from byte ")


def test_what_is_refused(tmp_path: Path) -> None:
    log = logged(tmp_path / "log", (1, {"train/loss": 0.5}))
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        ((tmp_path / "empty", tmp_path / "a.csv", []), "empty has no event files of TensorBoard"),
        ((tmp_path / "nowhere", tmp_path / "a.csv", []), "nowhere is no directory"),
        ((log, tmp_path / "a.txt", []), "name it .*a.csv"),
        ((log, tmp_path / "nowhere" / "a.csv", []), "There is no directory"),
        ((log, tmp_path / "a.csv", ["train/los"]), "has no scalar 'train/los'. Did you mean 'train/loss'"),
        ((log, tmp_path / "a.csv", ["zzz"]), "has no scalar 'zzz'. There are train/loss."),
    ):
        path, out, scalars = arguments
        with pytest.raises(UserError, match=words):
            curves.export(path, out=out, scalars=scalars)
        assert not out.exists()
    curves.export(log, out=tmp_path / "a.csv")
    with pytest.raises(UserError, match="is there already"):
        curves.export(log, out=tmp_path / "a.csv")
