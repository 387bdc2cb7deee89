"""Write `docs/benchmarks.md` from the results, and from nothing else.

python -m benchmarks.tables
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"


def table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table."""
    lines = [list(header)]
    lines += [["---"] * len(lines[0]), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def speed() -> str:
    """Ratios beside their bars, and the speeds they were taken from."""
    result = json.loads((HERE / "results" / "speed.json").read_text())
    ratios = table(
        ["rlgen's engine / peer", "ratio, median", "each round", "bar"],
        [
            (name, row["median"], ", ".join(map(str, row["rounds"])), f"at least {row['bar']}")
            for name, row in result["ratios"].items()
        ],
    )
    speeds = table(
        ["", "version", "environment steps per second, median", "threads, each round"],
        [
            (
                name,
                result["versions"][name],
                f"{value:,.0f}",
                ", ".join(map(str, result["threads_of_peers"].get(name, []))),
            )
            for name, value in result["env_steps_per_second"].items()
        ],
    )
    first = ", ".join(f"{engine} {seconds} s" for engine, seconds in result["first_step_seconds"].items())
    return (
        f"{result['protocol']}; {result['cpus']} CPUs. Ratios are taken within a round, against the peer's best thread "
        f"count.\n\n{ratios}\n\n{speeds}\n\nFrom the start of the process to the first step trained, imports and "
        f"compilation included, slowest round: {first}.\n\n`python -m benchmarks.speed`\n"
    )


def groups(suite: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The runs of a suite by (engine, algorithm), sorted by seed."""
    rows = json.loads((HERE / "results" / f"{suite}.json").read_text())
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["job"]["seed"]):
        found.setdefault((row["job"]["engine"], row["job"]["algorithm"]), []).append(row)
    return found


def cartpole() -> str:
    """Return of the best checkpoint, every seed."""
    rows = []
    for (engine, algorithm), runs in groups("cartpole").items():
        returns = [row["mean_reward"] for row in runs]
        worst = min(range(len(runs)), key=returns.__getitem__)
        seed = runs[worst]["job"]["seed"]
        rows.append(
            (
                f"`{algorithm}`",
                engine,
                ", ".join(f"{value:.1f}" for value in returns),
                f"{returns[worst]:.1f} (seed {seed})",
                f"{max(row['best_step'] for row in runs):,}",
            )
        )
    header = ["agent", "engine", "mean return, seeds 0 to 4", "worst", "best checkpoint at, latest"]
    return (
        "CartPole-v1, 50,000 environment steps. The best of 20 checkpoints by 20 validation episodes, judged on 20 "
        f"other greedy episodes of Gymnasium's environment. Bar: 475 in every seed.\n\n{table(header, rows)}\n\n"
        "`python -m benchmarks.learning --suite cartpole`\n"
    )


def overestimation() -> str:
    """Mean over-estimation of DQN and Double DQN, every seed."""
    rows = []
    for (_, algorithm), runs in groups("overestimation").items():
        values = [row["overestimation"] for row in runs]
        mean = sum(values) / len(values)
        rows.append((f"`{algorithm}`", ", ".join(f"{value:.2f}" for value in values), f"{mean:.2f}"))
    config = groups("overestimation")["compiled", "dqn"][0]["job"]
    header = ["agent", "over-estimation, seeds 0 to 4", "mean"]
    return (
        f"CartPole-v1 with the reward replaced by N(1, 1), {config['steps']:,} environment steps, defaults but for "
        f"`{config['config']}`: mean of max Q minus the discounted return that followed, over the states visited in "
        f"the evaluations of the second half of training.\n\n{table(header, rows)}\n\n"
        "`python -m benchmarks.learning --suite overestimation`\n"
    )


def actor_critic() -> str:
    """Return of the best checkpoint, every seed."""
    bars = {"a2c": 475, "sac": -160, "discrete_sac": 450}
    rows = []
    for (_, algorithm), runs in groups("actor_critic").items():
        returns, job = [row["mean_reward"] for row in runs], runs[0]["job"]
        worst = min(range(len(runs)), key=returns.__getitem__)
        rows.append(
            (
                f"`{algorithm}`",
                job["env"],
                f"{job['steps']:,}",
                ", ".join(f"{value:.1f}" for value in returns),
                f"{statistics.median(returns):.1f}",
                f"{returns[worst]:.1f} (seed {runs[worst]['job']['seed']})",
                f"median at least {bars[algorithm]}",
            )
        )
    header = ["agent", "environment", "steps", "mean return, seeds 0 to 4", "median", "worst", "bar"]
    return (
        "The preset named after the environment, on the compiled engine, judged in the same way.\n\n"
        f"{table(header, rows)}\n\n`python -m benchmarks.learning --suite actor_critic`\n"
    )


def page() -> str:
    """The whole page."""
    return (
        "# Benchmarks\n\nWritten by `python -m benchmarks.tables` from `benchmarks/results`.\n\n"
        f"## Speed\n\n{speed()}\n## Learning\n\n{cartpole()}\n{actor_critic()}\n"
        f"## Over-estimation\n\n{overestimation()}"
    )


if __name__ == "__main__":
    PAGE.write_text(page())
