"""Where the lines, ticks and marks of a chart lie: numbers and texts alone, which the page makes an SVG of.

Lines are drawn in a square of `SIDE` that the page stretches; ticks and marks stand at percentages of the same square,
so that text keeps its size on a screen of any width.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rlgen.looking.report_text import number, short

Numbers = npt.NDArray[np.float64]

SIDE = 1000
MOST_POINTS = 400
# With more of them a line of dots is a thick line.
MOST_DOTS = 40
# Larger ones are drawn at the edge: differences of two of them have to be numbers.
LARGEST = 1e300
# A share of the height that stays free above and below.
MARGIN = 0.06


@dataclasses.dataclass(frozen=True)
class Series:
    """A curve to draw: what it is called, where it goes, and the class of the page's style that it has."""

    label: str
    steps: npt.NDArray[np.int64]
    values: Numbers
    style: str = "c0"


@dataclasses.dataclass(frozen=True)
class Line:
    """A curve drawn: the path of an SVG, and the points that stand in it, as texts."""

    label: str
    style: str
    path: str
    steps: str
    values: str
    dots: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart: each tick is a percentage, from the left or from the top, and its text.

    Attributes:
        first_step: at the left edge.
        last_step: at the right edge.
        lines: the curves, those that are named first lie below.
        across: ticks of the horizontal axis.
        up: ticks of the vertical axis.
        band: a path around what lies between two curves; empty: there is none.
        mark: percentages of the one point that is marked.
        summary: the chart in a sentence, for who does not see it.
    """

    first_step: float
    last_step: float
    lines: tuple[Line, ...]
    across: tuple[tuple[str, str], ...]
    up: tuple[tuple[str, str], ...]
    band: str = ""
    mark: tuple[str, str] | None = None
    summary: str = ""


def draw(
    curves: Sequence[Series],
    *,
    band: tuple[npt.NDArray[np.int64], Numbers, Numbers] | None = None,
    mark: tuple[float, float] | None = None,
    dots: bool = False,
    ticks: tuple[int, int] = (4, 3),
) -> Chart | None:
    """A chart of curves over one pair of axes; None where none of them has a number.

    Args:
        curves: the first lies below the others.
        band: steps, and what is lowest and highest there.
        mark: a step and a value.
        dots: whether the last curve has a dot at each point, if they are few.
        ticks: how many the horizontal and the vertical axis have at least; they may have about twice as many.
    """
    curves = [finite(curve) for curve in curves]
    curves = [curve for curve in curves if len(curve.steps)]
    if not curves:
        return None
    edges = [] if band is None else [np.clip(each, -LARGEST, LARGEST) for each in band[1:]]
    left, right = _across([curve.steps for curve in curves])
    bottom, top = _up([*(curve.values for curve in curves), *edges])
    frame = _Frame(left, right, bottom, top)
    lines = [_line(curve, frame, dots=dots and curve is curves[-1]) for curve in curves]
    return Chart(
        left,
        right,
        tuple(lines),
        tuple((percent(frame.x(tick)), text) for tick, text in labelled(left, right, least=ticks[0], whole=True)),
        tuple((percent(frame.y(tick)), text) for tick, text in labelled(bottom, top, least=ticks[1])),
        "" if band is None else _around(frame, band[0], *edges),
        None if mark is None else (percent(frame.x(mark[0])), percent(frame.y(mark[1]))),
        "; ".join(map(summary, curves)),
    )


@dataclasses.dataclass(frozen=True)
class _Frame:
    left: float
    right: float
    bottom: float
    top: float

    def x(self, step: npt.ArrayLike) -> Numbers:
        return (np.asarray(step, np.float64) - self.left) / (self.right - self.left) * SIDE

    def y(self, value: npt.ArrayLike) -> Numbers:
        return (self.top - np.asarray(value, np.float64)) / (self.top - self.bottom) * SIDE


def finite(curve: Series) -> Series:
    """The points whose values are numbers, none of them beyond what can be drawn."""
    kept = np.isfinite(curve.values)
    return dataclasses.replace(
        curve, steps=curve.steps[kept], values=np.clip(curve.values[kept], -LARGEST, LARGEST).astype(np.float64)
    )


def summary(curve: Series) -> str:
    """A curve in a sentence: its ends and its extremes."""
    first, last, low, high = curve.values[0], curve.values[-1], curve.values.min(), curve.values.max()
    ends = (
        f"{number(float(first))} at step {int(curve.steps[0]):,} to {number(float(last))} at {int(curve.steps[-1]):,}"
    )
    return f"{curve.label}: {ends}, lowest {number(float(low))}, highest {number(float(high))}"


def thinned(values: Numbers, *, most: int = MOST_POINTS) -> npt.NDArray[np.int64]:
    """Which points of a long curve are drawn: its ends, and the lowest and the highest one of each stretch.

    >>> thinned(np.array([0.0, 5.0, 1.0, 2.0, -3.0, 0.0]), most=4).tolist()
    [0, 1, 4, 5]
    """
    if len(values) <= most:
        return np.arange(len(values))
    borders = np.linspace(0, len(values), max(most // 2 - 1, 1) + 1).astype(np.int64)
    extremes = [
        begin + place(values[begin:end])
        for begin, end in zip(borders[:-1], borders[1:], strict=True)
        for place in (np.argmin, np.argmax)
    ]
    return np.unique([0, *extremes, len(values) - 1])


def labelled(low: float, high: float, *, least: int, whole: bool = False) -> list[tuple[float, str]]:
    """Round numbers between two others, evenly apart and as few as there may be, with their texts.

    Args:
        low: one.
        high: the other.
        least: how many there are at least, where whole numbers allow it.
        whole: whether they are whole numbers.

    >>> [text for _, text in labelled(0, 31000, least=3)]
    ['0', '10k', '20k', '30k']
    """
    step = round_step((high - low) / least, whole=whole)
    ticks = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    largest = max((abs(tick) for tick in ticks), default=0) or 1
    digits = min(15, max(3, math.floor(math.log10(largest)) - math.floor(math.log10(step)) + 2))
    return [(tick, short(tick, digits=digits)) for tick in ticks]


def round_step(most: float, *, whole: bool = False) -> float:
    """The largest number up to another that is 1, 2, 2.5 or 5 times a power of ten; or that and whole, and 1 at least.

    >>> round_step(0.3), round_step(1700), round_step(0.3, whole=True), round_step(2.7, whole=True)
    (0.25, 1000.0, 1.0, 2.0)
    """
    most = max(most, 1) if whole else most
    power = 10.0 ** math.floor(math.log10(most))
    # What is too much by a rounding error alone is that number; and a logarithm may be off by one.
    steps = [step for times in (0.5, 1, 2, 2.5, 5, 10) if (step := times * power) <= most * (1 + 1e-9)]
    return max(step for step in steps if not whole or step == int(step))


def percent(place: npt.ArrayLike) -> str:
    """A place in the square as an SVG says it.

    >>> percent(125.0)
    '12.5%'
    """
    return f"{float(np.asarray(place)) / SIDE * 100:.2f}".rstrip("0").rstrip(".") + "%"


def _across(steps: Sequence[npt.NDArray[np.int64]]) -> tuple[float, float]:
    """From the first step to the last; from 0 where that is not far."""
    first, last = float(min(each[0] for each in steps)), float(max(each[-1] for each in steps))
    if 0 < first <= last / 4:
        first = 0.0
    return (first, last) if last > first else (first - 1, first + 1)


def _up(values: Sequence[Numbers]) -> tuple[float, float]:
    """From the lowest value to the highest, with some room; a constant lies in the middle."""
    low, high = float(min(each.min() for each in values)), float(max(each.max() for each in values))
    largest = max(abs(low), abs(high))
    if high - low <= max(largest * 1e-9, 1e-290):
        room = largest / 2 if largest > 1e-280 else 1.0
    else:
        room = (high - low) * MARGIN
    return low - room, high + room


def _line(curve: Series, frame: _Frame, *, dots: bool) -> Line:
    kept = thinned(curve.values)
    steps, values = curve.steps[kept], curve.values[kept]
    x, y = frame.x(steps), frame.y(values)
    few = dots and len(kept) <= MOST_DOTS
    return Line(
        curve.label,
        curve.style,
        # A point alone has no length, and round ends show it all the same.
        f"M{_points(x, y)}" + ("h0" if len(kept) == 1 else ""),
        " ".join(map(str, steps.tolist())),
        " ".join(f"{value:.6g}" for value in values.tolist()),
        tuple((percent(across), percent(down)) for across, down in zip(x, y, strict=True)) if few else (),
    )


def _around(frame: _Frame, steps: npt.NDArray[np.int64], low: Numbers, high: Numbers) -> str:
    chosen = np.unique(np.concatenate([thinned(low), thinned(high)]))
    x = frame.x(steps[chosen])
    there, back = _points(x, frame.y(high[chosen])), _points(x[::-1], frame.y(low[chosen])[::-1])
    return f"M{there}L{back}Z"


def _points(x: Numbers, y: Numbers) -> str:
    return "L".join(f"{across:.1f} {down:.1f}" for across, down in zip(x.tolist(), y.tolist(), strict=True))
