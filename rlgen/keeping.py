"""An algorithm's state in a run's checkpoints: whole, but for rows that are written once and what it can do without."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlgen import checkpoint, segments, state
from rlgen.algorithm import Algorithm
from rlgen.archive import Archive
from rlgen.checkpoint import Checkpoint
from rlgen.errors import CheckpointDamaged


def save(directory: Path, *, step: int, algorithm: Algorithm, about: Mapping[str, Any], spare: bool) -> None:
    """Write a checkpoint of all of it; `spare`: of what it can do without, too.

    Raises:
        RlgenError: it could not be written; what was there before is untouched.
    """
    tree = {name: part for name, part in algorithm.state().items() if spare or name not in algorithm.spare}
    large = _large(tree)
    known = _known(directory) if large else {}
    with checkpoint.writing(directory, step):
        rows = {path: segments.appended(directory, leaf, known.get(path, [])) for path, leaf in large.items()}
    if rows:
        about = {**about, "rows": {path: [each._asdict() for each in of_path] for path, of_path in rows.items()}}
    checkpoint.save(directory, step=step, arrays=state.read(tree, without_rows=large), about=about)


def take_up(good: Checkpoint, arrays: Archive, algorithm: Algorithm) -> list[str]:
    """Put a checkpoint into an algorithm; what there is to say of what the checkpoint does not hold.

    Raises:
        UserError: it is of another configuration.
    """
    there = {name.partition("/")[0] for name in arrays}
    lacking = [name for name in algorithm.spare if name not in there]
    tree = {name: part for name, part in algorithm.state().items() if name not in lacking}
    rows = segments.listed(good.manifest())
    large = {path: leaf for path, leaf in state.with_rows(tree) if path in rows}
    for path, leaf in large.items():
        segments.load(good.path.parent, leaf, rows[path], name=path)
    state.write(tree, arrays, without_rows=large)
    return [algorithm.do_without(name) for name in lacking]


def _large(tree: Mapping[str, Any]) -> dict[str, state.HasRows]:
    """The leaves whose rows would make every checkpoint large."""
    found = state.with_rows(tree)
    return {path: leaf for path, leaf in found if leaf.rows * leaf.row_bytes >= segments.SMALL_BYTES}


def _known(directory: Path) -> dict[str, list[segments.Segment]]:
    """What the newest checkpoint has written already; nothing where it cannot be read."""
    if not (kept := checkpoint.listed(directory)):
        return {}
    try:
        return segments.listed(kept[-1].manifest())
    except (CheckpointDamaged, TypeError):
        return {}
