"""Which curves of a run a report draws, and in which order."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rlgen.looking.inspecting import ASIDE
from rlgen.looking.reading import Columns
from rlgen.looking.report_charts import Chart, Numbers, Series, draw
from rlgen.looking.report_text import number

# Of one run: somebody's callbacks may have made a scalar of each weight.
MOST_CHARTS = 120
# On the axes of a small chart, at least.
FEW_TICKS = (2, 2)
# As ASIDE, of runs that earlier versions made.
EARLIER = "counters/"
# Colours that the page's style has, and the ways to break a line.
COLOURS, DASHES = 8, 3


@dataclasses.dataclass(frozen=True)
class Figure:
    """A chart with its words.

    Attributes:
        title: above it.
        chart: what is drawn.
        legend: style and text of each line, where there are several.
        note: a word more.
    """

    title: str
    chart: Chart
    legend: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Learning:
    """What a learning curve is made of.

    Attributes:
        score: the scalar.
        points: its steps and values.
        training: words and points of the scalar of training that is drawn beside it, if any.
        between: steps, lowest and highest, if any.
        best: the step of the best checkpoint, if it is known.
    """

    score: str
    points: tuple[npt.NDArray[np.int64], Numbers]
    training: tuple[str, tuple[npt.NDArray[np.int64], Numbers]] | None = None
    between: tuple[npt.NDArray[np.int64], Numbers, Numbers] | None = None
    best: int | None = None


def learning(
    stats: Columns,
    evaluations: Columns,
    *,
    score: str,
    training: tuple[str, str] | None = None,
    between: tuple[str, str] | None = None,
    best: int | None = None,
) -> Learning | None:
    """The learning curve; None before the first evaluation.

    Args:
        stats: scalars of training.
        evaluations: those of evaluations.
        score: what decides which checkpoint is best.
        training: the scalar of training that is drawn beside it, and its words.
        between: the scalars that the score lies between.
        best: the step of the best checkpoint.
    """
    if score not in evaluations:
        return None
    steps, values = evaluations[score]
    beside = (training[1], stats[training[0]]) if training and training[0] in stats else None
    around = None
    if between and all(name in evaluations and np.array_equal(evaluations[name][0], steps) for name in between):
        around = (steps, evaluations[between[0]][1], evaluations[between[1]][1])
    return Learning(score, (steps, values), beside, around, best if best in steps else None)


def learning_figure(curve: Learning, *, unit: str) -> Figure | None:
    """A learning curve with what is known around it."""
    lines, legend, mark, band = [], [("score", "evaluation")], None, curve.between
    if curve.training is not None:
        label, points = curve.training
        lines.append(Series(label, *points, style="training"))
        legend.append(("training", label))
    if band is not None:
        legend.append(("band", "lowest to highest"))
    if curve.best is not None:
        value = float(curve.points[1][curve.points[0] == curve.best][-1])
        mark = (float(curve.best), value)
        legend.append(("best", f"best, {number(value)} at step {curve.best:,}"))
    chart = draw([*lines, Series("evaluation", *curve.points, style="score")], band=band, mark=mark, dots=True)
    return None if chart is None else Figure(curve.score, chart, tuple(legend), f"over {unit}")


def overview_figure(curves: Sequence[tuple[str, Learning]], *, title: str) -> Figure | None:
    """The learning curves of several runs on one pair of axes."""
    styles = [style(place) for place in range(len(curves))]
    lines = [Series(label, *curve.points, style=how) for (label, curve), how in zip(curves, styles, strict=True)]
    chart = draw(lines)
    legend = tuple((line.style, line.label) for line in lines)
    return None if chart is None else Figure(title, chart, legend)


def style(place: int) -> str:
    """The colour and the dashes of one of many lines.

    >>> style(0), style(9)
    ('c0', 'c1 dash1')
    """
    dashes = place // COLOURS % (DASHES + 1)
    return f"c{place % COLOURS}" + (f" dash{dashes}" if dashes else "")


def groups(stats: Columns, evaluations: Columns, *, shown: str = "") -> tuple[dict[str, list[Figure]], int]:
    """Every scalar in a small chart, by what they are about, and how many were too many.

    Args:
        stats: scalars of training.
        evaluations: those of evaluations.
        shown: one that is drawn already.
    """
    aside = {name: points for name, points in stats.items() if name.startswith((*ASIDE, EARLIER))}
    parts = {
        "Training": {name: points for name, points in stats.items() if name not in aside},
        "Evaluations": {name: points for name, points in evaluations.items() if name != shown},
        "Counters and time": aside,
    }
    made: dict[str, list[Figure]] = {}
    left = MOST_CHARTS
    for title, part in parts.items():
        figures = [_small(name, *points) for name, points in list(part.items())[:left]]
        left -= len(figures)
        if drawn := [figure for figure in figures if figure is not None]:
            made[title] = drawn
    return made, sum(map(len, parts.values())) - (MOST_CHARTS - left)


def _small(name: str, steps: npt.NDArray[np.int64], values: Numbers) -> Figure | None:
    chart = draw([Series(name, steps, values)], ticks=FEW_TICKS)
    lost = int(np.count_nonzero(~np.isfinite(values)))
    note = f"{lost:,} of {len(values):,} points are no numbers" if lost else ""
    return None if chart is None else Figure(name, chart, (), note)
