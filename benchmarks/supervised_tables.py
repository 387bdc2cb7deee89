"""The tables of supervised models in `docs/benchmarks.md`, from the results."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence

from benchmarks import jobs
from benchmarks.jobs import RESULTS, Row
from benchmarks.markdown import table

Figures = Sequence[tuple[str, str]]
# What stands in each suite's table: a heading, and the evaluation's scalar.
CLASSES: Figures = (("accuracy", "accuracy"), ("linear model", "accuracy_linear"), ("majority", "accuracy_majority"))
NUMBERS: Figures = (
    ("RMSE", "root_mean_squared_error"),
    ("least squares", "root_mean_squared_error_linear"),
    ("mean", "root_mean_squared_error_mean"),
)
SERIES: Figures = (
    ("MAE", "mean_absolute_error"),
    ("least squares", "mean_absolute_error_linear"),
    ("naive", "mean_absolute_error_naive"),
)
MASKS: Figures = (("Dice", "dice"), ("thresholds", "dice_thresholds"), ("accuracy", "accuracy"))
LINES: Figures = (
    ("farthest from 2 x + 3", "farthest_from_the_line"),
    ("within two deviations", "coverage"),
    ("RMSE", "root_mean_squared_error"),
)
FAIR: Figures = (
    ("false positives, gap", "false_positive_rate_gap"),
    ("accuracy", "accuracy"),
    ("linear model", "accuracy_linear"),
)

HOW = (
    "Each model with its defaults, but for what its name says and `benchmarks/supervised.py` has; the best of 20 "
    "checkpoints by the validation part, judged on the test part. The first figure of every seed, the others of the "
    "first, baselines on the same examples."
)


def section() -> str:
    """Everything there are results of."""
    parts = [
        _suite("supervised_small", "Data that come along", CLASSES, lambda row: "eval/accuracy" in row["evaluation"]),
        _suite("supervised_small", "Numbers", NUMBERS, lambda row: row["job"]["algorithm"] == "regression"),
        _suite("supervised_small", "A line and its band", LINES, lambda row: row["job"]["data"].startswith("line")),
        _suite("supervised_series", "Series", SERIES),
        _suite("supervised_fashion", "Fashion-MNIST, classified", CLASSES),
        _suite("supervised_deep", "Fashion-MNIST, by deeper nets", CLASSES),
        _suite("supervised_residual", "With and without shortcuts", CLASSES),
        _suite("supervised_pictures", "Masks", MASKS, lambda row: "eval/dice" in row["evaluation"]),
        _suite("supervised_pictures", "Few pictures", CLASSES, lambda row: "eval/dice" not in row["evaluation"]),
        _suite("supervised_fairness", "MinDiff on census data", FAIR),
        _suite("supervised_tables", "House prices", NUMBERS),
    ]
    found = [part for part in (*parts, speed()) if part]
    return "\n".join([f"## Supervised models\n\n{HOW}\n", *found]) if found else ""


def speed() -> str:
    """Ratios of models of both families against their peers."""
    file = RESULTS / "model_speed.json"
    if not file.exists():
        return ""
    rows, results = [], json.loads(file.read_text())
    for name, result in results.items():
        speeds = result["updates_per_second"]
        for peer, ratio in result["ratios"].items():
            bar = "none" if ratio["bar"] is None else f"at least {ratio['bar']}"
            each = ", ".join(map(str, ratio["rounds"]))
            both = (f"{speeds[key]:,.4g}" for key in ("rlgen", peer))
            rows.append((f"`{name}`", peer, ratio["median"], each, bar, *both))
    header = ["model", "peer", "ratio, median", "each round", "bar", "rlgen, updates/s", "peer, updates/s"]
    protocols = "; ".join(f"`{name}`: {result['protocol']}" for name, result in results.items())
    about = (
        "Ratios within a round, in which all ran one after another, against the fastest variant of the peer (threads, "
        f"memory format). {protocols}."
    )
    return f"### Speed of models\n\n{about}\n\n{table(header, rows)}\n\n`python -m benchmarks.model_speed`\n"


def _suite(suite: str, title: str, figures: Figures, chosen: Callable[[Row], bool] = lambda row: True) -> str:
    """A table of the runs of a suite that are chosen: a line for each model and data set."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in filter(chosen, jobs.kept(suite)):
        job = row["job"]
        groups.setdefault((job["name"], job["data"], job["steps"]), []).append(row)
    if not groups:
        return ""
    (first, key), *others = figures
    lines = []
    for (name, data, steps), runs in groups.items():
        values = [run["evaluation"][f"eval/{key}" if f"eval/{key}" in run["evaluation"] else key] for run in runs]
        beside = [runs[0]["evaluation"].get(f"eval/{other}") for _, other in others]
        lines.append(
            (
                name,
                f"`{data}`",
                f"{steps:,}",
                ", ".join(map(_shown, values)),
                _shown(statistics.median(values)),
                *("" if value is None else _shown(value) for value in beside),
            )
        )
    most = max(len(runs) for runs in groups.values())
    header = ["model", "data", "batches", f"{first}, seeds 0 to {most - 1}", "median", *(name for name, _ in others)]
    return f"### {title}\n\n{table(header, lines)}\n\n`python -m benchmarks.supervised --suite {suite}`\n"


def _shown(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1 else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
