"""Examples in files, and what a model says of them as lines of a table.

A run remembers how the columns of its table became numbers, so the data it learned from need not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen import files
from rlgen.data import Dataset, Target, pixels
from rlgen.data.columns import encode, number_of
from rlgen.data.tabular import read_csv
from rlgen.errors import UserError
from rlgen.spec import Spec
from rlgen.supervised.tasks import Prediction


class Inputs(NamedTuple):
    """Examples [N, *shape], and what each is called in the table."""

    called: str
    names: Sequence[str]
    x: npt.NDArray[Any]


def lines(
    source: Path, predict: Callable[[npt.NDArray[Any]], Prediction], *, dataset: Dataset, target: Target, problem: str
) -> Iterator[Sequence[str]]:
    """A line for each example in a file or folder, behind a header.

    Args:
        source: a CSV file, a picture, a folder of pictures, or a file .npy with examples [N, *shape].
        predict: says something of examples.
        dataset: that was learned from, or what is remembered of it.
        target: what is predicted.
        problem: the data set's name, for messages.

    Raises:
        UserError: nothing that this model can be given; the message names the file, the line or the column.
    """
    inputs = _read(source, dataset, problem)
    header, columns = _columns(target, *predict(inputs.x))
    yield [inputs.called, *header]
    yield from zip(inputs.names, *columns, strict=True)


def _read(source: Path, dataset: Dataset, problem: str) -> Inputs:
    spec = dataset.spec
    if source.suffix == ".npy":
        return _read_array(source, spec)
    if spec.picture:
        return _read_pictures(source, spec)
    if source.is_dir():
        raise UserError(f"'{source}' is a directory, and '{problem}' has no pictures: give a CSV file, or a .npy.")
    return _read_table(source, dataset, problem)


def _read_array(source: Path, spec: Spec) -> Inputs:
    try:
        with files.open_to_read(source) as opened:
            x = np.load(opened, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"'{source}' cannot be read as an array: {error}") from error
    if x.shape[1:] != spec.shape or not len(x) or x.dtype.kind not in "biuf":
        raise UserError(f"'{source}' is {x.dtype} {list(x.shape)}; examples are {spec.dtype} {spec.batch}.")
    return Inputs("row", [str(i) for i in range(len(x))], x)


def _read_pictures(source: Path, spec: Spec) -> Inputs:
    height, width, channels = spec.shape
    found = (
        sorted(path for path in source.iterdir() if path.suffix.lower() in pixels.ENDINGS) if source.is_dir() else []
    )
    if source.is_dir() and not found:
        raise UserError(f"There is no picture in '{source}': they end in {', '.join(pixels.ENDINGS)}.")
    if channels not in (1, 3):
        raise UserError(f"These pictures have {channels} channels, which no file has: give a .npy file.")
    sources = found or [source]
    white = pixels.colour("white")
    made = [pixels.fitted(pixels.read(path, channels=channels, background=white), height, width) for path in sources]
    x = np.stack(made)
    return Inputs("file", [path.name for path in sources], x if spec.dtype == "uint8" else x / np.float32(255))


def _read_table(source: Path, dataset: Dataset, problem: str) -> Inputs:
    """Rows by the columns that the run remembers, or by their places where it learned from numbers without names."""
    header, rows, lines = read_csv(source)
    where, columns, spec = f"'{source}'", getattr(dataset, "columns", None), dataset.spec
    if not rows:
        raise UserError(f"{where} has no rows below its header.")
    if columns is None:
        if len(header) != spec.size:
            raise UserError(f"{where} has {len(header)} columns; examples of '{problem}' are {spec.size} numbers.")
        x = np.array(
            [
                [number_of(text, column=name, where=where, line=line) for name, text in zip(header, row, strict=True)]
                for line, row in zip(lines, rows, strict=True)
            ],
            np.float32,
        )
        return Inputs("line", [str(line) for line in lines], x.reshape(-1, *spec.shape))
    x = encode(columns, header, rows, where=where, lines=lines)
    if x.shape[1:] == spec.shape:
        return Inputs("line", [str(line) for line in lines], x)
    window = spec.shape[0]
    if len(x) < window:
        raise UserError(f"{where} has {len(x)} rows, and a forecast takes the last {window}: give at least so many.")
    stretches = np.stack([x[i : i + window] for i in range(len(x) - window + 1)])
    # A forecast is of the row behind the last one that it sees.
    return Inputs("after_line", [str(line) for line in lines[window - 1 :]], stretches.reshape(-1, *spec.shape))


def _columns(target: Target, mean: npt.NDArray[Any], deviation: npt.NDArray[Any] | None) -> tuple[list[str], list[Any]]:
    """Names of columns, and each column's values, in the order of the examples."""
    if target.label:
        chosen = [target.classes[i] for i in mean.argmax(axis=1)]
        header, columns = ["prediction"], [chosen]
        names: Sequence[str] = target.classes
    elif target.numbers:
        flat = mean.reshape(len(mean), -1)
        names = [""] if flat.shape[1] == 1 else [str(i) for i in range(flat.shape[1])]
        header, columns, mean = [], [], flat
        deviation = None if deviation is None else deviation.reshape(flat.shape)
    else:
        raise UserError(
            f"What is predicted are {target.spec}, which no line of a table holds: use `rlgen.load(RUN).predict(x)`."
        )
    kinds = [("probability" if target.label else "prediction", mean), ("deviation", deviation)]
    for kind, values in kinds:
        if values is not None:
            header += ["_".join(filter(None, (kind, name))) for name in names]
            columns += [[f"{value:.6g}" for value in column] for column in values.T]
    return header, columns
