"""What one run gains from a second process: the compute and the exchange of an update, apart, and beside one process.

python -m benchmarks.data_parallel

Two processes share the machine's cores, so each computes on half of them. What more processes and a network would do
is a model of a ring, from what was measured: an exchange among W processes goes through 2 (W - 1) steps in turn, each
with 1 / W of the numbers.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import rlgen
from rlgen import runtime, several
from rlgen.processes import free_address
from rlgen.together import crew

RESULTS = Path(__file__).parent / "results" / "data_parallel.json"
ROUNDS = 3
QUICK: dict[str, Any] = {
    "trainer.film": False,
    "trainer.graph": False,
    "trainer.embedding": False,
    "trainer.histograms_every_evaluations": None,
    "trainer.evaluation_episodes": 1,
    "trainer.evaluation_share": 0.01,
}
CASES: dict[str, dict[str, Any]] = {
    "A2C, CartPole, 16 environments x 16 steps": {
        "name": "a2c",
        "env": "CartPole-v1",
        "steps": 1_500_000,
        "config": {**QUICK, "num_envs": 16, "rollout_steps": 16},
        "steps_per_update": 256,
    },
    "DCGAN, emoji of 64 px, batch 128": {
        "name": "dcgan",
        "data": "emoji?size=64",
        "steps": 30,
        "config": {**QUICK, "batch_size": 128, "evaluation_samples": 10},
        "steps_per_update": 1,
    },
    "ResNet, Fashion-MNIST, batch 64": {
        "name": "resnet",
        "data": "fashion_mnist",
        "steps": 300,
        "config": {**QUICK, "batch_size": 64},
        "steps_per_update": 1,
    },
}
# Bytes per microsecond, and the microseconds of a hop between two machines.
NETWORKS = {"10 GbE": 1.25e3, "100 GbE": 12.5e3}
HOP_MICROSECONDS = 30.0
CLUSTERS = (8, 64)


def ring_ms(*, numbers: int, processes: int, hop: float, bandwidth: float) -> float:
    """An exchange of float32 numbers in a ring, milliseconds."""
    return 2 * (processes - 1) * (hop + 4 * numbers / (processes * bandwidth)) / 1000


def update_ms(run: rlgen.Run, case: dict[str, Any]) -> float:
    """The median over the chunks after the first, which compiles."""
    rates = [row["time/fps"] for row in run.stats()][1:]
    return 1000 * float(case["steps_per_update"]) / statistics.median(rates)


def measured(case: dict[str, Any]) -> dict[str, Any]:
    """A round: one process with the whole batch, then two."""
    asked = {key: value for key, value in case.items() if key != "steps_per_update"}
    name = asked.pop("name")
    # Several chunks to time: the first evaluation is one of the ends.
    asked["config"] = {**asked["config"], "trainer.evaluate_every_steps": asked["steps"] // 5}
    with tempfile.TemporaryDirectory() as place:
        alone = several.side_by_side({"one": {**asked, "name": name, "run": Path(place) / "one"}}, workers=1)["one"]
        together = several.together(name, {**asked, "run": Path(place) / "two"}, workers=2)
        last, ms = together.stats()[-1], update_ms(together, case)
        return {
            "one_ms": update_ms(alone, case),
            "two_ms": ms,
            "exchange_ms": last["time/exchange_share"] * ms,
            "numbers": last["work/exchanged_numbers"],
        }


def exchanges(sizes: list[int]) -> dict[int, float]:
    """Milliseconds of an exchange of so many numbers between two processes of this machine."""
    addresses = [free_address("127.0.0.1") for _ in range(2)]
    command = [sys.executable, "-m", "benchmarks.data_parallel", "exchange", *addresses]
    both = [
        subprocess.Popen(
            [*command, str(rank), *map(str, sizes)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for rank in range(2)
    ]
    said, _ = (process.communicate(timeout=120)[0] for process in both)
    return {int(size): ms for size, ms in json.loads(said).items()}


def exchange(arguments: list[str]) -> None:
    """One of those two processes."""
    runtime.import_tensorflow(alone=True)
    joined = crew.join(arguments[:2], int(arguments[2]))
    found = {}
    for size in map(int, arguments[3:]):
        joined.numbers[:] = [size]
        found[size] = 1000 * joined.measured_seconds()
    print(json.dumps(found), flush=True)
    time.sleep(1)
    crew.leave(0)


def main() -> None:
    if sys.argv[1:2] == ["exchange"]:
        exchange(sys.argv[2:])
        return
    rows = []
    for label, case in CASES.items():
        rounds = [measured(case) for _ in range(ROUNDS)]
        middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        print(label, json.dumps(rounds), flush=True)
        rows.append({"case": label, **middle, "ratios": [each["one_ms"] / each["two_ms"] for each in rounds]})
        RESULTS.write_text(
            json.dumps({"cases": rows, "exchange_ms_by_numbers": exchanges([1, 10_000, 1_000_000])}, indent=1)
        )


if __name__ == "__main__":
    main()
