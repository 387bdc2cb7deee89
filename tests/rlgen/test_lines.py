"""JSON lines: what is added is known by its mark, and what was hurt is cut back to what can be read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlgen import lines
from rlgen.errors import UserError
from rlgen.lines import Lines, fault, go_back, read_lines, read_rows

ROWS = [{"step": step, "x": step / 2} for step in (10, 20, 30)]


def mark_of(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def written(path: Path, rows: list[dict[str, Any]] = ROWS) -> dict[str, Any]:
    """A file of these rows; its mark."""
    file = Lines(path)
    for row in rows:
        file.add(row)
    mark = file.sync()
    file.close()
    return mark


def test_what_is_added_is_read_at_once_and_marked(tmp_path: Path) -> None:
    path, marks = tmp_path / "rows", []
    file = Lines(path)
    for row in ROWS:
        file.add(row)
        assert read_lines(path)[-1] == row
        marks.append(file.sync())
        assert marks[-1] == mark_of(path.read_bytes())
    file.close()
    assert [fault(path, mark) for mark in marks] == [None] * 3, "it held at least that"
    again = Lines(path)
    again.add({"step": 40})
    assert again.sync() == mark_of(path.read_bytes())
    again.close()
    assert read_lines(path) == [*ROWS, {"step": 40}]


def test_no_rows(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "rows") == []
    mark = written(tmp_path / "rows", [])
    assert (mark, read_lines(tmp_path / "rows"), fault(tmp_path / "rows", mark)) == (mark_of(b""), [], None)
    assert fault(tmp_path / "nowhere", mark) is None


def test_what_is_no_row_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    good = b'{"step": 1}\n'
    for wrong in (
        b"",
        b"\n",
        b'{"step": 2',
        b"\xff\xfe\n",
        b'{"a": "\xe9"}\n',
        b"[1]\n",
        b"7\n",
        b"null\n",
        b"[" * 50_000 + b"\n",
        b"1" * 5000 + b"\n",
        b"\0" * 4096 + b"\n",
    ):
        path.write_bytes(good + wrong)
        assert read_lines(path) == [{"step": 1}]
        if wrong.endswith(b"\n"):
            path.write_bytes(wrong + good)
            assert read_lines(path) == [{"step": 1}]


def test_a_line_without_end_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    path = tmp_path / "rows"
    path.write_bytes(b'{"step": 1}\n{"x": "' + b"y" * 1000 + b'"}\n{"step": 2}\n')
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    mark = written(path)
    data = path.read_bytes()
    path.write_bytes(data + b"more")
    assert fault(path, mark) is None
    path.write_bytes(data[:-1])
    assert fault(path, mark) == f"it has {len(data) - 1} bytes of {len(data)}"
    path.write_bytes(b"X" + data[1:])
    assert fault(path, mark) == "it is not what was written: its checksum differs"
    path.unlink()
    assert fault(path, mark) == "it is missing"
    path.mkdir()
    assert "is no regular file" in str(fault(path, mark))
    path.rmdir()
    os.mkfifo(path)
    assert "is no regular file" in str(fault(path, mark))


def test_going_back_to_a_good_mark_is_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    mark = written(path, ROWS[:2])
    data = path.read_bytes()
    for more in (b"", b'{"step": 30}\n', b'{"step": 5}\n{"step": 7', b"\xff"):
        path.write_bytes(data + more)
        go_back(path, step=20, mark=mark)
        assert path.read_bytes() == data


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-3],
    "a byte": lambda data: b"X" + data[1:],
    "a line": lambda data: data.partition(b"\n")[2],
    "zeros": lambda data: data[:30] + bytes(len(data) - 30),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_going_back_in_a_damaged_file_leaves_what_can_be_read(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "rows"
    mark = written(path)
    path.write_bytes(damage(path.read_bytes()))
    left = read_lines(path)
    assert left and left != ROWS
    go_back(path, step=20, mark=mark)
    assert read_lines(path) == [row for row in left if row["step"] <= 20]
    assert [json.loads(line) for line in path.read_text().splitlines()] == read_lines(path), "whole lines alone"


def test_going_back_without_a_mark_goes_by_the_steps(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    odd = [{"step": "30"}, {"step": None}, {"step": [1]}, {"step": float("nan")}, {"step": 1e99}, {"step": 10**400}]
    written(path, [{"note": 1}, *ROWS, *odd, {"step": 19.5}])
    go_back(path, step=20, mark=None)
    assert read_lines(path) == [{"note": 1}, *ROWS[:2], {"step": 19.5}]
    go_back(tmp_path / "nowhere", step=20, mark=None)
    assert not (tmp_path / "nowhere").exists()


def test_rows_at_every_depth(tmp_path: Path) -> None:
    """Some can be read and not be written again."""
    path = tmp_path / "rows"
    deep = (b'{"step": 1, "x": ' + b"[" * depth + b"]" * depth + b"}\n" for depth in range(900, 1010))
    path.write_bytes(b"".join(deep) + b'{"step": 2}\n')
    go_back(path, step=20, mark=None)
    assert read_lines(path)[-1] == {"step": 2}


def test_nothing_is_added_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b'{"step": 1}\n{"step": 99}\n')
    (tmp_path / "link").symlink_to("theirs")
    with pytest.raises(OSError):
        Lines(tmp_path / "link")
    go_back(tmp_path / "link", step=5, mark=None)
    assert (tmp_path / "theirs").read_bytes().endswith(b"99}\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises((OSError, UserError)):
        Lines(tmp_path / "pipe")
    with pytest.raises(UserError, match="no regular file"):
        read_lines(tmp_path / "pipe")


def test_the_rows_of_a_curve(tmp_path: Path) -> None:
    """What a damaged file may hold beside them is in nobody's way."""
    good = [{"step": 1, "x": 2.5}, {"step": 2}, {"step": 3, "x": 7, "y": True}]
    odd: list[dict[str, Any]] = [{"step": step} for step in ("1", None, 1.0, True, [1], 10**400)]
    odd += [{"step": 1, "x": x} for x in ("2", None, [1], {}, float("nan"), float("-inf"), 10**400)]
    written(tmp_path / "rows", [*odd, *good, {}, {"x": 1}])
    assert read_rows(tmp_path / "rows") == good
    assert read_rows(tmp_path / "nowhere") == []
