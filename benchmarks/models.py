"""Models that learn from data, trained as `rlgen train` would and judged: what the benchmarks of them share."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import jobs
from benchmarks.jobs import Job, Row

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"

# What the tables call it, the algorithm, its preset, and more of its configuration.
Named = tuple[str, str, str, Row]

Suite = Callable[[range], Iterator[Job]]
Measured = Callable[[Job, Any], Row]


def each(models: Sequence[Named], data: str, steps: int, common: Row, seeds: range) -> Iterator[Job]:
    """Each of the models from each seed, what all have in common in its configuration."""
    for seed in seeds:
        for name, algorithm, preset, config in models:
            about = {"data": data, "steps": steps, "seed": seed, "preset": preset}
            yield {"name": name, "algorithm": algorithm, **about, "config": {**common, **config}}


def run(job: Job, runs: Path, checkpoint: str, pictures: str, measured: Measured | None) -> Row:
    """Train one job, or go on with it, and judge a checkpoint; the run's directory is thrown away then."""
    import rlgen

    asked = {key: value for key, value in job.items() if key not in ("algorithm", "name")}
    place = runs / hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:12]
    made = rlgen.train(job["algorithm"], run=place, resume="auto", **asked)
    result, episodes = made.result, job.get("config", {}).get("trainer.evaluation_episodes", 20)
    found = rlgen.evaluate(made, checkpoint=checkpoint, episodes=episodes)
    if pictures:
        for name, pixels in found.images.items():
            _picture(PICTURES / f"{pictures}_{name.replace('/', '_')}.png", pixels)
    more = measured(job, rlgen.load(made, checkpoint=checkpoint)) if measured else {}
    shutil.rmtree(place)
    return {
        "evaluation": {**found.scalars, **more},
        "seconds": result["seconds"],
        "git_revision": made.config.about["git_revision"],
    }


def _picture(file: Path, pixels: Any) -> None:
    from rlgen.summary import png_bytes

    if file.exists():
        file.write_bytes(png_bytes(pixels))


def main(
    about: str | None,
    suites: Mapping[str, tuple[Suite, int]],
    *,
    checkpoint: str = "last",
    measured: Measured | None = None,
) -> None:
    """Run what the command line asks for.

    Args:
        about: the benchmark, for `--help`.
        suites: by name the jobs of some seeds, and the first seed.
        checkpoint: that is judged.
        measured: what else there is to say of a job's model.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=suites, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", help="the runs of one algorithm")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmarks"), help="where runs are until they are done")
    asked = parser.parse_args()
    make, first = suites[asked.suite]
    every = list(make(range(first, first + asked.seeds)))

    def one(job: Job) -> Row:
        shown = f"{asked.suite}_{job['name']}" if job["seed"] == first else ""
        return run(job, asked.runs, checkpoint, "".join(c if c.isalnum() else "_" for c in shown.lower()), measured)

    jobs.complete(asked.suite, every, one, only=asked.only)
