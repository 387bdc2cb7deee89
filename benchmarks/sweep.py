"""Sweeps: what a report costs, and whether forty trials find better values than the ones there are.

python -m benchmarks.sweep reports
python -m benchmarks.sweep lander [pruned|whole]

`lander` trains for an hour or two, and goes on where it was stopped: 40 trials of DQN on LunarLander-v3, then the best
values and the present ones from ten seeds that the sweep has not seen. `pruned`: a seed a trial, cut short by the
median of the others; `whole`: two seeds a trial, none cut short, judged by the best evaluation, as runs are.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import rlgen
from rlgen.algorithm import Evaluation
from rlgen.sweeps import study as studies
from rlgen.sweeps.reporter import Reporter
from rlgen.sweeps.search import Range

BAR_MS = 50
TRIALS, REPORTS = 60, 20
STEPS, FRESH_SEEDS = 200_000, range(1000, 1010)
PLACE = Path("runs/benchmark-sweep")
RESULTS = Path(__file__).with_name("results") / "sweep_lander.json"
HOW: dict[str, dict[str, Any]] = {
    "pruned": {},
    "whole": {"seeds_per_trial": 2, "pruner": "none", "objective": "best"},
}
SEARCH = {
    "learning_rate": "3e-5..3e-3:log",
    "hidden_units": "64,64|128,128|256,256",
    "batch_size": "32|64|128",
    "discount": "0.98|0.99|0.995",
}


def reports(url: str | None, place: Path) -> dict[str, Any]:
    """Milliseconds of a report with the question whether to go on, over trials of so many reports."""
    asked = studies.Asked("none", {"seed": 0}, {}, 1, "final", "eval/score", True, REPORTS, 1)
    study, _ = studies.open_study(place, url, asked)
    space = studies.distributions({"rate": Range(0.001, 1.0, False)})
    took = []
    for number in range(TRIALS):
        trial = study.ask(fixed_distributions=space)
        reporter = Reporter(study=str(place), storage=url, pruner="median", trial=trial._trial_id, run=0)
        for step in range(1, REPORTS + 1):
            evaluation = Evaluation({"eval/score": float(number % 7 + step)}, 1)
            start = time.perf_counter()
            reporter.evaluation(SimpleNamespace(step=step, steps=REPORTS, evaluation=evaluation))  # type: ignore[arg-type]
            took.append(1000 * (time.perf_counter() - start))
        study.tell(trial, 1.0)
    took.sort()
    at = {"median_ms": took[len(took) // 2], "p99_ms": took[int(0.99 * len(took))], "mean_ms": statistics.fmean(took)}
    return {"storage": "database" if url else "journal", "reports": len(took), "bar_ms": BAR_MS, **at}


def lander(how: str) -> dict[str, Any]:
    """The rewards of fresh seeds, with the values that were found and with the present ones."""
    asked: dict[str, Any] = {"env": "LunarLander-v3", "steps": STEPS}
    study = PLACE / ("study" if how == "pruned" else f"study-{how}")
    found = rlgen.sweep("dqn", search=SEARCH, trials=40, workers=2, study=study, **HOW[how], **asked)
    presets = {"found" if how == "pruned" else f"found-{how}": str(found.preset), "present": None}
    specs = [
        {"name": "dqn", "preset": preset, "seed": seed, "run": PLACE / f"{label}-s{seed}", **asked}
        for label, preset in presets.items()
        for seed in FRESH_SEEDS
    ]
    runs = rlgen.train_many(specs, workers=2)
    rewards = [run.evaluation["eval/mean_reward"] for run in runs]
    half = len(FRESH_SEEDS)
    parts = {"found": rewards[:half], "present": rewards[half:]}
    best = json.loads(found.preset.read_text())
    return {
        "how": how,
        "found": {name: best[name] for name in SEARCH},
        "rewards": {label: {"median": statistics.median(values), "each": values} for label, values in parts.items()},
    }


def main() -> None:
    if sys.argv[1:2] == ["lander"]:
        rows = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
        for how in sys.argv[2:] or HOW:
            rows[how] = lander(how)
            RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
        return
    for kind in ("journal", "database"):
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory) / "study"
            place.mkdir()
            print(json.dumps(reports(None if kind == "journal" else f"sqlite:///{directory}/kept.db", place), indent=2))


if __name__ == "__main__":
    main()
