"""What a run has come to, at a glance: what was run, how far it is, how good, and its curves in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import checkpoint, registry, runtime, showing
from rlgen.board.hparams import LAST
from rlgen.looking import curves, reading
from rlgen.run import Run, is_run

BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 40
# What people look at last.
ASIDE = ("work/", "time/")


def inspection(path: Path) -> dict[str, Any]:
    """All there is to say of a run, or of a directory that another program logged to, as JSON holds it.

    Raises:
        UserError: it is neither.
    """
    if not is_run(path):
        found = curves.read(path)
        named = {name: (curve.steps, curve.values) for name, curve in found.items()}
        return {"path": str(path), "curves": _curves(named), "damage": list(found.damage)}
    run = Run(path)
    config, result, rows = run.config, run.result, run.evaluations()
    score = result.get("score") or _score(config.algorithm)
    about = {name: getattr(config, name) for name in ("algorithm", "problem", "preset", "seed", "engine")}
    return {
        "path": str(path),
        **about,
        "steps": run.steps,
        "completed": bool(result),
        "stopped": result.get("stopped"),
        "seconds": result.get("seconds"),
        **_quality(run, rows, score),
        "evaluation": dict(result.get("evaluation", {})),
        "curves": _curves({**_first(score, reading.columns(rows)), **reading.columns(run.stats())}),
        "damage": [],
    }


def _score(algorithm: str) -> str:
    """What an algorithm is judged by."""
    runtime.import_tensorflow()
    return str(registry.find(algorithm).load().score)


def _quality(run: Run, rows: Sequence[Mapping[str, Any]], score: str) -> dict[str, Any]:
    """The last and the best evaluation in training, and how far the last five are from the best."""
    steps_and_values = reading.columns(rows).get(score, ((), ()))
    points = {int(step): float(value) for step, value in zip(*steps_and_values, strict=True) if np.isfinite(value)}
    found: dict[str, Any] = {"score": score, "evaluations": len(points)}
    if not points:
        return found
    steps = sorted(points)
    kept = [each.step for each in checkpoint.listed(run.best) if each.step in points]
    last = float(np.mean([points[step] for step in steps[-LAST:]]))
    found |= {"last_step": steps[-1], "last": points[steps[-1]], "mean_of_last_5": last}
    if kept:
        best = points[kept[-1]]
        found |= {"best_step": kept[-1], "best": best, "last_5_from_best": abs(best - last)}
    return found


def _first(name: str, found: reading.Columns) -> reading.Columns:
    """The same with one of them before the others."""
    return {each: found[each] for each in sorted(found, key=lambda each: each != name)}


def _curves(found: Mapping[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    """Of each its ends, its extremes and its form."""
    names = sorted(found, key=lambda name: name.startswith(ASIDE))  # Stable: the rest as it was.
    return {name: _curve(*found[name]) for name in names}


def _curve(steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> dict[str, Any]:
    numbers = values[np.isfinite(values)]
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (None, None)
    first, last = (float(value) if np.isfinite(value) else None for value in (values[0], values[-1]))
    ends = {"first_step": int(steps[0]), "last_step": int(steps[-1]), "first": first, "last": last}
    return {"points": len(values), **ends, "lowest": low, "highest": high, "form": sparkline(steps, values)}


def sparkline(steps: npt.NDArray[Any], values: npt.NDArray[Any], *, columns: int = COLUMNS) -> str:
    """A curve as a line of bars, each as high as the mean of its stretch of steps; blank where nothing is.

    >>> sparkline(np.arange(4), np.array([0.0, 1.0, 2.0, 7.0]), columns=4)
    '▁▂▃█'
    """
    steps, values = steps[np.isfinite(values)], values[np.isfinite(values)].astype(np.float64)
    if not len(values):
        return ""
    _, place = np.unique(steps, return_inverse=True)
    if place.max() >= columns:
        place = (steps - steps.min()) * columns // (steps.max() - steps.min() + 1)
    columns = int(place.max()) + 1
    counts = np.bincount(place, minlength=columns)
    sums = np.bincount(place, weights=values - values.min(), minlength=columns)
    means = sums / np.maximum(counts, 1)
    low, reach = means[counts > 0].min(), np.ptp(means[counts > 0])
    heights = np.rint((means - low) / reach * (len(BARS) - 1)) if reach > 0 else np.zeros(columns)
    return "".join(BARS[int(height)] if count else " " for height, count in zip(heights, counts, strict=True))


def text(row: Mapping[str, Any]) -> str:
    """An inspection for people."""
    rest = {name: value for name, value in row.items() if name not in ("curves", "damage", "evaluation")}
    lines = showing.table({name: value for name, value in rest.items() if value is not None})
    if row.get("evaluation"):
        lines += ["", "Of the best checkpoint, on what nothing was chosen by:", *showing.table(row["evaluation"])]
    width = max((len(name) for name in row["curves"]), default=0)
    lines += [""] if row["curves"] else []
    for name, curve in row["curves"].items():
        first, last = ("nan" if end is None else f"{end:,.4g}" for end in (curve["first"], curve["last"]))
        lines.append(f"{name:<{width}}  {curve['form']:<{COLUMNS}}  {first} → {last}")
    return "\n".join([*lines, *row["damage"]])
