"""TensorBoard summaries, and reading them back.

Written without TensorFlow and without a thread (which would lose the error of a full disk), at no cost per scalar worth
naming. Pictures are uint8, because TensorBoard clips floats without a word.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files

FLUSH_SECONDS = 10
EVENTS = "events.out.tfevents."
BUCKETS = 30
# Of a precision-recall curve, from 0 to 1.
THRESHOLDS = 127

_files = itertools.count()


class SummaryWriter:
    """One directory of TensorBoard events; the x axis is the run's step.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, directory: Path, *, resumed_at: int | None = None) -> None:
        """Open a new event file; `resumed_at` tells TensorBoard to forget later steps written before."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        files.make_directory(directory)
        # Readers take the files of a directory in the order of their names.
        name = f"{EVENTS}{latest(directory, time.time()):017.6f}.{socket.gethostname()}.{os.getpid()}.{next(_files)}"
        self._event, self._flushed = Event, time.monotonic()
        self._file = files.create(directory / name)
        files.sync_directory(directory)
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
        from tensorboard.plugins.text import metadata

        self._tensor(step, name, metadata.create_summary_metadata(None, None), np.array([markdown.encode()], object))

    def image(self, step: int, name: str, pixels: npt.NDArray[np.uint8]) -> None:
        """A picture, uint8 [height, width, 1, 3 or 4]."""
        height, width = pixels.shape[:2]
        self.encoded_image(step, name, png_bytes(pixels), width=width, height=height)

    def encoded_image(self, step: int, name: str, data: bytes, *, width: int, height: int) -> None:
        """A picture as a file of one holds it, PNG or GIF, which may move."""
        from tensorboard.plugins.image import metadata

        parts = np.array([str(width).encode(), str(height).encode(), data], object)
        self._tensor(step, name, metadata.create_summary_metadata(None, None), parts)

    def histogram(self, step: int, name: str, values: npt.ArrayLike) -> None:
        """How numbers are distributed, in `BUCKETS` of equal width; nothing of those that are not finite."""
        from tensorboard.plugins.histogram import metadata

        self._tensor(step, name, metadata.create_summary_metadata(None, None), buckets(np.asarray(values)))

    def precision_recall(self, step: int, name: str, labels: npt.ArrayLike, scores: npt.ArrayLike) -> None:
        """A precision-recall curve: whether each example is one of those looked for, [N], and how likely it seemed."""
        from tensorboard.plugins.pr_curve import metadata

        described = metadata.create_summary_metadata(None, None, THRESHOLDS)
        self._tensor(step, name, described, precision_recall(np.asarray(labels), np.asarray(scores)))

    def graph(self, graph_def: bytes) -> None:
        """The graph of a program, as a serialised `GraphDef`."""
        self._write(graph_def=graph_def)

    def summary(self, step: int, summary: Any) -> None:
        """A summary that a plug-in of TensorBoard understands."""
        self._add(step, summary)

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

    def _tensor(self, step: int, name: str, metadata: Any, array: npt.NDArray[Any]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.util.tensor_util import make_tensor_proto

        value = Summary.Value(tag=name, metadata=metadata, tensor=make_tensor_proto(array, dtype=array.dtype))
        self._add(step, Summary(value=[value]))

    def _add(self, step: int, summary: Any) -> None:
        self._write(step=step, summary=summary)
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def _write(self, **fields: Any) -> None:
        self._file.write(framed(self._event(wall_time=time.time(), **fields).SerializeToString()))


def framed(record: bytes) -> bytes:
    """A record as event files hold it: its length, and checksums of the length and of the record.

    TensorBoard's own writer computes them in Python, at 3 MB a second.
    """
    length = struct.pack("<Q", len(record))
    return b"".join((length, struct.pack("<I", checksum(length)), record, struct.pack("<I", checksum(record))))


def checksum(data: bytes) -> int:
    """CRC-32C, masked as TensorFlow's record files have it, because a checksum of checksums is not one."""
    import google_crc32c

    found: int = google_crc32c.value(data)
    return ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF


def latest(directory: Path, now: float) -> float:
    """The time for a new event file's name: `now`, or after all that are there, where the clock has been set back."""
    names = (file.name.removeprefix(EVENTS) for file in directory.glob(f"{EVENTS}*"))
    times = [float(found[0]) for name in names if (found := re.match(r"\d+(\.\d{6})?(?=\.)", name))]
    return max([now, *(time + 1 for time in times if time >= now)])


def buckets(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Numbers as TensorBoard's histogram: left edge, right edge and count of each of `BUCKETS`, [BUCKETS, 3]."""
    numbers = values[np.isfinite(values)].astype(np.float64)
    if not len(numbers):
        return np.zeros((BUCKETS, 3))
    low, high = numbers.min(), numbers.max()
    if not high > low:  # TensorBoard draws the last of equal ones.
        counts = np.array([0] * (BUCKETS - 1) + [len(numbers)])
        return np.stack([np.full(BUCKETS, low), np.full(BUCKETS, low), counts], axis=1)
    counts, edges = np.histogram(numbers, BUCKETS, (low, high))
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def precision_recall(labels: npt.NDArray[Any], scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """What TensorBoard draws of labels [N] and scores [N] in [0, 1] at `THRESHOLDS` from 0 to 1, [6, THRESHOLDS].

    True positives, false positives, true negatives, false negatives, precision, recall.
    """
    place = np.clip(scores * (THRESHOLDS - 1), 0, THRESHOLDS - 1).astype(int)
    # Those with a score of a threshold and above.
    hits, alarms = (
        np.bincount(place[labels == kind], minlength=THRESHOLDS)[::-1].cumsum()[::-1].astype(np.float64)
        for kind in (True, False)
    )
    precision, recall = hits / np.maximum(hits + alarms, 1), hits / max(hits[0], 1)
    return np.stack([hits, alarms, alarms[0] - alarms, hits[0] - hits, precision, recall])


def png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A uint8 picture as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    squeezed = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    Image.fromarray(squeezed).save(buffer, "PNG")
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
