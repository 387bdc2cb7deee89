"""`python -m rlgen`, which Python starts with the working directory on its path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from strangers import write_config

from rlgen import checkpoint


def alone(place: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a directory, with another one on Python's path, if given."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {} if path is None else {"PYTHONPATH": str(path)}
    command = [sys.executable, "-m", "rlgen", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Where a module leaves a mark when it is executed."""
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


def write_module(place: Path, name: str, marks: Path) -> None:
    (place / f"{name}.py").write_text(f"open({str(marks / name)!r}, 'w').close()\n")


@pytest.fixture
def place(tmp_path: Path, marks: Path) -> Path:
    """Somebody else's run: beside it a module that it names, modules that hide others, and what offers plug-ins."""
    place = tmp_path / "run"
    checkpoint.save(place / "best", step=10, arrays={"w": np.zeros(1)}, about={})
    write_config(place, algorithm="dqn", problem="beside:Arm")
    for name in ("beside", "click", "gymnasium", "tensorflow", "rich"):
        write_module(place, name, marks)
    about = place / "beside-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: beside\nVersion: 1.0\n")
    points = "[rlgen.plugins]\nenv.beside:Arm = beside:Arm\n\n[gymnasium.envs]\nbeside = beside:register\n"
    (about / "entry_points.txt").write_text(points)
    return place


def test_nothing_that_lies_beside_a_run_is_found(place: Path, marks: Path) -> None:
    listed = alone(place, "list", "--kind", "env")
    assert listed.returncode == 0 and "CartPole-v1" in listed.stdout and "beside" not in listed.stdout
    done = alone(place, "evaluate", ".")
    assert done.returncode == 2 and "The run . asks for 'beside:Arm'" in done.stderr, done.stderr
    assert list(marks.iterdir()) == []


def test_what_is_to_be_found_is_importable_and_trusted(place: Path, marks: Path, tmp_path: Path) -> None:
    write_module(tmp_path, "beside", marks)
    done = alone(place, "evaluate", ".", "--trust", path=tmp_path)
    assert done.returncode == 2 and "no environment 'beside:Arm'" in done.stderr, done.stderr
    assert [mark.name for mark in marks.iterdir()] == ["beside"]
