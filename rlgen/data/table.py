"""A table in a CSV file: numbers in its columns, one of which is the target."""

from __future__ import annotations

import csv
import math
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.errors import UserError, nearest
from rlgen.spec import Spec

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
MOST_CLASSES = 20
SEED = 0


class Table(Dataset):
    """A CSV file with a header: `csv:prices.csv?target=price`; every other column has to hold numbers.

    `x` is float32 [N, columns], each column less the training part's mean, over its deviation. Text, or whole numbers
    with at most 20 values, are classes; other numbers are a target to regress on, as they are. Rows are shuffled once
    and for all and cut 80 : 10 : 10.
    """

    def __init__(self, *, file: Path, target: str, task: Literal["auto", "classes", "numbers"] = "auto") -> None:
        """Read the file.

        Args:
            file: with a header line.
            target: the column to learn.
            task: what the target is; auto: classes for text and for whole numbers of few values.

        Raises:
            UserError: no such file or column, or something that is no number; the message has the line.
        """
        header, rows = _read(file)
        if target not in header:
            raise UserError(
                f"'{file}' has no column '{target}'.{nearest(target, header)} Columns: {', '.join(header)}."
            )
        place = header.index(target)
        self.columns = [name for name in header if name != target]
        values = np.array([[_number(row[i], file, line, header[i]) for i in range(len(header)) if i != place]
                           for line, row in rows], np.float64)  # fmt: skip
        wanted = [row[place].strip() for _, row in rows]
        self._values, self.spec = values, Spec((len(self.columns),))
        self.target, self._wanted = _target(wanted, task, file, target, [line for line, _ in rows])

    def split(self, part: Part) -> Arrays:
        """The rows of one part; every call gives the same."""
        train = self._values[self._parts["train"]]
        mean, deviation = train.mean(0), train.std(0)
        chosen = self._parts[part]
        x = (self._values[chosen] - mean) / np.where(deviation > 0, deviation, 1.0)
        return Arrays(x.astype(np.float32), self._wanted[chosen])

    @cached_property
    def _parts(self) -> dict[str, npt.NDArray[np.int64]]:
        order = runtime.generator(SEED, "table").permutation(len(self._values))
        ends = np.cumsum([math.floor(share * len(order)) for share in (SHARES["validation"], SHARES["test"])])
        validation, test, train = np.split(order, ends)
        return {"train": train, "validation": validation, "test": test}


def _read(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each row with its line."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"'{file}' cannot be read as a table: {error}") from error
    if len(header) < 2 or len(rows) < 10:
        raise UserError(
            f"'{file}' has {len(header)} columns and {len(rows)} rows below its header; 2 and 10 are least."
        )
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"'{file}', line {line}: {len(row)} values where the header has {len(header)} columns.")
    return header, rows


def _number(text: str, file: Path, line: int, column: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(
            f"'{file}', line {line}: '{text}' in the column '{column}' is no finite number. Leave the column out, or "
            "turn it into numbers first."
        )
    return number


def _target(
    wanted: list[str], task: str, file: Path, column: str, lines: list[int]
) -> tuple[Target, npt.NDArray[np.int32] | npt.NDArray[np.float32]]:
    """What the column is, and its values."""
    names = sorted(set(wanted))
    whole = all(name.lstrip("+-").isdigit() for name in names)
    if task == "auto":
        numeric = all(_is_number(name) for name in names)
        task = "numbers" if numeric and not (whole and len(names) <= MOST_CLASSES) else "classes"
    if task == "numbers":
        values = [_number(text, file, line, column) for text, line in zip(wanted, lines, strict=True)]
        return Target(Spec(())), np.array(values, np.float32)
    names = sorted(names, key=int) if whole else names
    return Target.one_of(*names), np.array([names.index(name) for name in wanted], np.int32)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
