import math
from typing import Any

import pytest

from rlgen.looking.report_text import duration, moment, number, short, size, value


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (999_999, "1M"),
        (-12_000, "−12k"),
        (1_234_567, "1.23M"),
        (2.5e9, "2.5G"),
        (1e15, "1e15"),
        (0.00012, "0.00012"),
        (1.5e-7, "1.5e-7"),
    ],
)
def test_short_numbers(given: float, text: str) -> None:
    assert short(given) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (0.98765432, "0.9877"),
        (123_456.78, "123,456.8"),
        (-3, "−3"),
        (1e20, "1e20"),
        (10**400, "–"),
        (1e-9, "1e-9"),
        (True, "–"),
        ("5", "–"),
        (math.nan, "nan"),
    ],
)
def test_numbers_of_tables(given: Any, text: str) -> None:
    assert number(given) == text


def test_times_and_sizes() -> None:
    assert [duration(seconds) for seconds in (0, 59.99, 3600, -1, math.nan, "1", True)] == [
        *("0.0 s", "1 min 0 s", "1 h 0 min"),
        *("–",) * 4,
    ]
    assert [size(count) for count in (999, 1000, 999_600)] == ["999 bytes", "1 kB", "1.0 MB"]
    assert moment("2026-01-02T03:04:05+02:00") == "2026-01-02 01:04:05 UTC"
    assert [moment(given) for given in (None, "2026-01-02T03:04:05", 7)] == ["none", "2026-01-02T03:04:05", "7"]


def test_values_as_they_are_written() -> None:
    assert [value(given) for given in (1, 1.0, "a", [], [True, None, [1]], {"a": [2]})] == [
        *("1", "1.0", "a", "(nothing)", "true, none, [1]", '{"a": [2]}'),
    ]
    assert len(value("x" * 10_000)) == 401
