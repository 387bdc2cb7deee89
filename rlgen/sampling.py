"""Samples of a generative model as files."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rlgen import files, paths, pictures, runtime
from rlgen.config import coerce
from rlgen.errors import RlgenError, UserError
from rlgen.summary import png_bytes

ENDINGS = (".png", ".npy")
MOST_SAMPLES = 1_000_000
# From one sample to the next, in a row of an interpolation.
STEPS = 8
SUM = (
    "A sum is, say, 3,7,9 - 1,4,5 + 2,6,8: the mean of three samples less that of three others, and so on, counted "
    "from 1 row by row as --count shows them with the same --seed."
)
# For each number: itself, once more while all are put together, and as a byte.
BYTES_OF_A_NUMBER = 9


@runtime_checkable
class Sampler(Protocol):
    """What a model has that makes examples of nothing."""

    dataset: Any

    def sample(self, n: int, seed: int, *, classes: Any = None) -> npt.NDArray[np.float32]:
        """`n` of them, [n, *shape]."""

    def interpolation(self, *, rows: int, steps: int, seed: int, classes: Any = None) -> npt.NDArray[np.float32]:
        """Some that lead from one to another, row by row, [rows * steps, *shape]."""

    def sheet(self, samples: Any, *, columns: int | None = None) -> npt.NDArray[np.uint8]:
        """All in one picture."""


class Term(NamedTuple):
    """A part of a sum of samples: the mean of some, added (`sign` 1) or taken away (-1); `numbers` count from 0."""

    sign: int
    numbers: tuple[int, ...]


@runtime_checkable
class Combiner(Protocol):
    """What a model has whose samples can be added up."""

    def combination(self, terms: Sequence[Term], *, seed: int, classes: Any = None) -> npt.NDArray[np.float32]:
        """The samples of each term and their mean, row by row, and what is near the sum, and it."""


def terms_of(text: str) -> list[Term]:
    """`3,7,9 - 1,4,5 + 2,6,8` as terms: samples are counted from 1, each term has as many.

    Raises:
        UserError: it is something else.
    """
    term = r"\d{1,9}(?:\s*,\s*\d{1,9})*"
    if not re.fullmatch(rf"\s*[+-]?\s*{term}(?:\s*[+-]\s*{term})*\s*", text):
        raise UserError(f"'{text}' is no sum of samples. {SUM}")
    terms = [
        Term(-1 if sign == "-" else 1, tuple(int(number) - 1 for number in numbers.split(",")))
        for sign, numbers in re.findall(rf"([+-]?)\s*({term})", text)
    ]
    for number in (number + 1 for term in terms for number in term.numbers):
        if not 1 <= number <= MOST_SAMPLES:
            raise UserError(f"There is no sample {number}: they are counted from 1 to {MOST_SAMPLES:,}.")
    if len(counts := sorted({len(term.numbers) for term in terms})) > 1:
        raise UserError(f"'{text}' has terms of {' and of '.join(map(str, counts))} samples: give each as many. {SUM}")
    return terms


def check(out: Any) -> Path:
    """Where samples are written to; nothing is written yet.

    Raises:
        UserError: something is there already, or it has another ending.
    """
    out = paths.named(out, what="--out")
    if out.suffix and out.suffix not in ENDINGS:
        raise UserError(
            f"'{out}' ends in neither .png, for all samples in one picture, nor .npy, for numbers. Without an ending "
            "it becomes a directory with a picture of each."
        )
    paths.check_new_place(out, what="file" if out.suffix else "directory")
    return out


def sample_files(
    model: Any,
    out: Any,
    *,
    count: int,
    classes: Sequence[int | str] | None,
    interpolate: bool,
    terms: Sequence[Term],
    seed: int,
) -> Path:
    """Write samples, and return where they are; see `rlgen.api.sample`. `terms`: of a sum, if it is to be one."""
    out = check(out)
    if not isinstance(model, Sampler):
        raise UserError(
            f"{type(model).__name__} makes no samples. Take the run of a generative model of latent vectors: `rlgen "
            "list --kind generative` has them."
        )
    if not 1 <= coerce("count", count, int) <= MOST_SAMPLES:
        raise UserError(f"count={count}: ask for 1 to {MOST_SAMPLES:,} samples.")
    spec = model.dataset.spec
    if not out.suffix and not spec.picture:
        raise UserError(f"These samples, {spec}, are no pictures: give --out FILE.npy for the numbers.")
    if terms and interpolate:
        raise UserError("Samples are either combined or interpolated, not both at once.")
    columns = len(terms[0].numbers) + 1 if terms else STEPS if interpolate else None
    rows = len(terms) + 1 if terms else -(-count // STEPS)
    made_count = count if columns is None else rows * columns
    needs = {f"{made_count:,} samples": BYTES_OF_A_NUMBER * made_count * spec.size}
    runtime.require_memory(needs, advice="Ask for fewer (--count)")
    if terms:
        made = _combined(model, terms, seed=seed, classes=classes)
    elif interpolate:
        made = model.interpolation(rows=rows, steps=STEPS, seed=seed, classes=_in_turn(classes, rows))
    else:
        made = model.sample(count, seed, classes=_in_turn(classes, count))
    try:
        _write(out, made, model, columns=columns)
    except OSError as error:
        raise RlgenError(f"Samples cannot be written to {out}: {error.strerror}.") from error
    return out


def _combined(
    model: Any, terms: Sequence[Term], *, seed: int, classes: Sequence[int | str] | None
) -> npt.NDArray[np.float32]:
    if not isinstance(model, Combiner):
        raise UserError(f"{type(model).__name__} has no `combination`: its samples cannot be added up.")
    return model.combination(terms, seed=seed, classes=classes)


def _in_turn(classes: Sequence[int | str] | None, count: int) -> list[int | str] | None:
    """One class for each, those that were asked for in turn."""
    return None if classes is None else [classes[i % len(classes)] for i in range(count)]


def _write(out: Path, made: npt.NDArray[Any], model: Sampler, *, columns: int | None) -> None:
    if out.suffix == ".npy":
        content = io.BytesIO()
        np.save(content, made, allow_pickle=False)
        files.write(out, content.getvalue())
    elif out.suffix == ".png":
        files.write(out, png_bytes(model.sheet(made, columns=columns)))
    else:
        files.make_directory(out.resolve())
        digits = len(str(len(made)))
        for i, picture in enumerate(pictures.to_uint8(made), 1):
            files.write(out / f"{i:0{digits}}.png", png_bytes(picture))
