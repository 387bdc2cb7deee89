"""Write `docs/benchmarks.md` from the results, and from nothing else.

python -m benchmarks.tables
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks import atari_tables, export_tables, generative_tables, scale_tables, supervised_tables
from benchmarks.growth import AXES, COLORS
from benchmarks.learning import CONTROL_BARS, TF_AGENTS_BARS
from benchmarks.markdown import table
from benchmarks.summaries import BAR_MEGABYTES, BAR_SHARE

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"


def speed() -> str:
    """A section for every comparison there are results of."""
    results = json.loads((HERE / "results" / "speed.json").read_text())
    titles = {name: f"{name.partition(' ')[0].upper()}{name[len(name.partition(' ')[0]) :]}" for name in results}
    sections = [f"### {titles[name]}\n\n{comparison(result)}" for name, result in results.items()]
    how = (
        "Ratios are taken within a round, in which all candidates ran one after another, against the peer's best "
        "thread count. First steps are timed from the start of the process, imports and compilation included.\n\n"
        "`python -m benchmarks.speed --purejaxrl DIR`\n"
    )
    return "\n".join([how, *sections])


def comparison(result: dict[str, Any]) -> str:
    """Ratios beside their bars, and the speeds they were taken from."""
    ratios = table(
        ["rlgen's engine / peer", "ratio, median", "each round", "bar"],
        [
            (
                name,
                row["median"],
                ", ".join(map(str, row["rounds"])),
                "none" if row["bar"] is None else f"at least {row['bar']}",
            )
            for name, row in result["ratios"].items()
        ],
    )
    speeds = table(
        ["", "version", "environment steps per second, median", "first step after, slowest round", "threads"],
        [
            (
                name,
                result["versions"][name],
                f"{value:,.0f}",
                f"{result['first_step_seconds'][name]} s" if name in result["first_step_seconds"] else "",
                ", ".join(map(str, result["threads_of_peers"].get(name, []))),
            )
            for name, value in result["env_steps_per_second"].items()
        ],
    )
    return f"{result['protocol']}; {result['cpus']} CPUs.\n\n{ratios}\n\n{speeds}\n"


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


def control() -> str:
    """Return of the best checkpoint, every seed."""
    done = json.loads((HERE / "results" / "control.json").read_text())
    rows = []
    for (algorithm, env, steps), bar in CONTROL_BARS.items():
        of_env = [row for row in done if (row["job"]["algorithm"], row["job"]["env"]) == (algorithm, env)]
        runs = sorted(of_env, key=lambda row: row["job"]["seed"])
        if not runs:
            continue
        returns = [row["mean_reward"] for row in runs]
        worst = min(range(len(runs)), key=returns.__getitem__)
        rows.append(
            (
                f"`{algorithm}`",
                env,
                runs[0]["job"]["engine"],
                f"{steps:,}",
                ", ".join(f"{value:.1f}" for value in returns),
                f"{statistics.median(returns):.1f}",
                f"{returns[worst]:.1f} (seed {runs[worst]['job']['seed']})",
                "-" if bar is None else f"at least {bar}",
            )
        )
    header = [
        "agent",
        "environment",
        "engine",
        "steps",
        "mean return, seeds 0 to 4",
        "median",
        "worst",
        "bar of the median",
    ]
    return (
        "Every agent with the preset named after the environment, on CartPole-v0 `book-hands-on-ml`, judged likewise."
        f"\n\n{table(header, rows)}\n\n"
        "`python -m benchmarks.learning --suite control`\n"
    )


def tf_agents() -> str:
    """TF-Agents' agents: return of the best checkpoint, every seed; and how far values were off."""
    done = json.loads((HERE / "results" / "tf_agents.json").read_text())
    rows = []
    for (algorithm, preset, env, steps), bar in TF_AGENTS_BARS.items():
        asked = (algorithm, preset, env)
        of_job = [row for row in done if tuple(row["job"][key] for key in ("algorithm", "preset", "env")) == asked]
        runs = sorted(of_job, key=lambda row: row["job"]["seed"])
        if not runs:
            continue
        returns = [row["mean_reward"] for row in runs]
        worst = min(range(len(runs)), key=returns.__getitem__)
        off = ["-" if row["overestimation"] is None else f"{row['overestimation']:,.3g}" for row in runs]
        rows.append(
            (
                f"`{algorithm}`",
                f"`{preset}`",
                env,
                f"{steps:,}",
                ", ".join(f"{value:.1f}" for value in returns),
                f"{returns[worst]:.1f} (seed {runs[worst]['job']['seed']})",
                "-" if bar is None else f"at least {bar}",
                ", ".join(off) if set(off) != {"-"} else "-",
            )
        )
    header = ["agent", "preset", "environment", "steps", "mean return, seeds from 0", "worst", "bar", "over-estimation"]
    return (
        "Agents of TF-Agents in rlgen's compiled loop, judged likewise. Over-estimation is max Q minus the discounted "
        "return that followed, over the evaluations of the second half of training: the second book's DQN diverges, "
        "and its return does not show it. It is not known where every episode ran into its time limit.\n\n"
        f"{table(header, rows)}\n\n"
        "`python -m benchmarks.learning --suite tf_agents --seeds 3`\n"
    )


def seeds() -> str:
    """Several seeds in one process."""
    result = json.loads((HERE / "results" / "seeds.json").read_text())
    first, *others = result["seconds_of_each"]
    return (
        f"`{result['command']}`, from the start of the command to its end, evaluations included: {result['seconds']} s "
        f"(bar: less than {result['bar_seconds']} s). The first seed trains for {first:.1f} s, each of the others, "
        f"which compile nothing, for {statistics.median(others):.1f} s (median).\n\n`python -m benchmarks.seeds`\n"
    )


def growth() -> str:
    """A table for each axis, and the plot; nothing before it was measured."""
    file = HERE / "results" / "growth.json"
    if not file.exists():
        return ""
    rows = json.loads(file.read_text())
    parts = []
    for axis, (_, values, title) in AXES.items():
        speeds = {(row["value"], row["name"]): row["env_steps_per_second"] for row in rows if row["axis"] == axis}
        names = [name for name in COLORS if (values[0], name) in speeds]
        cells = [(f"{value:,}", *(f"{speeds[value, name]:,.0f}" for name in names)) for value in values]
        parts.append(f"{title}:\n\n{table([axis, *names], cells)}\n")
    how = "Environment steps per second, one run a point, the compiled engine; peers with two threads."
    plot = "![Environment steps per second against environments, replay, width and updates](growth.png)"
    command = "`python -m benchmarks.growth --purejaxrl DIR`\n"
    return "\n".join([f"## How cost grows\n\n{how}\n\n{plot}\n", *parts, command])


def summaries() -> str:
    """What TensorBoard costs."""
    rows = json.loads((HERE / "results" / "summaries.json").read_text())
    header = ["run", "steps", "seconds", "share while it trains", "seconds at its end", "MB", "MB of an hour"]
    cells = [
        (
            row["name"],
            f"{row['steps']:,}",
            f"{row['seconds']:.0f}",
            f"{row['share_in_training']:.1%}",
            f"{row['seconds_at_the_end']:.1f}",
            f"{row['megabytes']:.1f}",
            f"{row['megabytes_an_hour']:.1f}",
        )
        for row in rows
    ]
    return (
        "Everything on that is on by default. Share: the seconds spent on writing for TensorBoard while training goes "
        f"on, of those of the whole run (bar: {BAR_SHARE:.0%}). At its end: the film and the embedding. MB of an hour: "
        f"what the event files of such a run of an hour would take (bar: {BAR_MEGABYTES} MB).\n\n{table(header, cells)}"
        "\n\n"
        "`python -m benchmarks.summaries`\n"
    )


def page() -> str:
    """The whole page."""
    return (
        "# Benchmarks\n\nWritten by `python -m benchmarks.tables` from `benchmarks/results`.\n\n"
        f"## Speed\n\n{speed()}\n{growth()}\n"
        f"### Atari's emulators\n\n{atari_tables.emulators()}\n## Several seeds in one process\n\n{seeds()}\n"
        f"{scale_tables.section()}"
        f"## What summaries cost\n\n{summaries()}\n"
        f"## Learning\n\n{cartpole()}\n{control()}\n{atari_tables.section()}"
        f"## TF-Agents\n\n{tf_agents()}\n"
        f"## Over-estimation\n\n{overestimation()}\n"
        f"{generative_tables.section()}\n{supervised_tables.section()}\n{export_tables.section()}"
    )


if __name__ == "__main__":
    PAGE.write_text(page())
