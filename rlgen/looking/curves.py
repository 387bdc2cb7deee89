"""The curves of a run as arrays, out of the event files of any program that writes TensorBoard's scalars."""

from __future__ import annotations

import array
import csv
import dataclasses
import io
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files, paths, runtime
from rlgen.errors import UserError, nearest

# Around each record of an event file: its length, and checksums of the length and of the record.
FRAME_BYTES = 16
# Numbers of TensorFlow's types, where a tensor of them holds one number, and how it is packed.
PLACES = {1: ("float_val", "<f"), 2: ("double_val", "<d"), 3: ("int_val", "<i"), 9: ("int64_val", "<q")}


@dataclasses.dataclass(frozen=True)
class Curve:
    """A scalar over training, each of its steps once, in order.

    Attributes:
        steps: int64 [N].
        values: float64 [N].
        times: when each was written, seconds since 1970, float64 [N].
    """

    steps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    times: npt.NDArray[np.float64]


class Curves(Mapping[str, Curve]):
    """Curves by their names.

    Attributes:
        path: where they were read.
        damage: what could not be read, a sentence each.
    """

    def __init__(self, path: Path, curves: Mapping[str, Curve], damage: Iterable[str] = ()) -> None:
        self.path, self.damage = path, tuple(damage)
        self._curves = dict(sorted(curves.items()))

    def __getitem__(self, name: str) -> Curve:
        return self._curves[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._curves)

    def __len__(self) -> int:
        return len(self._curves)

    def only(self, names: Iterable[str]) -> Curves:
        """Those of these names, all of them if there is none.

        Raises:
            UserError: one is not there.
        """
        wanted = list(names) or list(self)
        for name in wanted:
            if name not in self:
                raise UserError(f"{self.path} has no scalar '{name}'.{nearest(name, self) or _names(self)}")
        return Curves(self.path, {name: self[name] for name in wanted}, self.damage)

    def to_csv(self) -> str:
        """A row for each point: the scalar's name, the step, the value, and when it was written."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("scalar", "step", "value", "time"))
        for name, curve in self.items():
            points = zip(curve.steps.tolist(), curve.values.tolist(), curve.times.tolist(), strict=True)
            rows.writerows((name, *point) for point in points)
        return text.getvalue()


def read(path: str | os.PathLike[str]) -> Curves:
    """Every scalar below a run's directory, or a directory that another program logged to.

    A damaged file is read up to the damage. A name that stands in several directories of events gets that of its
    directory before it, `directory/name`.

    Args:
        path: the directory.

    Raises:
        UserError: there are no event files.
    """
    place = Path(path)
    directories = sorted({file.parent for file in place.rglob("events.out.tfevents.*") if file.is_file()})
    if not directories:
        what = "has no event files of TensorBoard" if place.is_dir() else "is no directory"
        raise UserError(f"{place} {what}. `rlgen train` prints the directory of the run it makes.")
    found, damage = {}, []
    for directory in directories:
        found[directory], faults = read_directory(directory)
        damage += faults
    names = [name for curves in found.values() for name in curves]
    return Curves(
        place,
        {
            name if names.count(name) == 1 else f"{directory.relative_to(place).as_posix()}/{name}": curve
            for directory, curves in found.items()
            for name, curve in curves.items()
        },
        damage,
    )


def read_directory(directory: Path) -> tuple[dict[str, Curve], list[str]]:
    """The scalars of one directory's event files, and what is damaged in them.

    As in TensorBoard, what was written at later steps than the one at which a run goes on is forgotten.
    """
    made, damage = _Points(), []
    for file in sorted(directory.glob("events.out.tfevents.*")):
        damage += made.read(file)
    return made.curves(), damage


class _Points:
    """Points in the order of writing."""

    def __init__(self) -> None:
        self._points: dict[str, tuple[array.array[int], array.array[float], array.array[float]]] = {}
        self._plugins: dict[str, str] = {}

    def read(self, file: Path) -> list[str]:
        """Add those of a file; a sentence if it is damaged."""
        runtime.import_tensorflow()  # TensorBoard's reader would, with all it has to say of the machine.
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        size, whole, start = file.stat().st_size, 0, SessionLog.START
        for record in RawEventFileLoader(str(file)).Load() if size else ():
            try:
                event = Event.FromString(record)
            except DecodeError:
                break
            whole += len(record) + FRAME_BYTES
            values = event.summary.value
            if not values and event.session_log.status == start:
                self._forget(event.step)
            for value in values:
                self._add(event.step, event.wall_time, value)
        return [f"{file} cannot be read from byte {whole:,} of {size:,} on."] if whole < size else []

    def _add(self, step: int, time: float, value: Any) -> None:
        name = value.tag
        if name not in self._plugins:  # Which is said with the first of them alone, by some.
            self._plugins[name] = value.metadata.plugin_data.plugin_name
        number = _number(value) if self._plugins[name] in ("", "scalars") else None
        if number is None:
            return
        if name not in self._points:
            self._points[name] = array.array("q"), array.array("d"), array.array("d")
        steps, values, times = self._points[name]
        steps.append(step)
        values.append(number)
        times.append(time)

    def _forget(self, start: int) -> None:
        """A run goes on from before this step."""
        for columns in self._points.values() if start > 0 else ():
            while columns[0] and columns[0][-1] >= start:
                for column in columns:
                    column.pop()

    def curves(self) -> dict[str, Curve]:
        """All, sorted; of a step written twice, the last."""
        made = {}
        for name, columns in self._points.items():
            steps, values, times = (np.asarray(column) for column in columns)
            # The first of each step from behind is the last.
            _, last = np.unique(steps[::-1], return_index=True)
            kept = len(steps) - 1 - last
            if len(kept):
                made[name] = Curve(steps[kept], values[kept], times[kept])
        return made


def _number(value: Any) -> float | None:
    """A summary's one number, as TensorFlow 1, PyTorch and TensorFlow 2 write it; None where it is something else."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    shape = tensor.tensor_shape.dim
    if tensor.dtype not in PLACES or (shape and any(dimension.size != 1 for dimension in shape)):
        return None
    field, packed = PLACES[tensor.dtype]
    if tensor.tensor_content:
        return float(struct.unpack(packed, tensor.tensor_content)[0])
    numbers = getattr(tensor, field)
    return float(numbers[0]) if numbers else 0.0


def _names(curves: Mapping[str, Curve]) -> str:
    return f" There are {', '.join(curves)}." if curves else " It has none."


def export(path: str | os.PathLike[str], *, out: str | os.PathLike[str], scalars: Iterable[str] = ()) -> Path:
    """Write a run's curves as a CSV file, whole or not at all; what could not be read of them is said.

    Args:
        path: as for `read`.
        out: the file, which must not be there yet.
        scalars: names of those that are wanted; all if there is none.

    Raises:
        UserError: there are no event files, a scalar is not there, or the file cannot be made.
    """
    file = Path(out)
    if file.suffix != ".csv":
        raise UserError(f"{file}: scalars are written as a CSV file: name it {file.with_suffix('.csv')}.")
    paths.check_new_place(file)
    found = read(path).only(scalars)
    for sentence in found.damage:
        runtime.tell(sentence)
    try:
        files.make_directory(file.parent)
        files.write(file, found.to_csv().encode())
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}.") from error
    return file
