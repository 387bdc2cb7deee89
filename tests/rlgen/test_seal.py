"""Whatever is changed in a row that is sealed is noticed; how it is laid out is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rlgen.seal import SealBroken, canonical, changes, checksum, sealed, unsealed

ROW: dict[str, Any] = {"a": 1, "b": 2.5, "c": "é\n", "d": None, "e": [1, True, {"x": ""}], "f": {"y": {"z": -0.0}}}


def test_what_was_sealed_comes_back() -> None:
    for row in ({}, ROW, {"nested": ROW}, {"big": 10**300, "small": 5e-324, "text": "\ud800"}):
        data = sealed(row)
        assert unsealed(data) == row
        assert list(json.loads(data))[-1] == "seal"


def test_order_and_white_space_do_not_matter() -> None:
    row = json.loads(sealed(ROW))
    for again in (dict(reversed(row.items())), {**row, "f": {"y": dict(row["f"]["y"])}}):
        for indent in (None, 0, 7):
            assert unsealed(json.dumps(again, indent=indent, ensure_ascii=False).encode()) == ROW


def paths(row: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values in a row."""
    inside = row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    return [place for key, value in inside for place in [(*before, key), *paths(value, (*before, key))]]


def changed(place: tuple[Any, ...], how: str) -> dict[str, Any]:
    """The sealed row, with one change."""
    row = json.loads(sealed(ROW))
    parent = row
    for key in place[:-1]:
        parent = parent[key]
    if how == "value":
        parent[place[-1]] = "other"
    elif how == "type" and isinstance(parent[place[-1]], (int, float)):
        parent[place[-1]] = str(parent[place[-1]])
    elif how == "lost":
        parent.pop(place[-1])
    elif how == "renamed" and isinstance(parent, dict):
        parent["other"] = parent.pop(place[-1])
    return row


@pytest.mark.parametrize("how", ["value", "type", "lost", "renamed"])
def test_any_change_is_noticed(how: str) -> None:
    rows = [changed(place, how) for place in paths(json.loads(sealed(ROW)))]
    rows = [row for row in rows if row != json.loads(sealed(ROW))]
    assert len(rows) >= 2
    for row in [*rows, {**json.loads(sealed(ROW)), "new": None}]:
        with pytest.raises(SealBroken, match="it is not what was written|it has no checksum") as caught:
            unsealed(json.dumps(row).encode())
        row.pop("seal", None)
        assert caught.value.row == row, "what is there can be shown"


def test_every_bit_counts() -> None:
    data = sealed(ROW)
    for place in range(len(data)):
        for bit in (1, 0x20):
            hurt = bytearray(data)
            hurt[place] ^= bit
            try:
                assert unsealed(bytes(hurt)) == ROW  # White space that has become another.
            except SealBroken:
                continue
            assert chr(hurt[place]).isspace() or hurt[place] in b"eE"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is no JSON"),
        (b"{", "it is no JSON"),
        (b"\xff\xfe{", "it is no JSON"),
        (b'{"a": "\xe9"}', "it is no JSON"),
        (b"1" * 5000, "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is a list, not an object"),
        (b"null", "it is a NoneType, not an object"),
        (b"NaN", "it is a float, not an object"),
        (b"{}", "it has no checksum"),
        (b'{"seal": ""}', "it has no checksum"),
        (b'{"seal": [1]}', "its checksum differs"),
    ],
)
def test_what_is_no_sealed_row(data: bytes, words: str) -> None:
    with pytest.raises(SealBroken, match=words):
        unsealed(data)


def test_rows_at_every_depth_are_refused_as_others_are() -> None:
    """Some are shallow enough to be read and too deep to be written for the comparison."""
    for depth in range(850, 1050):
        with pytest.raises(SealBroken):
            unsealed(b'{"a":' + b"[" * depth + b"]" * depth + b"}")


def test_numbers_that_are_none_and_keys_that_are_no_text() -> None:
    data = sealed({"a": float("nan"), "b": float("-inf"), 3: {None: 1, 2.5: 2}})
    row = unsealed(data)
    assert row["a"] != row["a"] and row["b"] == float("-inf") and row["3"] == {"null": 1, "2.5": 2}
    assert checksum({3: 1}) == checksum({"3": 1}) != checksum({"3": 1.0})
    assert canonical({"b": 1, 10: 2, 9: 3}) == b'{"10":2,"9":3,"b":1}'


def test_a_line_for_each_change() -> None:
    stored = {"a": 1, "b": {"x": 1, "y": [2]}, "c": 3}
    assert changes(stored, stored) == []
    assert changes(stored, {"a": 1, "b": {"x": 2, "y": [3]}, "d": None, "c": {"z": 1}}) == [
        "b.x: it was 1, now it is 2",
        "b.y: it was [2], now it is [3]",
        "c: it was 3, now it is {'z': 1}",
    ]
    assert changes(stored, {"b": {}}) == [
        "a: it was 1, now it is None",
        "b.x: it was 1, now it is None",
        "b.y: it was [2], now it is None",
        "c: it was 3, now it is None",
    ]
