"""The scalars of a directory of events, short to write down: by name the points (step, value)."""

from __future__ import annotations

from pathlib import Path

from rlgen.looking import curves


def read_scalars(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """All of them, where nothing is damaged."""
    found, damage = curves.read_directory(directory)
    assert damage == []
    return {name: list(zip(each.steps.tolist(), each.values.tolist(), strict=True)) for name, each in found.items()}
