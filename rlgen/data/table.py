"""A table in a CSV file: numbers and categories in its columns, one of which is the target; or a series in its rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rlgen.data import Arrays, Dataset, Part
from rlgen.data.columns import is_number, number_of
from rlgen.data.series import Series
from rlgen.data.tabular import FEWEST_ROWS, Tabular, Task, read_csv
from rlgen.errors import UserError, nearest


class Table(Dataset):
    """A CSV file with a header: `csv:prices.csv?target=price`; with `window=20` a series, row after row in time.

    A column of numbers is standardised, one of texts becomes one-hot, and what is missing is filled in, all by the
    training rows alone. Text, or whole numbers with at most 20 values, are classes; other numbers are a target to
    regress on, as they are. Rows are shuffled once and for all and cut 80 : 10 : 10.

    A series sees the columns of numbers in the `window` rows before the one whose target it says. Rows are in the order
    of the first column of dates (2026-01-31), if there is one, and cut in that order.
    """

    def __init__(self, *, file: Path, target: str, task: Task = "auto", group: str = "", window: int = 0) -> None:
        """Read the file.

        Args:
            file: with a header line.
            target: the column to learn.
            task: what the target is; auto: classes for text and for whole numbers of few values.
            group: a column of two values, or COLUMN:VALUE, that says which of two groups of people a row is about.
            window: rows that a series sees; 0: it is none.

        Raises:
            UserError: no such file or column, or a value that cannot be understood; the message has the line.
        """
        header, rows, lines = read_csv(file)
        where = f"'{file}'"
        self._made: Any
        if window:
            if group or task != "auto":
                raise UserError(f"window={window} makes {where} a series: leave out group and task.")
            self._made = _series(header, rows, lines, target=target, window=window, where=where)
        else:
            self._made = Tabular(header, rows, target=target, where=where, task=task, group=group, lines=lines)
        self.spec, self.target = self._made.spec, self._made.target

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # While the constructor has not run, as in a copy.
            raise AttributeError(name)
        return getattr(self._made, name)

    def split(self, part: Part) -> Arrays:
        """The rows of one part; every call gives the same."""
        arrays: Arrays = self._made.split(part)
        return arrays


def _series(
    header: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int], *, target: str, window: int, where: str
) -> Series:
    """The rows as a series, in the order of their dates."""
    if target not in header:
        raise UserError(f"{where} has no column '{target}'.{nearest(target, header)} Columns: {', '.join(header)}.")
    if len(rows) < FEWEST_ROWS:
        raise UserError(f"{where} has {len(rows)} rows below its header; {FEWEST_ROWS} are least.")
    dates = next((i for i in range(len(header)) if all(_is_date(row[i]) for row in rows)), None)
    order = list(range(len(rows)))
    if dates is not None:
        order.sort(key=lambda i: np.datetime64(rows[i][dates].strip()))
    numeric = [i for i, name in enumerate(header) if name == target or all(is_number(row[i]) for row in rows)]
    values = np.array(
        [
            [number_of(rows[i][place], column=header[place], where=where, line=lines[i]) for place in numeric]
            for i in order
        ]
    )
    names = [header[place] for place in numeric]
    ends = (round(0.8 * len(rows)), round(0.9 * len(rows)))
    return Series(values, window=window, ends=ends, column=names.index(target), names=names)


def _is_date(text: str) -> bool:
    """Whether a text is a day, or a moment, as ISO 8601 writes them."""
    if is_number(text):
        return False
    try:
        return not np.isnat(np.datetime64(text.strip()))
    except ValueError:
        return False
