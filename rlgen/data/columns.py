"""Columns of a table, from text to numbers: what is learned of the training rows, and how any row is read by it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.errors import UserError

MISSING = frozenset({"", "?", "na", "n/a", "nan", "none", "null"})
MOST_CATEGORIES = 50


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: a number, standardised, or a category, one-hot.

    Attributes:
        name: in the header.
        values: the categories, in order; empty for a number.
        mean: of the training rows' numbers.
        deviation: of them; never 0.
        median: what stands for a missing number.
        gaps: whether a second number says that it is missing; only where training rows lack some.
    """

    name: str
    values: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    median: float = 0.0
    gaps: bool = False

    @classmethod
    def fit(cls, name: str, train: Sequence[str], *, number: bool) -> Column:
        """What the training rows say of a column; of no other row anything is known."""
        gone = set(filter(missing, set(train)))
        present = [text for text in train if text not in gone]
        if not number:
            return cls(name=name, values=tuple(sorted(set(present))))
        numbers = np.array([float(text) for text in present] or [0.0])
        deviation = float(numbers.std())
        return cls(
            name=name,
            mean=float(numbers.mean()),
            deviation=deviation if deviation > 0 else 1.0,
            median=float(np.median(numbers)),
            gaps=len(present) < len(train),
        )

    @classmethod
    def of_row(cls, row: Any) -> Column:
        """From what `to_row` gave.

        Raises:
            TypeError: it is something else.
        """
        fields = {"name": str, "values": list, "mean": float, "deviation": float, "median": float, "gaps": bool}
        if not isinstance(row, Mapping) or row.keys() != fields.keys():
            raise TypeError(f"{row!r} is no column of a table")
        if any(type(row[field]) is not kind for field, kind in fields.items()) or row["deviation"] <= 0:
            raise TypeError(f"{row!r} is no column of a table")
        return cls(**{**row, "values": tuple(map(str, row["values"]))})

    def to_row(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**vars(self), "values": list(self.values)}

    @property
    def width(self) -> int:
        """Numbers that it becomes."""
        return len(self.values) or 1 + self.gaps

    def encode(self, texts: Sequence[str], *, where: str, lines: Sequence[int]) -> npt.NDArray[np.float32]:
        """Values as numbers, [N, width]; a category that no training row had is zeros, as is a missing one.

        Raises:
            UserError: a text that is no number; the message has `where` and the line.
        """
        if self.values:
            places = {value: i for i, value in enumerate(self.values)}
            found = np.array([places.get(text, -1) for text in texts])
            return (found[:, None] == np.arange(len(self.values))).astype(np.float32)
        # Most texts stand in many rows, and are read once.
        first: dict[str, int] = {}
        for text, line in zip(texts, lines, strict=True):
            first.setdefault(text, line)
        gone = set(filter(missing, first))
        read = {
            text: self.median if text in gone else number_of(text, column=self.name, where=where, line=line)
            for text, line in first.items()
        }
        numbers = np.array([read[text] for text in texts])
        empty = np.array([text in gone for text in texts])
        scaled = (numbers - self.mean) / self.deviation
        return np.stack([scaled, empty] if self.gaps else [scaled], axis=1).astype(np.float32)


def encode(
    columns: Sequence[Column], header: Sequence[str], rows: Sequence[Sequence[str]], *, where: str, lines: Sequence[int]
) -> npt.NDArray[np.float32]:
    """Rows of text as numbers, [N, sum of the widths].

    Args:
        columns: in the order of the numbers.
        header: names of the rows' texts, in any order; what no column is named after is left out.
        rows: of text.
        where: the file, for messages.
        lines: of each row in it.

    Raises:
        UserError: a column is not there, or a text is no number.
    """
    lacking = [column.name for column in columns if column.name not in header]
    if lacking:
        raise UserError(f"{where} has no column '{lacking[0]}'. Columns: {', '.join(header)}.")
    parts = []
    for column in columns:
        place = list(header).index(column.name)
        parts.append(column.encode([row[place].strip() for row in rows], where=where, lines=lines))
    return np.concatenate(parts, axis=1)


def missing(text: str) -> bool:
    """Whether a text says that there is no value."""
    return text.strip().casefold() in MISSING


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def number_of(text: str, *, column: str, where: str, line: int) -> float:
    """The number that a text is.

    Raises:
        UserError: it is none; the message has the line.
    """
    if not is_number(text):
        raise UserError(f"{where}, line {line}: '{text}' in the column '{column}' is no finite number. Mend it.")
    return float(text)


def all_numbers(name: str, texts: Sequence[str], *, where: str, lines: Sequence[int]) -> bool:
    """Whether a column holds numbers; if not, categories.

    Raises:
        UserError: nothing stands in it, or neither can be: there are too many different texts.
    """
    different = {text for text in set(texts) if not missing(text)}
    if not different:
        raise UserError(f"{where}: nothing stands in the column '{name}'. Leave it out.")
    wrong = {text for text in different if not is_number(text)}
    if not wrong:
        return True
    if len(different) > MOST_CATEGORIES:
        text, line = next((text, line) for text, line in zip(texts, lines, strict=True) if text in wrong)
        raise UserError(
            f"{where}, line {line}: '{text}' in the column '{name}' is no number, and with {len(different)} different "
            f"texts the column is none of categories, of which {MOST_CATEGORIES} are the most. Mend it, or leave the "
            "column out."
        )
    return False
