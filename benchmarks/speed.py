"""Speed against Stable-Baselines3, SBX and PureJaxRL: the same networks, batches and updates, or it says what differs.

The peers run in environments of their own; PureJaxRL, which is no package, from a checkout. Every round runs all
candidates of a comparison one after another, so that a machine whose speed drifts slows them alike; a ratio is taken
within a round, against the peer's best thread count of that round, and the median of the rounds is reported. Run it
on a machine that does nothing else.

    python -m benchmarks.speed --only dqn --rounds 5
    python -m benchmarks.speed --purejaxrl ~/purejaxrl
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

from benchmarks.comparisons import COMPARISONS, Comparison

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "speed.json"
PEERS_VENV = Path(".venv-peers")
PUREJAXRL_VENV = Path(".venv-purejaxrl")


def peers_python(venv: Path, requirements: str) -> str:
    """The interpreter of an environment of peers, which is made when it is missing."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        file = str(HERE / "peers" / requirements)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", file], check=True)
    return str(python)


def peer_command(arguments: str, asked: argparse.Namespace) -> list[str]:
    """A peer's script, with the interpreter it runs in."""
    script, *options = arguments.split()
    if script == "tf_agents_loop.py":
        return [sys.executable, "-m", "benchmarks.peers.tf_agents_loop", *options]
    if script == "purejaxrl.py":
        python = peers_python(asked.purejaxrl_venv, "requirements-purejaxrl.txt")
        options += ["--checkout", str(asked.purejaxrl)]
    else:
        python = peers_python(asked.peers_venv, "requirements.txt")
    return [python, str(HERE / "peers" / script), *options]


def measured(command: list[str]) -> dict[str, Any]:
    """The JSON line a command prints last."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    row: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def one_round(comparison: Comparison, asked: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Every candidate once; of a peer, the faster of its thread counts."""
    env_steps: dict[str, int] = asked.env_steps
    rows: dict[str, dict[str, Any]] = {}
    for name, candidate in comparison.ours.items():
        # Before the arguments: their --set takes all that follows it.
        length = ["--env-steps", str(env_steps.get(name, candidate.env_steps))]
        rows[name] = measured([sys.executable, "-m", "benchmarks.one", *length, *candidate.arguments.split()])
    for name, candidate in comparison.peers.items():
        command = peer_command(candidate.arguments, asked)
        command += ["--env-steps", str(env_steps.get(name, candidate.env_steps))]
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


def parser(description: str | None) -> argparse.ArgumentParser:
    """Where the peers are."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--peers-venv", type=Path, default=PEERS_VENV)
    made.add_argument("--purejaxrl", type=Path, help="a checkout of PureJaxRL; what needs it is left out else")
    made.add_argument("--purejaxrl-venv", type=Path, default=PUREJAXRL_VENV)
    return made


def parse_args() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--only", choices=COMPARISONS, help="one comparison instead of all")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--results", type=Path, default=RESULTS, help="the file the results are kept in")
    options.add_argument(
        "--env-steps", nargs="*", default=[], metavar="CANDIDATE=STEPS", help="lengths other than the usual ones"
    )
    asked = options.parse_args()
    possible = [name for name, made in COMPARISONS.items() if asked.purejaxrl or not made.needs_purejaxrl]
    if asked.only and asked.only not in possible:
        options.error(f"'{asked.only}' wants --purejaxrl DIR, a checkout of PureJaxRL")
    chosen = [asked.only] if asked.only else possible
    asked.comparisons = {name: COMPARISONS[name] for name in chosen}
    known = {name for comparison in asked.comparisons.values() for name in (*comparison.ours, *comparison.peers)}
    lengths = dict(pair.partition("=")[::2] for pair in asked.env_steps)
    for name, steps in lengths.items():
        if name not in known or not steps.isdecimal():
            options.error(f"'{name}={steps}' is not CANDIDATE=STEPS; the candidates are {', '.join(sorted(known))}")
    asked.env_steps = {name: int(steps) for name, steps in lengths.items()}
    return asked


def main() -> None:
    asked = parse_args()
    for name, comparison in asked.comparisons.items():
        rounds = []
        for number in range(1, asked.rounds + 1):
            rounds.append(one_round(comparison, asked))
            speeds = {candidate: row["env_steps_per_second"] for candidate, row in rounds[-1].items()}
            print(f"{name}, round {number}: {speeds}", file=sys.stderr, flush=True)
        result = summary(comparison, rounds)
        keep(asked.results, name, result)
        print(json.dumps({name: result}, indent=2))


if __name__ == "__main__":
    main()
