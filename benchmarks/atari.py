"""Atari and MinAtar: what agents that see pictures learn, as curves, over as many seeds as there was time for.

Each run is trained as `rlgen train` would, in a directory below `--runs`, so that one that was stopped goes on. Every
tenth or twentieth of it, and at its end the best checkpoint, it plays ten whole games; `results/<suite>.json` has
these, how much memory the process held, how long it took and on what. What is there already is not run again.

    python -m benchmarks.atari --suite pong --only a2c --seeds 1
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import jobs
from benchmarks.jobs import Job, Row

PONG, BREAKOUT = "PongNoFrameskip-v4", "BreakoutNoFrameskip-v4"
# What the best checkpoint is to reach, if anything, by (algorithm, environment, environment steps).
BARS: dict[tuple[str, str, int], float | None] = {
    ("a2c", PONG, 5_000_000): 17,
    ("ppo", PONG, 5_000_000): 17,
    ("dqn", PONG, 2_000_000): 17,
    ("double_dqn", PONG, 2_000_000): 17,
    ("rainbow", PONG, 2_000_000): None,
    ("dqn", BREAKOUT, 2_000_000): None,
    # Wants `pip install minatar`.
    ("dqn", "minatar:MinAtar/Breakout-v1", 1_000_000): None,
    ("rainbow", "minatar:MinAtar/Breakout-v1", 1_000_000): None,
    ("dqn", "minatar:MinAtar/SpaceInvaders-v1", 1_000_000): None,
    ("rainbow", "minatar:MinAtar/SpaceInvaders-v1", 1_000_000): None,
}


def suite(word: str, seeds: int) -> Iterator[Job]:
    """The runs in whose environment's name the word is, seed by seed."""
    judged = {"trainer.evaluation_episodes": 10, "trainer.evaluation_share": 1}
    for seed in range(seeds):
        for algorithm, env, steps in BARS:
            if word in env.lower().replace("/", "_"):
                yield {"algorithm": algorithm, "env": env, "steps": steps, "seed": seed, "config": judged}


SUITES = {"pong": "pongno", "breakout": "breakoutno", "minatar": "minatar_"}


def run(job: Job, runs: Path) -> Row:
    """Train one job, or go on with it; the run's directory is thrown away then."""
    import rlgen

    asked = {key: value for key, value in job.items() if key != "algorithm"}
    place = runs / hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:12]
    memory = Memory()
    made = rlgen.train(job["algorithm"], run=place, resume="auto", callbacks=[memory.callback()], **asked)
    result = made.result
    about = {
        "curve": [(row["step"], row["eval/mean_reward"]) for row in made.evaluations()],
        "evaluation": result["evaluation"],
        "protocol": result.get("protocol", ""),
        "best_step": result["best_step"],
        "seconds": result["seconds"],
        "training_steps_per_second": result["training_steps_per_second"],
        "resident_gigabytes": memory.seen,
        "machine": f"{os.cpu_count()} CPUs, {platform.machine()}",
        "git_revision": made.config.about["git_revision"],
    }
    shutil.rmtree(place)
    return about


class Memory:
    """How much memory the process holds, evaluation by evaluation: (step, gigabytes)."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float]] = []

    def callback(self) -> Any:
        """For `rlgen.train`."""
        import psutil

        from rlgen.callbacks import Callback, Moment

        seen, process = self.seen, psutil.Process()

        class Resident(Callback):
            def evaluation(self, moment: Moment) -> None:
                seen.append((moment.step, round(process.memory_info().rss / 1e9, 3)))

        return Resident()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=SUITES, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", help="the runs of one algorithm")
    parser.add_argument("--runs", type=Path, default=Path("runs/atari"), help="where runs are until they are done")
    asked = parser.parse_args()
    every = suite(SUITES[asked.suite], asked.seeds)
    jobs.complete(f"atari_{asked.suite}", every, lambda job: run(job, asked.runs), only=asked.only)


if __name__ == "__main__":
    main()
