"""What all who look at runs read of them: which runs a directory stands for, and rows as columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlgen.errors import UserError
from rlgen.looking import reading
from rlgen.looking.reading import columns
from rlgen.run import CONFIG_FILE


def test_columns_of_rows() -> None:
    rows = [{"step": 1, "b": 2, "a": 1.0}, {"step": 2, "a": 3.0}, {"step": 10**30, "a": 4.0}]
    found = columns(rows)
    assert list(found) == ["a", "b"]
    assert [part.tolist() for part in (*found["a"], *found["b"])] == [[1, 2], [1.0, 3.0], [1], [2.0]]
    assert columns([]) == {}


def test_a_directory_stands_for_its_runs_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("s10", "s2", "t", "3"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / CONFIG_FILE).touch()
    (tmp_path / "runs" / "notes").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "runs" / "s2")
    assert [place.name for place in reading.places(tmp_path / "runs")] == ["3", "s2", "s10", "t"]
    assert reading.places(tmp_path / "runs" / "s2") == [tmp_path / "runs" / "s2"]
    with pytest.raises(UserError, match="no run directly below it. There are some in .*runs: name these"):
        reading.places(tmp_path)


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        reading.places(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file and no directory"):
        reading.places(tmp_path / "file")
    with pytest.raises(UserError, match="is not a run, has none directly below it"):
        reading.places(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "events.out.tfevents.1").touch()
    assert reading.places(tmp_path / "logs") == [tmp_path / "logs"]
