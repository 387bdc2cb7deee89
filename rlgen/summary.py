"""TensorBoard summaries, and reading them back.

Written with TensorBoard's own record writer: no TensorFlow, no thread (which would lose the error of a full
disk), no cost per scalar worth naming. Pictures are uint8, because TensorBoard clips floats without a word.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files

FLUSH_SECONDS = 10
EVENTS = "events.out.tfevents."

_files = itertools.count()


class SummaryWriter:
    """One directory of TensorBoard events; the x axis is the run's step.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, directory: Path, *, resumed_at: int | None = None) -> None:
        """Open a new event file; `resumed_at` tells TensorBoard to forget later steps written before."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        files.make_directory(directory)
        # Readers take the files of a directory in the order of their names.
        name = f"{EVENTS}{latest(directory, time.time()):017.6f}.{socket.gethostname()}.{os.getpid()}.{next(_files)}"
        self._event, self._flushed = Event, time.monotonic()
        self._file = files.create(directory / name)
        files.sync_directory(directory)
        self._records = RecordWriter(self._file)
        self._write(file_version="brain.Event:2")
        # The first start is no restart to TensorBoard, so a run that was never stopped needs one as well.
        first = 0 if resumed_at is None else resumed_at + 1
        self._write(step=first, session_log=SessionLog(status=SessionLog.START))
        self.flush()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One point for each name."""
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        for name, value in values.items():
            self._add(step, scalar_pb(name, float(value)))

    def text(self, step: int, name: str, markdown: str) -> None:
        """A text in Markdown."""
        from tensorboard.plugins.text.summary_v2 import text_pb

        self._add(step, text_pb(name, markdown))

    def image(self, step: int, name: str, pixels: npt.NDArray[np.uint8]) -> None:
        """A picture, uint8 [height, width, 1, 3 or 4]."""
        from tensorboard.compat.proto import summary_pb2
        from tensorboard.plugins.image import metadata
        from tensorboard.util.tensor_util import make_tensor_proto

        height, width = pixels.shape[:2]
        data = [str(width).encode(), str(height).encode(), png_bytes(pixels)]
        plugin = metadata.create_summary_metadata(display_name=None, description=None)
        self._add(
            step,
            summary_pb2.Summary(
                value=[
                    summary_pb2.Summary.Value(
                        tag=name, metadata=plugin, tensor=make_tensor_proto(data, dtype=np.object_)
                    )
                ]
            ),
        )

    def add(
        self,
        step: int,
        scalars: Mapping[str, float],
        images: Mapping[str, npt.NDArray[np.uint8]],
        texts: Mapping[str, str],
    ) -> None:
        """All there is to say at a step."""
        self.scalars(step, scalars)
        for name, pixels in images.items():
            self.image(step, name, pixels)
        for name, markdown in texts.items():
            self.text(step, name, markdown)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._file.flush()
        self._flushed = time.monotonic()

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        files.sync(self._file)
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()

    def _add(self, step: int, summary: Any) -> None:
        self._write(step=step, summary=summary)
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def _write(self, **fields: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **fields).SerializeToString())


def latest(directory: Path, now: float) -> float:
    """The time for a new event file's name: `now`, or after all that are there, where the clock has been set back."""
    names = (file.name.removeprefix(EVENTS) for file in directory.glob(f"{EVENTS}*"))
    times = [float(found[0]) for name in names if (found := re.match(r"\d+(\.\d{6})?(?=\.)", name))]
    return max([now, *(time + 1 for time in times if time >= now)])


def png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A uint8 picture as PNG."""
    import imageio.v3 as imageio

    buffer = io.BytesIO()
    squeezed = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    imageio.imwrite(buffer, squeezed, extension=".png")
    return buffer.getvalue()


def read_images(directory: Path, name: str) -> list[tuple[int, bytes]]:
    """The pictures of a name in a directory of events, (step, PNG) in order; of a step written twice, the last."""
    found = {}
    for step, value in _values(directory):
        if value.tag == name and value.metadata.plugin_data.plugin_name == "images":
            found[step] = value.tensor.string_val[2]
    return sorted(found.items())


def _values(directory: Path) -> Iterator[tuple[int, Any]]:
    """Everything in a directory of events, with its step, in the order of writing."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    for file in sorted(directory.glob("events.*")):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                yield event.step, value
