"""SIGKILL of workers at random moments, here and through Ray: is every run there, and to the bit what it is alone?

python -m benchmarks.kills [--kills 20] [--only here|ray]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import rlgen
from rlgen import cluster, workers
from rlgen.processes import Process

RESULTS = Path(__file__).parent / "results" / "kills.json"
SEEDS, WORKERS = range(4), 2
REQUEST = {"name": "a2c", "env": "CartPole-v1", "steps": 400_000}
CONFIG = {
    "trainer.evaluate_every_steps": 40_000,
    "trainer.checkpoint_every_steps": 10_000,
    "trainer.evaluation_episodes": 2,
}
# Between two kills, in seconds: from before a worker can train to after it has ended a run.
PAUSES = (5.0, 14.0)


class Quiet:
    """Notes what was lost, and shows it."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def at(self, label: str, step: int, steps: int, rate: str) -> None: ...

    def message(self, text: str) -> None:
        if "goes on in another process" in text:
            self.lost.append(text)
        print(text, file=sys.stderr, flush=True)

    def over(self, job: workers.Job) -> None: ...


class Killer(threading.Thread):
    """Ends a worker now and then, until it is told to stop or has done it often enough."""

    def __init__(self, start: Callable[[], Any], most: int, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self._start, self._most, self._chance = start, most, chance
        self._made: list[Any] = []
        self.kills, self.over = 0, threading.Event()

    def start_worker(self) -> Any:
        """One that may be ended."""
        self._made.append(made := self._start())
        return made

    def run(self) -> None:
        while self.kills < self._most and not self.over.wait(self._chance.uniform(*PAUSES)):
            victim = self._chance.choice(self._made[-WORKERS:])
            try:
                os.kill(victim.number, signal.SIGKILL)
                self.kills += 1
            except Exception as error:  # It has ended by itself.
                print(f"not ended: {error}", file=sys.stderr, flush=True)


def tried(place: str, alone: list[rlgen.Run], kills: int, chance: random.Random) -> dict[str, Any]:
    """Sets of seeds, one after another, until so many workers were ended."""
    row: dict[str, Any] = {"kills": 0, "runs": 0, "runs_that_lost_a_process": 0, "missing": 0, "other_bits": 0}
    begun = time.perf_counter()
    while row["kills"] < kills:
        with tempfile.TemporaryDirectory() as directory:
            jobs = [
                workers.Job(f"s{seed}", workers.portable(asked(seed, Path(directory) / f"s{seed}"))) for seed in SEEDS
            ]
            display = Quiet()
            with cluster.joined("ray", [Path(directory)]) if place == "ray" else nullcontext() as found:
                killer = Killer(found.start if found else Process, kills - row["kills"], chance)
                killer.start()
                workers.train(jobs, workers=WORKERS, display=display, start=killer.start_worker)
                killer.over.set()
                killer.join()
            row["kills"] += killer.kills
            row["runs"] += len(jobs)
            row["runs_that_lost_a_process"] += len({text.split()[0] for text in display.lost})
            row["missing"] += sum(job.run is None for job in jobs)
            row["other_bits"] += sum(
                not same(job.run, other) for job, other in zip(jobs, alone, strict=True) if job.run is not None
            )
    return {**row, "seconds": round(time.perf_counter() - begun)}


def asked(seed: int, run: Path) -> dict[str, Any]:
    return {**REQUEST, "seed": seed, "config": CONFIG, "run": run, "resume": "auto"}


def same(run: rlgen.Run, other: rlgen.Run) -> bool:
    """Whether the result and every bit of the last checkpoint are the same."""
    one, two = (each.weights("last")[1] for each in (run, other))
    bits = one.keys() == two.keys() and all(one[name].tobytes() == two[name].tobytes() for name in one)
    return bool(bits and run.result["evaluation"] == other.result["evaluation"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", choices=("here", "ray"))
    how = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        alone = [rlgen.train(**asked(seed, Path(directory) / f"s{seed}")) for seed in SEEDS]
        for place in ("here", "ray") if how.only is None else (how.only,):
            row = tried(place, alone, how.kills, random.Random(place))
            kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            RESULTS.write_text(json.dumps({**kept, place: row}, indent=1) + "\n")
            print(json.dumps({place: row}))


if __name__ == "__main__":
    main()
