"""Speed against Stable-Baselines3 and SBX: the same network, batch, update ratio and number of environments.

The peers run in an environment of their own. Every round runs all candidates one after another, so that a
machine whose speed drifts slows them alike; a ratio is taken within a round, against the peer's best thread
count of that round, and the median of the rounds is reported. Run it on a machine that does nothing else.

    python -m benchmarks.speed --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULT = HERE / "results" / "speed.json"
PEERS_VENV = Path(".venv-peers")
# Stable-Baselines3's period of 10 environment steps lets the target stand still through a block of updates,
# which is a period of one block here.
RECIPE = ["hidden_units=256,256", "batch_size=64", "train_every_env_steps=256", "updates_per_train=128"]
BARS = {("compiled", "sb3"): 4.0, ("compiled", "sbx"): 1.3, ("gymnasium", "sb3"): 3.0}


def peers_python(venv: Path) -> Path:
    """The interpreter of the peers' environment, which is made when it is missing."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        requirements = str(HERE / "peers" / "requirements.txt")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
    return python


def measured(command: list[str]) -> dict[str, Any]:
    """The JSON line a command prints last."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    row: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def one_round(python: Path, env_steps: int) -> dict[str, dict[str, Any]]:
    """Every candidate once; of a peer, the faster of its thread counts."""
    rows: dict[str, dict[str, Any]] = {}
    for engine in ("compiled", "gymnasium"):
        ours = [sys.executable, "-m", "benchmarks.one", "--engine", engine, "--env-steps", str(env_steps)]
        rows[engine] = measured([*ours, "--set", *RECIPE])
    for library in ("sb3", "sbx"):
        command = [str(python), str(HERE / "peers" / "dqn.py"), "--library", library, "--env-steps", str(env_steps)]
        tries = [measured([*command, "--threads", str(threads)]) for threads in (1, 2)]
        rows[library] = max(tries, key=lambda row: row["env_steps_per_second"])
    return rows


def summary(rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Median speeds, and median ratios beside their bars."""
    names = list(rounds[0])
    speeds = {name: [r[name]["env_steps_per_second"] for r in rounds] for name in names}
    ratios = {}
    for (engine, peer), bar in BARS.items():
        of_rounds = [ours / theirs for ours, theirs in zip(speeds[engine], speeds[peer], strict=True)]
        ratios[f"{engine} / {peer}"] = {
            "median": round(statistics.median(of_rounds), 2),
            "rounds": [round(ratio, 2) for ratio in of_rounds],
            "bar": bar,
        }
    return {
        "protocol": "DQN, CartPole-v1, 256-256, batch 64, 128 updates per 256 environment steps, 8 environments",
        "cpus": os.cpu_count(),
        "env_steps_per_second": {name: round(statistics.median(values), 1) for name, values in speeds.items()},
        "threads_of_peers": {name: [r[name]["threads"] for r in rounds] for name in ("sb3", "sbx")},
        "first_step_seconds": {
            engine: max(r[engine]["first_step_seconds"] for r in rounds) for engine in ("compiled", "gymnasium")
        },
        "versions": {name: rounds[0][name]["version"] for name in names},
        "ratios": ratios,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--env-steps", type=int, default=20_000)
    parser.add_argument("--peers-venv", type=Path, default=PEERS_VENV)
    asked = parser.parse_args()
    python = peers_python(asked.peers_venv)
    rounds = []
    for number in range(1, asked.rounds + 1):
        rounds.append(one_round(python, asked.env_steps))
        speeds = {name: row["env_steps_per_second"] for name, row in rounds[-1].items()}
        print(f"round {number}: {speeds}", file=sys.stderr, flush=True)
    result = summary(rounds)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
