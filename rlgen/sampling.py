"""Samples of a generative model as files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

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
    model: Any, out: Any, *, count: int, classes: Sequence[int | str] | None, interpolate: bool, seed: int
) -> Path:
    """Write samples, and return where they are; see `rlgen.api.sample`."""
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
    rows = -(-count // STEPS)
    made_count = rows * STEPS if interpolate else count
    needs = {f"{made_count:,} samples": BYTES_OF_A_NUMBER * made_count * spec.size}
    runtime.require_memory(needs, advice="Ask for fewer (--count)")
    if interpolate:
        made = model.interpolation(rows=rows, steps=STEPS, seed=seed, classes=_in_turn(classes, rows))
    else:
        made = model.sample(count, seed, classes=_in_turn(classes, count))
    try:
        _write(out, made, model, columns=STEPS if interpolate else None)
    except OSError as error:
        raise RlgenError(f"Samples cannot be written to {out}: {error.strerror}.") from error
    return out


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
