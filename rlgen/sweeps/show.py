"""What a study has come to: its trials as a table, the best one as a preset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlgen import files
from rlgen.board.hparams import LAST
from rlgen.errors import RlgenError
from rlgen.preset_file import ALGORITHM
from rlgen.request import Request, configured, split
from rlgen.run import Run, is_run
from rlgen.sweeps import plots
from rlgen.sweeps.study import Asked
from rlgen.sweeps.trials import SCORES, WHY, counts, run_directory

BEST = "best.json"
STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "RUNNING": "running", "WAITING": "waiting", "FAIL": "failed"}
Row = Mapping[str, Any]


def rows(study: Any, asked: Asked, place: Path) -> list[dict[str, Any]]:
    """A row for each trial, in the order they were proposed.

    Args:
        study: Optuna's.
        asked: what decides its trials.
        place: its directory.
    """
    return [_row(trial, asked, place) for trial in study.get_trials(deepcopy=False) if counts(trial)]


def best(found: Sequence[Row], asked: Asked) -> Row | None:
    """The row of the best trial that is complete, the first of those that are alike; None if there is none."""
    done = [row for row in found if row["state"] == "complete"]
    sign = -1 if asked.higher_is_better else 1
    return min(done, key=lambda row: sign * row["value"]) if done else None


def text(found: Sequence[Row], asked: Asked, place: Path) -> str:
    """For people: the best first, then those that were cut short, are running or have failed."""
    sign = -1 if asked.higher_is_better else 1
    order = [*STATES.values()]
    ordered = sorted(
        found,
        key=lambda r: (order.index(r["state"]), sign * (r["value"] if r["state"] == "complete" else 0), r["number"]),
    )
    names = [*asked.search]
    table = [["trial", "state", objective(asked), *names], *(_cells(row, names) for row in ordered)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    lines += [f"\ntrial {row['number']} failed: {row['why']}" for row in ordered if row["why"]]
    counted = [f"{sum(row['state'] == state for row in found)} {state}" for state in order]
    lines += ["", f"{place}: {', '.join(words for words in counted if not words.startswith('0 ')) or 'no trials'}"]
    return "\n".join(lines)


def objective(asked: Asked) -> str:
    """What the value of a trial is, in words."""
    what = "best" if asked.objective == "best" else f"mean of last {LAST}"
    return f"{asked.score} ({what}{f', median of {asked.seeds} seeds' if asked.seeds > 1 else ''})"


def write_preset(place: Path, row: Row, asked: Asked) -> Path:
    """Write a trial's whole configuration as a file for `--preset`.

    Raises:
        RlgenError: it cannot be written.
    """
    given = {**(asked.request.get("config") or {}), **row["params"]}
    run = run_directory(place, row["number"], 0)
    if is_run(run):
        fields = Run(run).config.config
    else:  # It was trained on another machine.
        from rlgen import registry

        plain = {key: value for key, value in asked.request.items() if key != "config"}
        cls = registry.load(asked.algorithm, registry.ALGORITHM_KINDS)
        fields = configured(asked.algorithm, cls, Request(**plain, config=given))[2].to_dict()
    trainer = {f"trainer.{name}": value for name, value in split(given)[1].items()}
    about = (
        f"Trial {row['number']} of {place.name}: {objective(asked)} {row['value']:,.6g} after {asked.steps:,} steps."
    )
    preset = {"about": about, ALGORITHM: asked.algorithm, **fields, **trainer}
    return _written(place / BEST, (json.dumps(preset, indent=2) + "\n").encode())


def write_plots(place: Path, study: Any, found: Sequence[Row], asked: Asked) -> list[Path]:
    """Draw what can be drawn: lines through all values of each trial, and which fields have mattered.

    Raises:
        RlgenError: a picture cannot be written.
    """
    drawn = {
        "parallel.png": plots.parallel(found, asked.search, objective(asked)),
        "importance.png": plots.importance(study, objective(asked)),
    }
    return [_written(place / name, data) for name, data in drawn.items() if data is not None]


def _written(file: Path, data: bytes) -> Path:
    try:
        files.write(file, data)
    except OSError as error:
        raise RlgenError(f"{file} cannot be written: {error.strerror}.") from error
    return file


def _row(trial: Any, asked: Asked, place: Path) -> dict[str, Any]:
    state = STATES[trial.state.name]
    runs = [run_directory(place, trial.number, run) for run in range(asked.seeds)]
    return {
        "number": trial.number,
        "state": state,
        # Of one that was cut short the last evaluation, which does not compare with the others.
        "value": trial.value,
        "params": dict(trial.params),
        "scores": list(trial.user_attrs.get(SCORES, ())),
        "evaluations": len(trial.intermediate_values),
        "why": trial.user_attrs.get(WHY),
        "runs": [str(run) for run in runs if run.is_dir()],
    }


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    value = "–" if row["value"] is None else f"{row['value']:,.6g}"
    shown = [f"{x:.4g}" if isinstance(x := row["params"].get(name, "–"), float) else str(x) for name in names]
    return [str(row["number"]), row["state"], value, *shown]
