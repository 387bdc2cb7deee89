import contextlib
import io
import time
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from scalars import read_scalars
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

from rlgen.errors import UserError
from rlgen.summary import SummaryWriter, latest, png_bytes, read_images


def test_scalars_come_back(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path / "log")
    writer.scalars(10, {"train/loss": 0.5, "time/fps": 100})
    writer.scalars(20, {"train/loss": 0.25})
    writer.close()
    assert read_scalars(tmp_path / "log") == {"train/loss": [(10, 0.5), (20, 0.25)], "time/fps": [(10, 100.0)]}
    assert read_scalars(tmp_path / "nowhere") == {}


def test_what_is_flushed_is_there_before_closing(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path)
    writer.scalars(1, {"a": 1.0})
    writer.flush()
    assert read_scalars(tmp_path) == {"a": [(1, 1.0)]}
    writer.close()


def test_a_resumed_run_writes_its_steps_again(tmp_path: Path) -> None:
    first = SummaryWriter(tmp_path)
    first.scalars(1, {"a": 1.0})
    first.scalars(2, {"a": 2.0})
    first.close()
    second = SummaryWriter(tmp_path, resumed_at=1)
    second.scalars(2, {"a": 20.0})
    second.close()
    assert read_scalars(tmp_path) == {"a": [(1, 1.0), (2, 20.0)]}
    # TensorBoard itself forgets what the first process wrote after the step the second began at.
    accumulator = EventAccumulator(str(tmp_path))
    accumulator.Reload()
    points = [(event.step, float(event.tensor_proto.float_val[0])) for event in accumulator.Tensors("a")]
    assert points == [(1, 1.0), (2, 20.0)]


def test_a_clock_that_is_set_back_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard follows the files of a directory in the order of their names, while they are written too."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(tmp_path))
    for number, now in enumerate((1_900_000_000.0, 1_900_000_000.0, 1_700_000_000.0)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        writer = SummaryWriter(tmp_path, resumed_at=number or None)
        writer.scalars(number + 1, {"a": number + 1.0})
        writer.close()
        multiplexer.AddRunsFromDirectory(str(tmp_path)).Reload()
    (run,) = multiplexer.Runs()
    assert [event.step for event in multiplexer.Tensors(run, "a")] == [1, 2, 3]
    assert read_scalars(tmp_path) == {"a": [(1, 1.0), (2, 2.0), (3, 3.0)]}


def test_names_of_event_files_grow(tmp_path: Path) -> None:
    assert latest(tmp_path, 5.0) == 5.0
    for name in ("1700000000.machine.7.0.v2", "1800000000.250000.machine.7.0", "notes"):
        (tmp_path / f"events.out.tfevents.{name}").touch()
    assert latest(tmp_path, 1_900_000_000.0) == 1_900_000_000.0
    assert latest(tmp_path, 1_750_000_000.0) == 1_800_000_001.25


def test_an_evaluation_as_tensorboard_reads_it(tmp_path: Path) -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    writer = SummaryWriter(tmp_path)
    writer.add(7, {"eval/x": 3.0}, {"eval/grid": pixels}, {"eval/note": "**hi**"})
    writer.close()
    accumulator = EventAccumulator(str(tmp_path))
    accumulator.Reload()
    assert set(accumulator.Tags()["tensors"]) == {"eval/x", "eval/grid", "eval/note"}
    width, height, png = accumulator.Tensors("eval/grid")[0].tensor_proto.string_val
    assert (width, height) == (b"3", b"2")
    np.testing.assert_array_equal(imageio.imread(io.BytesIO(png)), pixels)
    note = accumulator.Tensors("eval/note")[0]
    assert (note.step, note.tensor_proto.string_val[0]) == (7, b"**hi**")
    plugin = accumulator.SummaryMetadata("eval/grid").plugin_data.plugin_name
    assert plugin == "images"
    # Pictures and texts are no scalars.
    assert read_scalars(tmp_path) == {"eval/x": [(7, 3.0)]}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_keep_their_pixels(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, channels), np.uint8)
    back = imageio.imread(io.BytesIO(png_bytes(pixels)))
    np.testing.assert_array_equal(back.reshape(pixels.shape), pixels)


def test_events_are_written_into_the_run_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "train").symlink_to("theirs")
    with pytest.raises(UserError, match="train is a link, and nothing is written or deleted there"):
        SummaryWriter(tmp_path / "train")
    assert list((tmp_path / "theirs").iterdir()) == []


def test_what_is_synced_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, synced = SummaryWriter(tmp_path), list[int]()
    monkeypatch.setattr("rlgen.files.os.fsync", synced.append)
    writer.scalars(1, {"a": 1.0})
    writer.sync()
    assert len(synced) == 1 and read_scalars(tmp_path) == {"a": [(1, 1.0)]}
    writer.close()


def test_pictures_come_back_in_the_order_of_their_steps(tmp_path: Path) -> None:
    pixels = [np.full((2, 3, 3), i, np.uint8) for i in range(3)]
    # A run that went on writes a step again.
    for steps in ((1, 5), (5, 9)):
        with contextlib.closing(SummaryWriter(tmp_path / "log")) as writer:
            for step in steps:
                writer.image(step, "eval/a", pixels[step // 4])
                writer.image(step, "eval/b", pixels[0])
    assert read_images(tmp_path / "log", "eval/a") == [(s, png_bytes(pixels[s // 4])) for s in (1, 5, 9)]
    assert read_images(tmp_path / "log", "eval/c") == []
