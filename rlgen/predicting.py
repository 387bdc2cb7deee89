"""What a model says of rows, pictures or arrays in files, as a table in a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rlgen import files, paths
from rlgen.errors import RlgenError, UserError


@runtime_checkable
class Predictor(Protocol):
    """What a model has that says something of examples in files."""

    def predictions(self, source: Path, *, seed: int = 0) -> Iterable[Sequence[str]]:
        """Lines of a table of what it says of everything in a file or folder, the header first.

        Raises:
            UserError: nothing that it can be given; the message names the file, the line or the column.
        """


def predictor(algorithm: Any) -> Predictor:
    """The algorithm, where it says something of examples.

    Raises:
        UserError: it does not.
    """
    if not isinstance(algorithm, Predictor):
        raise UserError(
            f"{type(algorithm).__name__} predicts nothing of examples. Take the run of a supervised model; `rlgen list "
            "--kind supervised` has them."
        )
    return algorithm


def check(given: Any, out: Any) -> tuple[Path, Path]:
    """What is given and where it goes to, as paths; nothing is read or written yet.

    Raises:
        UserError: it is not there, or nothing can be written there.
    """
    source, out = paths.named(given, what="INPUT"), paths.named(out, what="--out")
    if not paths.exists(source):
        raise UserError(f"There is no '{source}' to predict from.")
    if out.suffix != ".csv":
        raise UserError(f"'{out}' does not end in .csv, which is what predictions are written as.")
    paths.check_new_place(out)
    return source, out


def predict_file(model: Predictor, given: Any, out: Any, *, seed: int) -> Path:
    """Write what the model says of everything in a file or folder; returns `out`.

    Args:
        model: that predicts.
        given: the file or folder.
        out: FILE.csv, which is not there yet.
        seed: of what it draws.

    Raises:
        UserError: nothing that this model can be given; nothing is written.
        RlgenError: the disk refuses.
    """
    source, out = check(given, out)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(model.predictions(source, seed=seed))
    try:
        files.write(out, text.getvalue().encode())
    except OSError as error:
        raise RlgenError(f"Predictions cannot be written to {out}: {error.strerror}.") from error
    return out
