"""Tables: rows of text with a header, one column of which is the target. The base of all data sets that are one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.data.columns import Column, all_numbers, encode, is_number, missing, number_of
from rlgen.errors import UserError, nearest
from rlgen.spec import Spec

Task = Literal["auto", "classes", "numbers"]
Rows = Sequence[Sequence[str]]

MOST_CLASSES = 20
FEWEST_ROWS = 10
SEED = 0


class Tabular(Dataset):
    """Rows of a table: numbers standardised and categories one-hot, by the training rows alone.

    A missing number is the training rows' median, and a further number says that it was missing. Rows are shuffled once
    and for all, and cut with the classes in their shares.

    Attributes:
        columns: how each column becomes numbers; a run keeps them, so that it can read rows without the table.
    """

    target: Target

    def __init__(
        self,
        header: Sequence[str],
        rows: Rows,
        *,
        target: str,
        where: str,
        task: Task = "auto",
        group: str = "",
        lines: Sequence[int] | None = None,
        held_out: float = 0.1,
    ) -> None:
        """Understand a table.

        Args:
            header: names of the columns.
            rows: of text.
            target: the column to learn.
            where: the table's name, for messages.
            task: what the target is; auto: classes for text and for whole numbers of few values.
            group: a column of two values, or COLUMN:VALUE, which rows are of two groups by; "": none.
            lines: of the rows in a file.
            held_out: share of the rows that validates; as many test.

        Raises:
            UserError: no such column, too few rows, values that cannot be understood; the message has the line.
        """
        self._lines = list(lines or range(2, 2 + len(rows)))
        self._where, self._header = where, list(header)
        if target not in self._header:
            raise UserError(_no_column(where, target, self._header))
        if len(self._header) < 2 or len(rows) < FEWEST_ROWS:
            raise UserError(
                f"{where} has {len(self._header)} columns and {len(rows)} rows below its header; 2 and {FEWEST_ROWS} "
                "are least."
            )
        self._rows = [[text.strip() for text in row] for row in rows]
        wanted = self._texts(target)
        for text, line in zip(wanted, self._lines, strict=True):
            if missing(text):
                raise UserError(f"{where}, line {line}: there is no '{target}', which is to be learned. Fill it in.")
        self.target, self._y = _understood(wanted, task, target, where, self._lines)
        self._group = self._groups(group) if group else None
        self._held_out = held_out
        self._names = [name for name in self._header if name != target]
        self._numbers = [all_numbers(name, self._texts(name), where=where, lines=self._lines) for name in self._names]
        self.spec = Spec((sum(column.width for column in self.columns),))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """By the training rows."""
        train = self._parts["train"]
        return tuple(
            Column.fit(name, [texts[i] for i in train], number=number)
            for name, number in zip(self._names, self._numbers, strict=True)
            for texts in [self._texts(name)]
        )

    def split(self, part: Part) -> Arrays:
        """The rows of one part; every call gives the same."""
        rows = self._parts[part]
        return Arrays(self._encoded[rows], self._y[rows], None if self._group is None else self._group[rows])

    @cached_property
    def _encoded(self) -> npt.NDArray[np.float32]:
        return encode(self.columns, self._header, self._rows, where=self._where, lines=self._lines)

    @cached_property
    def _parts(self) -> dict[str, npt.NDArray[np.int64]]:
        from sklearn.model_selection import train_test_split

        count = max(1, round(self._held_out * len(self._rows)))
        labels = self._y if self.target.classes else None
        # A class of fewer rows than there are parts cannot be in all of them.
        if labels is not None and (np.bincount(labels).min() < 3 or count < len(self.target.classes)):
            labels = None
        rest, test = train_test_split(np.arange(len(self._rows)), test_size=count, stratify=labels, random_state=SEED)
        train, validation = train_test_split(
            rest, test_size=count, stratify=None if labels is None else labels[rest], random_state=SEED
        )
        return {"train": train, "validation": validation, "test": test}

    def _texts(self, name: str) -> list[str]:
        place = self._header.index(name)
        return [row[place] for row in self._rows]

    def _groups(self, group: str) -> npt.NDArray[np.int32]:
        name, _, value = group.partition(":")
        if name not in self._header:
            raise UserError(_no_column(self._where, name, self._header))
        texts = self._texts(name)
        values = sorted(set(texts))
        if value and value not in values:
            raise UserError(
                f"group={group}: nothing in the column '{name}' is '{value}'.{nearest(value, values)} There are "
                f"{', '.join(values[:MOST_CLASSES])}."
            )
        if not value and len(values) != 2:
            raise UserError(
                f"group={group}: the column has {len(values)} values, and there are two groups. Say which value makes "
                f"one, the rest being the other: group={name}:{values[0]}."
            )
        return np.array([text == (value or values[1]) for text in texts], np.int32)


def read_csv(file: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """The header of a CSV file, its rows, and the line of each.

    Raises:
        UserError: it cannot be read, or a row has another number of values than the header.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.reader(opened)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"'{file}' cannot be read as a table: {error}") from error
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"'{file}', line {line}: {len(row)} values where the header has {len(header)} columns.")
    return header, [row for _, row in rows], [line for line, _ in rows]


def _no_column(where: str, name: str, header: Sequence[str]) -> str:
    return f"{where} has no column '{name}'.{nearest(name, header)} Columns: {', '.join(header)}."


def _understood(
    wanted: Sequence[str], task: Task, column: str, where: str, lines: Sequence[int]
) -> tuple[Target, npt.NDArray[Any]]:
    """What the target is, and its values."""
    names = sorted(set(wanted))
    whole = all(name.lstrip("+-").isdigit() for name in names)
    if task == "auto":
        numeric = all(is_number(name) for name in names)
        task = "numbers" if numeric and not (whole and len(names) <= MOST_CLASSES) else "classes"
    if task == "numbers":
        pairs = zip(wanted, lines, strict=True)
        return Target(Spec(())), np.array(
            [number_of(text, column=column, where=where, line=line) for text, line in pairs], np.float32
        )
    if len(names) < 2:
        raise UserError(
            f"{where}: all rows have '{names[0]}' in the column '{column}': there is nothing to tell apart."
        )
    names = sorted(names, key=int) if whole else names
    places = {name: i for i, name in enumerate(names)}
    return Target.one_of(*names), np.array([places[name] for name in wanted], np.int32)
