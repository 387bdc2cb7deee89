"""Speed of models that learn from data, against PyTorch and Keras' `fit`: the same layers, batches and updates.

Every round runs all candidates of a comparison one after another, each in a process of its own, compilation left out; a
ratio is taken within a round, and the median of the rounds is reported. A peer's best is the fastest of its variants in
that round. Run it on a machine that does nothing else.

    python -m benchmarks.model_speed --only mlp --rounds 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed import HERE, PEERS_VENV, measured, peers_python

RESULTS = HERE / "results" / "model_speed.json"


@dataclass(frozen=True)
class Comparison:
    """What is timed against what.

    Attributes:
        protocol: what all have in common.
        ours: arguments of this script's `--one`.
        peers: by name the arguments of each variant, `script.py ...`; the fastest counts.
        bars: by peer the least ratio, or None.
    """

    protocol: str
    ours: str
    peers: dict[str, tuple[str, ...]]
    bars: dict[str, float | None]


TORCH = ("--threads 1", "--threads 2", "--threads 2 --channels-last")
PLAIN = "dropout_rate=0 weight_decay=0"
KERAS_MLP = "keras_classifier.py --model mlp"
KERAS_CNN = "keras_classifier.py --model cnn --batch-size 64 --updates 300"
TORCH_MLP = "classifier.py --model mlp"
TORCH_CNN = "classifier.py --model cnn --batch-size 64 --updates 300"

COMPARISONS = {
    "mlp": Comparison(
        "digits, 64-128-128-10, ReLU, Adam, batches of 32",
        f"mlp digits 20000 batch_size=32 {PLAIN}",
        {
            "Keras fit": (KERAS_MLP,),
            "Keras fit, best": (f"{KERAS_MLP} --at-once 37", f"{KERAS_MLP} --compile"),
            "PyTorch": (f"{TORCH_MLP} --threads 1", f"{TORCH_MLP} --threads 2"),
        },
        {"Keras fit": 5.0, "Keras fit, best": None, "PyTorch": 2.0},
    ),
    "cnn": Comparison(
        "28 x 28 grey, convolutions 32 and 64 of 3 x 3 with pooling, 128, Adam, batches of 64, float32",
        "cnn fashion_mnist 300 batch_size=64 dropout_rate=0 precision=float32",
        {
            "Keras fit": (KERAS_CNN, f"{KERAS_CNN} --at-once 20"),
            "PyTorch": tuple(f"{TORCH_CNN} {how}" for how in TORCH),
        },
        {"Keras fit": 1.0, "PyTorch": 1.0},
    ),
    "cnn, bfloat16": Comparison(
        "the same in bfloat16",
        "cnn fashion_mnist 300 batch_size=64 dropout_rate=0 precision=bfloat16",
        {"PyTorch": tuple(f"{TORCH_CNN} --bfloat16 {how}" for how in TORCH)},
        {"PyTorch": 1.0},
    ),
    "dcgan": Comparison(
        "28 x 28 grey, DCGAN as `dcgan` is by default, batches of 128, float32",
        "dcgan fashion_mnist 40 batch_size=128 precision=float32",
        {"PyTorch": tuple(f"pictures.py --model dcgan --updates 40 {how}" for how in TORCH)},
        {"PyTorch": 1.3},
    ),
    "wgan_gp": Comparison(
        "28 x 28 grey, `wgan_gp` as it is by default, five critic updates of 128, float32",
        "wgan_gp fashion_mnist 10 batch_size=128 precision=float32",
        {"PyTorch": tuple(f"pictures.py --model wgan_gp --updates 10 {how}" for how in TORCH)},
        {"PyTorch": 1.2},
    ),
    "gan": Comparison(
        "the ring, `gan --preset ring`, batches of 128",
        "gan ring 20000 preset=ring",
        {
            "Keras fit": ("keras_gan.py",),
            "Keras fit, best": ("keras_gan.py --at-once 50", "keras_gan.py --compile"),
        },
        {"Keras fit": 10.0, "Keras fit, best": None},
    ),
}


def one(algorithm: str, data: str, updates: int, fields: list[str]) -> dict[str, Any]:
    """Time rlgen's own, from its second chunk on."""
    import rlgen
    from rlgen.config import parse_overrides
    from rlgen.runtime import import_tensorflow

    import_tensorflow(alone=True)
    config: dict[str, Any] = parse_overrides(fields)
    preset = config.pop("preset", "default")
    model = rlgen.make(algorithm, data=data, preset=preset, config=config)
    model.train(3)
    start = time.perf_counter()
    model.train(updates)
    seconds = time.perf_counter() - start
    return {"updates_per_second": round(updates / seconds, 3), "version": rlgen.__version__}


def command(arguments: str, peers: Path) -> list[str]:
    """A peer's script with the interpreter it runs in."""
    script, *options = arguments.split()
    own = script.startswith("keras")
    python = sys.executable if own else peers_python(peers, "requirements.txt")
    return [python, str(HERE / "peers" / script), *options]


def one_round(comparison: Comparison, peers: Path) -> dict[str, float]:
    """Updates per second of each candidate."""
    ours = measured([sys.executable, "-m", "benchmarks.model_speed", "--one", *comparison.ours.split()])
    rows = {"rlgen": float(ours["updates_per_second"])}
    for name, variants in comparison.peers.items():
        rows[name] = max(float(measured(command(each, peers))["updates_per_second"]) for each in variants)
    return rows


def summary(comparison: Comparison, rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Median speeds, and ratios beside their bars."""
    ratios = {}
    for peer, bar in comparison.bars.items():
        each = [row["rlgen"] / row[peer] for row in rounds]
        ratios[peer] = {"median": round(statistics.median(each), 2), "rounds": [round(r, 2) for r in each], "bar": bar}
    speeds = {name: round(statistics.median(row[name] for row in rounds), 2) for name in rounds[0]}
    return {"protocol": comparison.protocol, "updates_per_second": speeds, "ratios": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=COMPARISONS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-venv", type=Path, default=PEERS_VENV)
    parser.add_argument("--one", nargs="+", help="time rlgen alone: ALGORITHM DATA UPDATES FIELD=VALUE...")
    asked = parser.parse_args()
    if asked.one:
        algorithm, data, updates, *fields = asked.one
        print(json.dumps(one(algorithm, data, int(updates), fields)))
        return
    for name in [asked.only] if asked.only else COMPARISONS:
        rounds = []
        for _ in range(asked.rounds):
            rounds.append(one_round(COMPARISONS[name], asked.peers_venv))
            print(f"{name}: {rounds[-1]}", file=sys.stderr, flush=True)
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[name] = summary(COMPARISONS[name], rounds)
        RESULTS.write_text(json.dumps({key: results[key] for key in COMPARISONS if key in results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
