"""TensorBoard summaries and their twin in JSON lines; and reading them back.

Written with TensorBoard's own event writer: no TensorFlow operation, no graph, no cost per scalar worth
naming. Pictures are uint8, because TensorBoard clips floats without a word.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.algorithm import Evaluation


class SummaryWriter:
    """One directory of TensorBoard events; the x axis is the run's step."""

    def __init__(self, directory: Path, *, resumed_at: int | None = None) -> None:
        """Open a new event file; `resumed_at` tells TensorBoard to forget later steps written before."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        directory.mkdir(parents=True, exist_ok=True)
        self._event = Event
        self._writer = EventFileWriter(str(directory), flush_secs=10)
        if resumed_at is not None:
            start = SessionLog(status=SessionLog.START)
            self._writer.add_event(Event(wall_time=time.time(), step=resumed_at + 1, session_log=start))

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

    def evaluation(self, step: int, evaluation: Evaluation) -> None:
        """All that an evaluation found."""
        self.scalars(step, evaluation.scalars)
        for name, pixels in evaluation.images.items():
            self.image(step, name, pixels)
        for name, markdown in evaluation.texts.items():
            self.text(step, name, markdown)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._writer.flush()

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()

    def _add(self, step: int, summary: Any) -> None:
        self._writer.add_event(self._event(wall_time=time.time(), step=step, summary=summary))


def png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A uint8 picture as PNG."""
    import imageio.v3 as imageio

    buffer = io.BytesIO()
    squeezed = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    imageio.imwrite(buffer, squeezed, extension=".png")
    return buffer.getvalue()


def append_line(file: Path, row: Mapping[str, Any]) -> None:
    """Add one JSON object to a file of JSON lines."""
    with file.open("a") as lines:
        lines.write(json.dumps(row) + "\n")


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; a last line that was cut short is left out."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def drop_lines_after(file: Path, step: int) -> None:
    """Forget the lines of later steps: a resumed run writes them again."""
    rows = [row for row in read_lines(file) if row.get("step", 0) <= step]
    if file.exists():
        beside = file.with_suffix(".writing")
        beside.write_text("".join(json.dumps(row) + "\n" for row in rows))
        beside.replace(file)


def read_scalars(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar in a directory of events, by name: (step, value) in order; of a step written twice, the last."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    points: dict[str, dict[int, float]] = {}
    for file in sorted(directory.glob("events.*")):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                if value.HasField("tensor") and value.metadata.plugin_data.plugin_name in ("", "scalars"):
                    array = make_ndarray(value.tensor)
                    if array.size == 1 and array.dtype.kind == "f":
                        points.setdefault(value.tag, {})[event.step] = float(array.reshape(()))
    return {name: sorted(steps.items()) for name, steps in points.items()}
