"""Pictures of a study: lines through the values of every trial, and which fields have mattered."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from rlgen.sweeps import study as studies

# Of a scale.
MARKS = 5


def parallel(rows: Sequence[Mapping[str, Any]], search: Mapping[str, str], value_name: str) -> bytes | None:
    """A scale for each field and one for the value, and a line through them for each complete trial; a PNG.

    Args:
        rows: of trials.
        search: field to the text of its range or its choices.
        value_name: what the value is.
    """
    done = [row for row in rows if row["state"] == "complete"]
    if len(done) < 2:
        return None
    scales = [_scale([row["params"][name] for row in done], text) for name, text in search.items()]
    values = [row["value"] for row in done]
    scales.append(_scale(values, ""))
    figure, axes = _figure(len(scales))
    least, greatest = min(values), max(values)
    from matplotlib import colormaps

    for number in sorted(range(len(done)), key=values.__getitem__):
        share = (values[number] - least) / (greatest - least or 1)
        line = [places[number] for places, _ in scales]
        axes.plot(range(len(scales)), line, color=colormaps["viridis"](share), alpha=0.8, lw=1.4, marker="o", ms=3)
    for place, (_, marks) in enumerate(scales):
        axes.axvline(place, color="#999999", lw=0.8, zorder=0)
        for height, words in marks:
            axes.annotate(words, (place, height), (3, 2), textcoords="offset points", fontsize=7, color="#444444")
    axes.set_xticks(range(len(scales)), [*search, value_name.replace(" (", "\n(")], fontsize=8)
    axes.set_yticks([])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    return _png(figure)


def importance(study: Any, value_name: str) -> bytes | None:
    """A bar for each field: how much of the variation it explains; a PNG, or None where too little is known."""
    optuna = studies.import_optuna()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            found: dict[str, float] = optuna.importance.get_param_importances(study)
    except (ValueError, RuntimeError, ZeroDivisionError, UserWarning):
        return None  # Too few trials, or all of them alike.
    if not found or not all(map(math.isfinite, found.values())):
        return None
    figure, axes = _figure(4)
    names = [*reversed(found)]
    axes.barh(names, [found[name] for name in names], color="#0072B2")
    axes.set_xlabel(f"share of the variation of {value_name}", loc="left", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _scale(values: Sequence[Any], text: str) -> tuple[list[float], list[tuple[float, str]]]:
    """Where values lie on a scale from 0 to 1, and its marks."""
    if any(isinstance(value, str) for value in values):
        names = text.split("|")
        height = {name: place / (len(names) - 1) for place, name in enumerate(names)}
        return [height[str(value)] for value in values], [(place, name) for name, place in height.items()]
    log = text.endswith(":log")
    numbers = [math.log10(value) if log else float(value) for value in values]
    least, width = min(numbers), max(numbers) - min(numbers) or 1.0
    at = [least + width * mark / (MARKS - 1) for mark in range(MARKS)]
    marks = [((number - least) / width, f"{10**number if log else number:.3g}") for number in at]
    return [(number - least) / width for number in numbers], marks


def _figure(columns: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.0, 1.8 * columns), 4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Any) -> bytes:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()
