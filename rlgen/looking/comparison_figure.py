"""How a comparison is shown: as a table of text, Markdown or CSV, and as a plot."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

from rlgen import files, paths
from rlgen.board.hparams import LAST
from rlgen.errors import UserError, nearest
from rlgen.looking.aggregates import Estimate
from rlgen.looking.comparing import Comparison, Group

ENDINGS = (".png", ".md", ".csv")
# Okabe and Ito's colours, which the colour-blind tell apart; beyond them the line changes. Their yellow is too pale.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))
# Groups of which all pairs are shown to people; of more, the best one beside each of the others.
ALL_PAIRS = 4
# Groups whose labels have room inside a plot; those of more stand below, in columns.
INSIDE, COLUMNS = 8, 2


def check_out(out: Path) -> None:
    """Check that a comparison can be written to `out`, before anything is read.

    Raises:
        UserError: it cannot.
    """
    if out.suffix not in ENDINGS:
        raise UserError(
            f"'{out}' ends in none of {', '.join(ENDINGS)}; the ending chooses between a plot and tables."
            f"{nearest(out.suffix, ENDINGS)}"
        )
    paths.check_new_place(out)


def write(comparison: Comparison, out: Path) -> Path:
    """Write it as the plot, the Markdown or the CSV file that the ending asks for, whole or not at all.

    Raises:
        UserError: another ending, something is there already, or it cannot be written.
    """
    check_out(out)
    if out.suffix == ".png":
        data = png(comparison)
    else:
        data = (markdown if out.suffix == ".md" else as_csv)(comparison).encode()
    try:
        files.write(out, data)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    return out


def text(comparison: Comparison) -> str:
    """For a terminal."""
    rows = _table(comparison)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # The first column's words to the left, the numbers of the others to the right.
    lines = [
        "  ".join(cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(cells))
        for cells in (zip(row, widths, strict=True) for row in rows)
    ]
    pairs = _pairs(comparison)
    wide = max((len(words) for words, _ in pairs), default=0)
    lines += ["", *(f"{words:<{wide}}  {shown}" for words, shown in pairs)] if pairs else []
    lines += ["", *comparison.remarks] if comparison.remarks else []
    return "\n".join([heading(comparison), "", *lines])


def markdown(comparison: Comparison) -> str:
    """For a page: a table, the pairs as a list."""
    header, *rows = _table(comparison)
    alignment = ["---", *["---:"] * (len(header) - 1)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (header, alignment, *rows)]
    pairs = [f"- {words}: {shown}" for words, shown in _pairs(comparison)]
    parts = [[heading(comparison)], table, pairs, list(comparison.remarks)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def as_csv(comparison: Comparison) -> str:
    """A row for each group, numbers with all their digits."""
    made = io.StringIO()
    rows = [{**group.row(), "worst": group.worst.name} for group in comparison.groups]
    writer = csv.DictWriter(made, ["metric", *rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"metric": comparison.metric, **row} for row in rows)
    return made.getvalue()


def heading(comparison: Comparison) -> str:
    """What the numbers are."""
    direction = "higher" if comparison.higher_is_better else "lower"
    over = "; over seeds its interquartile mean with the 95 % bootstrap interval" if _many(comparison) else ""
    return f"{comparison.metric}, {direction} is better. final: mean of the last {LAST} points{over}."


def _many(comparison: Comparison) -> bool:
    return any(len(group.members) > 1 for group in comparison.groups)


def _table(comparison: Comparison) -> list[list[str]]:
    """Cells, the header first; where every group is one run, without what is said over seeds."""
    if not _many(comparison):
        header = ["run", "steps", "final", "best"]
        return [
            header,
            *([g.label, f"{g.steps:,}", _number(g.estimate.value), _number(g.best)] for g in comparison.groups),
        ]
    header = ["group", "runs", "steps", "final", "95 % interval", "least", "greatest", "worst run", "best"]
    return [header, *map(_cells, comparison.groups)]


def _cells(group: Group) -> list[str]:
    least, greatest = min(group.finals), max(group.finals)
    return [
        *(group.label, str(len(group.members)), f"{group.steps:,}", _number(group.estimate.value)),
        *(_ends(group.estimate), _number(least), _number(greatest), group.worst.name, _number(group.best)),
    ]


def _pairs(comparison: Comparison) -> list[tuple[str, str]]:
    """How likely one is better than another, in words and in numbers."""
    leading = comparison.groups[0].label
    shown = [pair for pair in comparison.pairs if len(comparison.groups) <= ALL_PAIRS or pair[0] == leading]
    return [(f"P({better} better than {than})", f"{e.value:.2f}  {_ends(e, '.2f')}") for better, than, e in shown]


def _ends(estimate: Estimate, form: str = "") -> str:
    """An interval; a dash where there is none."""
    if math.isnan(estimate.low):
        return "–"
    return "[{}, {}]".format(*(format(end, form) if form else _number(end) for end in estimate[1:]))


def _number(value: float) -> str:
    """Four digits, or all that stand before the point."""
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e12 else f"{value:#,.4g}".rstrip(".")


def png(comparison: Comparison) -> bytes:
    """All curves on one pair of axes, their intervals as bands."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    inside = len(comparison.groups) <= INSIDE
    rows = 0 if inside else math.ceil(len(comparison.groups) / COLUMNS)
    figure = Figure(figsize=(8, 4.5 + 0.2 * rows), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, group in enumerate(comparison.groups):
        _draw(axes, group, number)
    # Names are not formulas, whatever dollars are in them.
    axes.set_title(comparison.metric, loc="left", fontweight="bold", parse_math=False)
    axes.set_xlabel(comparison.step_unit, loc="left")
    if _many(comparison):
        grey: dict[str, Any] = {"fontsize": 8, "color": "#666666", "ha": "right", "va": "top"}
        says = "interquartile mean over seeds, band: 95 % bootstrap interval"
        axes.annotate(says, (1, 0), (0, -22), xycoords="axes fraction", textcoords="offset points", **grey)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    # What is below a legend shines through.
    look: dict[str, Any] = {"edgecolor": "none", "framealpha": 0.7, "fontsize": 9}
    below: dict[str, Any] = {"loc": "outside lower left", "ncols": COLUMNS, "fontsize": 8}
    legend = axes.legend(**look) if inside else figure.legend(**look | below)
    for shown in legend.get_texts():
        shown.set_parse_math(False)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def _draw(axes: Any, group: Group, number: int) -> None:
    """One curve, in the colour and the dashes of its number."""
    band, runs = group.curve, len(group.members)
    colour, dashes = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
    # One that begins with an underscore is none to Matplotlib.
    name = group.label.lstrip("_") or "?"
    label = name if runs == 1 else f"{name} ({runs} seeds)"
    points: dict[str, Any] = {"marker": "o", "ms": 3.5} if len(band.steps) <= 30 else {}
    axes.plot(band.steps, band.middle, color=colour, ls=dashes, lw=1.8, label=label, **points)
    if runs > 1:
        axes.fill_between(band.steps, band.low, band.high, color=colour, alpha=0.16, lw=0)
