"""How a report writes numbers, times and values of a configuration."""

from __future__ import annotations

import datetime
import json
import math
import re
from typing import Any

# What nobody reads to the end.
MOST_CHARACTERS = 400
SUFFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
# Beyond it a number is read by its exponent.
MOST_WRITTEN_OUT = 1e12


def short(value: float, *, digits: int = 3) -> str:
    """A number as an axis has room for it.

    >>> short(12000), short(1_250_000), short(0.25), short(-1e-5)
    ('12k', '1.25M', '0.25', '−1e-5')
    """
    value = float(f"{value:.{digits}g}") + 0.0  # Which makes of −0 a 0.
    size, suffix = next((pair for pair in SUFFIXES if pair[0] <= abs(value) < MOST_WRITTEN_OUT), (1, ""))
    return _typeset(f"{value / size:.{digits}g}{suffix}")


def number(value: Any) -> str:
    """A number as a table shows it, with four digits or all that stand before the point; a dash for what is none.

    >>> number(30016), number(5461.3), number(0.98765), number(-0.5), number(None)
    ('30,016', '5,461.3', '0.9877', '−0.5', '–')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–"
    try:
        float(value)
    except OverflowError:  # A whole number of more than 308 digits, which somebody has written into a file.
        return "–"
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= MOST_WRITTEN_OUT:
        return _typeset(f"{float(value):.4g}")
    if value == int(value):
        return _typeset(f"{int(value):,}")
    return _typeset(f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}")


def duration(seconds: Any) -> str:
    """A time in the units that people would say it in; a dash for what is none.

    >>> duration(5.496), duration(90), duration(7384)
    ('5.5 s', '1 min 30 s', '2 h 3 min')
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < MOST_WRITTEN_OUT:
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def size(count: int) -> str:
    """Bytes, in thousands or millions of them.

    >>> size(812), size(23_456), size(8_400_000)
    ('812 bytes', '23 kB', '8.4 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.0f} kB" if count < 999_500 else f"{count / 1e6:.1f} MB"


def value(given: Any) -> str:
    """A value that JSON can hold, as somebody would write it behind `--set`.

    >>> value(None), value(True), value([64, 64]), value(0.002), value({"a": 1})
    ('none', 'true', '64, 64', '0.002', '{"a": 1}')
    """
    if isinstance(given, list):
        said = ", ".join(json.dumps(each) if isinstance(each, list) else value(each) for each in given) or "(nothing)"
    elif isinstance(given, str):
        said = given
    else:
        said = "none" if given is None else json.dumps(given)
    return said if len(said) <= MOST_CHARACTERS else f"{said[:MOST_CHARACTERS]}…"


def moment(given: Any) -> str:
    """A time as `config.json` keeps it; what is none stays as it is.

    >>> moment("2026-01-02T03:04:05+00:00"), moment("yesterday")
    ('2026-01-02 03:04:05 UTC', 'yesterday')
    """
    try:
        time = datetime.datetime.fromisoformat(given)
        return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC") if time.tzinfo else value(given)
    except (TypeError, ValueError, OverflowError):
        return value(given)


def _typeset(text: str) -> str:
    """With a minus that is as wide as a plus, and an exponent without noughts."""
    return re.sub(r"e([+-])0*(?=\d)", lambda found: f"e{found[1].strip('+')}", text).replace("-", "−", text[:1] == "-")
