"""What all who look at runs read of them: which runs a directory stands for, and rows as columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import paths
from rlgen.errors import UserError
from rlgen.run import is_run
from rlgen.summary import EVENTS
from rlgen.values import MOST_STEPS

# A scalar's steps and values, in the order of the rows, by its name.
Columns = dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]


def columns(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """The scalars of rows by name, each with its steps; a step that no run can reach is left out."""
    points: dict[str, tuple[list[int], list[float]]] = {}
    for row in rows:
        if abs(row["step"]) > MOST_STEPS:
            continue
        for name, value in row.items():
            if name != "step" and isinstance(value, int | float):
                steps, values = points.setdefault(name, ([], []))
                steps.append(row["step"])
                values.append(float(value))
    return {name: (np.asarray(steps, np.int64), np.asarray(values)) for name, (steps, values) in sorted(points.items())}


def places(path: Path) -> list[Path]:
    """What a path stands for: a run, the runs directly in a directory, or what another program logged there.

    Raises:
        UserError: it is none of these; where runs lie deeper in it, the message says where.
    """
    if not paths.exists(path):
        raise UserError(f"{path} does not exist. `rlgen train` prints the directory of the run it makes.")
    if not path.is_dir():
        raise UserError(f"{path} is a file and no directory. `rlgen train` prints the directory of the run it makes.")
    if is_run(path):
        return [path]
    below = _directories(path)
    if runs := [each for each in below if is_run(each)]:
        return runs
    if deeper := [each for each in below if any(map(is_run, _directories(each)))]:
        raise UserError(
            f"{path} has no run directly below it. There are some in {', '.join(map(str, deeper))}: name these."
        )
    if not any(path.rglob(f"{EVENTS}*")):
        raise UserError(
            f"{path} is not a run, has none directly below it, and no program has logged to it for TensorBoard. "
            "`rlgen train` prints the directory of the run it makes."
        )
    return [path]


def _directories(path: Path) -> list[Path]:
    """Those directly below a directory, without links, s2 before s10; none below anything else."""
    try:
        found = [each for each in path.iterdir() if each.is_dir() and not each.is_symlink()] if path.is_dir() else []
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    return sorted(found, key=natural)


def natural(path: Path) -> list[tuple[bool, int, str]]:
    """Sorts s2 before s10."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", path.name)]
