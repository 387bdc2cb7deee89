"""The section of `docs/benchmarks.md` about agents that see pictures, and its curves."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.atari import BARS, SUITES
from benchmarks.jobs import RESULTS, Row
from benchmarks.markdown import table

PLOT = RESULTS.parents[1] / "docs" / "atari.png"
# What Young and Tian (2019) draw for their DQN after a million frames: the mean of 30 seeds' training episodes.
PUBLISHED = {"minatar:MinAtar/Breakout-v1": 9, "minatar:MinAtar/SpaceInvaders-v1": 33}
COLORS = ("#e4572e", "#4a7fb0", "#2a9d63", "#8d99a6", "#b07aa1", "#c9a227")


def results() -> list[Row]:
    """Every run that is done, in the order in which they are listed."""
    files = [file for name in SUITES if (file := RESULTS / f"atari_{name}.json").exists()]
    rows = [row for file in files for row in json.loads(file.read_text())]
    order = list(BARS)
    return sorted(rows, key=lambda row: (order.index(kind(row)), row["job"]["seed"]))


def kind(row: Row) -> tuple[str, str, int]:
    """Agent, environment and environment steps."""
    job = row["job"]
    return job["algorithm"], job["env"], job["steps"]


def section() -> str:
    """A table of every seed, and the curves; nothing before the first run is done."""
    done = results()
    if not done:
        return ""
    draw(done)
    cells = []
    for about, bar in BARS.items():
        runs = [row for row in done if kind(row) == about]
        if not runs:
            continue
        algorithm, env, steps = about
        scores = [row["evaluation"]["eval/mean_reward"] for row in runs]
        worst = min(range(len(runs)), key=scores.__getitem__)
        cells.append(
            (
                f"`{algorithm}`",
                env,
                f"{steps:,}",
                ", ".join(map(_score, runs)),
                f"{scores[worst]:.1f} (seed {runs[worst]['job']['seed']})",
                "-" if bar is None else f"at least {bar:g}",
                ", ".join(f"{row['best_step']:,}" for row in runs),
                ", ".join(f"{row['seconds'] / 60:.0f}" for row in runs),
            )
        )
    header = ["agent", "environment", "steps", "seed: mean return", "worst", "bar", "best checkpoint at", "minutes"]
    memory = [row["resident_gigabytes"] for row in done if len(row["resident_gigabytes"]) > 2]
    growth = [f"{kept[1][1]:.2f} GB to {kept[-1][1]:.2f}" for kept in memory]
    protocols = sorted({f"{row['job']['env']}: {row['protocol']}" for row in done if row["protocol"]})
    return (
        "## Atari and MinAtar\n\nThe preset `Atari` or `MinAtar` of each agent, or its defaults. Every twentieth of a "
        "run ten games are played, and the best checkpoint by these plays ten others, whole and unclipped: their mean "
        "and standard deviation. Steps are decisions of the agent, of Atari's games four frames each. "
        f"{'; '.join(protocols)}.\n\n{table(header, cells)}\n\n{_published(done)}"
        "![Returns of the evaluations over environment steps](atari.png)\n\n"
        f"Memory of the processes, from the second evaluation to the last: {', '.join(growth)}.\n\n"
        "`python -m benchmarks.atari --suite pong`, and `breakout`, `minatar`\n"
    )


def emulators() -> str:
    """How fast Atari's games are played."""
    found = json.loads((RESULTS / "emulators.json").read_text())
    cells = [
        (name, f"{rate:,.0f}", ", ".join(f"{each:,.0f}" for each in found["rounds"][name]))
        for name, rate in found["steps_per_second"].items()
    ]
    dqn, ours, share = found["dqn"], found["steps_per_second"]["rlgen"], found["share_that_reaches_the_loop"]
    return (
        f"{found['copies']} copies of {found['game']}, random actions, {found['cpus']} CPUs; a step is four frames of "
        f"one copy (bar: {found['bar_steps_per_second']:,}{_missed(ours, found['bar_steps_per_second'])}).\n\n"
        f"{table(['', 'steps per second, median', 'each round'], cells)}\n\n"
        f"Of {dqn['seconds']:.2f} s in which a DQN makes {dqn['steps']:,} steps and an update for four of them, "
        f"updates take {dqn['update']:.2f} s, the choice of actions {dqn['act']:.2f} s, environments {dqn['env']:.2f} "
        f"s; alone these take {share:.0%} of that (bar: {found['bar_share']:.0%}"
        f"{_missed(share, found['bar_share'])}).\n\n"
        "`python -m benchmarks.emulators`\n"
    )


def _missed(value: float, bar: float) -> str:
    return ", missed" if value < bar else ""


def _published(done: list[Row]) -> str:
    played = {row["job"]["env"] for row in done}
    figures = [f"{env.rpartition(':')[2]} about {mean}" for env, mean in PUBLISHED.items() if env in played]
    if not figures:
        return ""
    return (
        "Published beside: Young and Tian's DQN after 1,000,000 frames, read off their figure (30 seeds, episodes of "
        f"training with an epsilon of .1, an update for every step): {', '.join(figures)}.\n\n"
    )


def _score(row: Row) -> str:
    found = row["evaluation"]
    return f"{row['job']['seed']}: {found['eval/mean_reward']:.1f} +- {found['eval/std_reward']:.1f}"


def draw(done: list[Row]) -> None:
    """A panel for each environment, a line for each seed."""
    from matplotlib.figure import Figure

    envs = list(dict.fromkeys(row["job"]["env"] for row in done))
    figure = Figure(figsize=(5 * len(envs), 3.6), dpi=110, layout="constrained", facecolor="white")
    agents = list(dict.fromkeys(algorithm for algorithm, _, _ in BARS))
    for place, env in zip(figure.subplots(1, len(envs), squeeze=False).flat, envs, strict=True):
        named: set[str] = set()
        for row in (row for row in done if row["job"]["env"] == env):
            algorithm = row["job"]["algorithm"]
            steps, values = zip(*row["curve"], strict=True)
            label: dict[str, Any] = {} if algorithm in named else {"label": algorithm}
            place.plot(steps, values, color=COLORS[agents.index(algorithm)], lw=1.4, **label)
            named.add(algorithm)
        if env in PUBLISHED:
            place.axhline(PUBLISHED[env], color="#8d99a6", lw=1, ls="--", label="published DQN")
        place.set_title(env.rpartition(":")[2], fontsize=9)
        place.set(xlabel="environment steps", ylabel="mean return of ten games")
        place.grid(True, color="#e6e9ec")
        place.legend(frameon=False)
    figure.savefig(PLOT)
