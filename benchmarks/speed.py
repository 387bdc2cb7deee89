"""Speed against Stable-Baselines3 and SBX: the same networks, batches and updates, or it says what differs.

The peers run in an environment of their own. Every round runs all candidates of a comparison one after another,
so that a machine whose speed drifts slows them alike; a ratio is taken within a round, against the peer's best
thread count of that round, and the median of the rounds is reported. Run it on a machine that does nothing else.

    python -m benchmarks.speed --only dqn --rounds 5
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "speed.json"
PEERS_VENV = Path(".venv-peers")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One program to measure: the arguments of `benchmarks.one`, or a peer's script and its."""

    arguments: str
    env_steps: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Candidates, and the ratios of their speeds that are reported: (ours, peer) to what is asked, if anything."""

    protocol: str
    ours: dict[str, Candidate]
    peers: dict[str, Candidate]
    bars: dict[tuple[str, str], float | None]


# Stable-Baselines3's period of 10 environment steps lets the target stand still through a block of updates,
# which is a period of one block here.
DQN = "--algorithm dqn --set hidden_units=256,256 batch_size=64 train_every_env_steps=256 updates_per_train=128"
SAC = (
    "--algorithm sac --env Pendulum-v1 --set num_envs=1 hidden_units=256,256 batch_size=256 "
    "train_every_env_steps=64 updates_per_train=64"
)
A2C = "--algorithm a2c --set hidden_units=64,64 activation=tanh"
A2C_AS_SB3 = (
    f"{A2C} num_envs=8 rollout_steps=5 optimizer=rmsprop learning_rate=7e-4 gae_lambda=1 normalize_advantages=false"
)
COMPARISONS = {
    "dqn": Comparison(
        protocol="DQN, CartPole-v1, 256-256, batch 64, 128 updates per 256 environment steps, 8 environments",
        ours={
            "compiled": Candidate(f"--engine compiled {DQN}", 20_000),
            "gymnasium": Candidate(f"--engine gymnasium {DQN}", 20_000),
        },
        peers={"sb3": Candidate("dqn.py --library sb3", 20_000), "sbx": Candidate("dqn.py --library sbx", 20_000)},
        bars={("compiled", "sb3"): 4.0, ("compiled", "sbx"): 1.3, ("gymnasium", "sb3"): 3.0},
    ),
    "a2c": Comparison(
        protocol=(
            "A2C, CartPole-v1, 64-64 tanh, separate networks for policy and value. Not the same work for all: "
            "`compiled` and `gymnasium` take 16 environments x 16 steps per update, with Adam, while `sb3` takes its "
            "defaults, 8 environments x 5 steps, with RMSprop, because that is what the bars compare. `compiled 8x5` "
            "and `gymnasium 8x5` do what `sb3` does: 8 x 5, RMSprop, advantages of n steps, not normalised"
        ),
        ours={
            "compiled": Candidate(f"--engine compiled {A2C} num_envs=16 rollout_steps=16", 3_000_000),
            "gymnasium": Candidate(f"--engine gymnasium {A2C} num_envs=16 rollout_steps=16", 200_000),
            "compiled 8x5": Candidate(f"--engine compiled {A2C_AS_SB3}", 1_000_000),
            "gymnasium 8x5": Candidate(f"--engine gymnasium {A2C_AS_SB3}", 200_000),
        },
        peers={"sb3": Candidate("a2c.py --library sb3 --num-envs 8 --n-steps 5", 40_000)},
        bars={
            ("compiled", "sb3"): 50.0,
            ("gymnasium", "sb3"): 4.0,
            ("compiled 8x5", "sb3"): None,
            ("gymnasium 8x5", "sb3"): None,
        },
    ),
    "sac": Comparison(
        protocol=(
            "SAC, Pendulum-v1, 256-256 ReLU, batch 256, one update per environment step, 1 environment. In blocks, 64 "
            "updates after 64 steps, but for `sb3`, which makes each update after its step"
        ),
        ours={
            "compiled": Candidate(f"--engine compiled {SAC}", 6144),
            "gymnasium": Candidate(f"--engine gymnasium {SAC}", 6144),
        },
        peers={
            "sb3": Candidate("sac.py --library sb3 --train-every 1 --updates 1", 6144),
            "sbx": Candidate("sac.py --library sbx --train-every 64 --updates 64", 8192),
        },
        bars={
            ("compiled", "sb3"): 3.0,
            ("compiled", "sbx"): 1.0,
            ("gymnasium", "sb3"): None,
            ("gymnasium", "sbx"): None,
        },
    ),
}


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


def one_round(comparison: Comparison, python: Path, env_steps: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Every candidate once; of a peer, the faster of its thread counts."""
    rows: dict[str, dict[str, Any]] = {}
    for name, candidate in comparison.ours.items():
        # Before the arguments: their --set takes all that follows it.
        length = ["--env-steps", str(env_steps.get(name, candidate.env_steps))]
        rows[name] = measured([sys.executable, "-m", "benchmarks.one", *length, *candidate.arguments.split()])
    for name, candidate in comparison.peers.items():
        script, *options = candidate.arguments.split()
        options += ["--env-steps", str(env_steps.get(name, candidate.env_steps))]
        command = [str(python), str(HERE / "peers" / script), *options]
        tries = [measured([*command, "--threads", str(threads)]) for threads in (1, 2)]
        rows[name] = max(tries, key=lambda row: row["env_steps_per_second"])
    return rows


def summary(comparison: Comparison, rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Median speeds, and median ratios beside their bars."""
    names = list(rounds[0])
    speeds = {name: [r[name]["env_steps_per_second"] for r in rounds] for name in names}
    ratios = {}
    for (engine, peer), bar in comparison.bars.items():
        of_rounds = [ours / theirs for ours, theirs in zip(speeds[engine], speeds[peer], strict=True)]
        ratios[f"{engine} / {peer}"] = {
            "median": round(statistics.median(of_rounds), 2),
            "rounds": [round(ratio, 2) for ratio in of_rounds],
            "bar": bar,
        }
    return {
        "protocol": comparison.protocol,
        "cpus": os.cpu_count(),
        "env_steps_per_second": {name: round(statistics.median(values), 1) for name, values in speeds.items()},
        "threads_of_peers": {name: [r[name]["threads"] for r in rounds] for name in comparison.peers},
        "first_step_seconds": {name: max(r[name]["first_step_seconds"] for r in rounds) for name in comparison.ours},
        "versions": {name: rounds[0][name]["version"] for name in names},
        "ratios": ratios,
    }


def keep(file: Path, name: str, result: dict[str, Any]) -> None:
    """Put a comparison's result in the file, beside the others'."""
    results = json.loads(file.read_text()) if file.exists() else {}
    results[name] = result
    in_order = {name: results[name] for name in COMPARISONS if name in results}
    file.write_text(json.dumps(in_order, indent=2) + "\n")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=COMPARISONS, help="one comparison instead of all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-venv", type=Path, default=PEERS_VENV)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file the results are kept in")
    parser.add_argument(
        "--env-steps", nargs="*", default=[], metavar="CANDIDATE=STEPS", help="lengths other than the usual ones"
    )
    asked = parser.parse_args()
    chosen = [asked.only] if asked.only else list(COMPARISONS)
    asked.comparisons = {name: COMPARISONS[name] for name in chosen}
    known = {name for comparison in asked.comparisons.values() for name in (*comparison.ours, *comparison.peers)}
    lengths = dict(pair.partition("=")[::2] for pair in asked.env_steps)
    for name, steps in lengths.items():
        if name not in known or not steps.isdecimal():
            parser.error(f"'{name}={steps}' is not CANDIDATE=STEPS; the candidates are {', '.join(sorted(known))}")
    asked.env_steps = {name: int(steps) for name, steps in lengths.items()}
    return asked


def main() -> None:
    asked = parse_args()
    python = peers_python(asked.peers_venv)
    for name, comparison in asked.comparisons.items():
        rounds = []
        for number in range(1, asked.rounds + 1):
            rounds.append(one_round(comparison, python, asked.env_steps))
            speeds = {candidate: row["env_steps_per_second"] for candidate, row in rounds[-1].items()}
            print(f"{name}, round {number}: {speeds}", file=sys.stderr, flush=True)
        result = summary(comparison, rounds)
        keep(asked.results, name, result)
        print(json.dumps({name: result}, indent=2))


if __name__ == "__main__":
    main()
