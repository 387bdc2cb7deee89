"""The sections of `docs/benchmarks.md` about many processes, from the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.data_parallel import CLUSTERS, HOP_MICROSECONDS, NETWORKS, ring_ms
from benchmarks.markdown import table

RESULTS = Path(__file__).parent / "results"


def section() -> str:
    """All of them."""
    return (
        f"## Runs side by side\n\n{side_by_side()}\n"
        f"## One run in several processes\n\n{data_parallel()}\n"
        f"## Sweeps\n\n{sweep()}\n"
        f"## Slow environments in processes\n\n{processes()}\n"
    )


def side_by_side() -> str:
    """What two processes take of one's time, and what is left after kills."""
    share = json.loads((RESULTS / "side_by_side.json").read_text())
    kills = json.loads((RESULTS / "kills.json").read_text())
    rounds = "; ".join(f"{two} s of {one} s" for one, two in share["seconds_of_one_and_two"])
    names = {"here": "processes of this machine", "ray": "Ray"}
    header = ["", "SIGKILLs", "runs", "that lost a process", "results missing", "results with other bits"]
    columns = ("kills", "runs", "runs_that_lost_a_process", "missing", "other_bits")
    cells = [(names[engine], *(row[column] for column in columns)) for engine, row in kills.items()]
    return (
        f"`{share['command']} --workers 2` takes {share['share']:.2f} of one worker's time, start included "
        f"(bar: {share['bar_share']}): {rounds}. `python -m benchmarks.side_by_side`\n\n"
        "A worker is ended at a random moment, again and again; every result is held against that of the run alone: "
        f"evaluation and weights.\n\n{table(header, cells)}\n\n`python -m benchmarks.kills`\n"
    )


def processes() -> str:
    """What slow environments gain by processes of their own."""
    rows = json.loads((RESULTS / "processes.json").read_text())
    header = ["agent", "a step", "environments", "steps per second, side by side", "in processes", "ratio, each round"]
    cells = [
        (
            row["agent"],
            f"{row['environment']} {row['milliseconds']:g} ms",
            row["envs"],
            f"{row['together']:,.0f}",
            f"{row['apart']:,.0f}",
            ", ".join(map(str, row["ratios"])),
        )
        for row in rows
    ]
    ahead = next(row for row in rows if "ratios_of_ahead" in row)
    return (
        "`dqn` with an update of 64 after each step of all environments, `ppo` with 40 of a network of 512-512 after "
        "every 32; on two cores, `env_processes=true` and without, in turns.\n\n"
        f"{table(header, cells)}\n\nThat PPO's processes go on while it updates is worth a ratio of "
        f"{', '.join(map(str, ahead['ratios_of_ahead']))} against processes that wait.\n\n"
        "`python -m benchmarks.processes`\n"
    )


def data_parallel() -> str:
    """What a second process brings one run, and what more of them would."""
    found = json.loads((RESULTS / "data_parallel.json").read_text())
    rows, exchanges = found["cases"], found["exchange_ms_by_numbers"]
    measured = table(
        [
            "",
            "ms an update, one process",
            "two on the same cores",
            "of these the exchange",
            "efficiency",
            "one / two, each round",
        ],
        [
            (
                row["case"],
                f"{row['one_ms']:.3g}",
                f"{row['two_ms']:.3g}",
                f"{row['exchange_ms']:.3g}",
                f"{1 - row['exchange_ms'] / row['two_ms']:.0%}",
                ", ".join(f"{ratio:.2f}" for ratio in row["ratios"]),
            )
            for row in rows
        ],
    )
    columns = [(network, processes) for network in NETWORKS for processes in CLUSTERS]
    modelled = table(
        ["efficiency by the model", *(f"{processes} processes, {network}" for network, processes in columns)],
        [(row["case"], *(_modelled(row, network, processes) for network, processes in columns)) for row in rows],
    )
    alone = ", ".join(f"{float(ms):.2g} ms for {int(numbers):,}" for numbers, ms in exchanges.items())
    return (
        "Data-parallel, two processes with a core each beside one process with both: what an update takes, and what of "
        f"it goes by with the exchange.\n\n{measured}\n\nAn exchange of numbers between two processes of this machine "
        f"takes {alone}. The model: a ring of W machines, each computing what one process computes here on its core, "
        f"2 (W - 1) hops of {HOP_MICROSECONDS:.0f} us with 1 / W of the numbers each.\n\n{modelled}\n\n"
        "`python -m benchmarks.data_parallel`\n"
    )


def _modelled(row: dict[str, Any], network: str, processes: int) -> str:
    compute = row["two_ms"] - row["exchange_ms"]
    exchange = ring_ms(
        numbers=round(row["numbers"]), processes=processes, hop=HOP_MICROSECONDS, bandwidth=NETWORKS[network]
    )
    return f"{compute / (compute + exchange):.0%}"


def sweep() -> str:
    """What sweeps of DQN on LunarLander found, from seeds that they had not seen."""
    rows = json.loads((RESULTS / "sweep_lander.json").read_text())
    hows = {
        "pruned": "a seed a trial, bad ones cut short",
        "whole": "two seeds a trial, none cut short, judged by the best evaluation",
    }
    cells = []
    for how, row in rows.items():
        found = ", ".join(f"`{name}` {plain(value)}" for name, value in row["found"].items())
        for label, part in ((f"found: {found}", row["rewards"]["found"]), ("the preset", row["rewards"]["present"])):
            each = sorted(part["each"])
            cells.append((hows[how], label, f"{part['median']:.0f}", f"{each[0]:.0f} to {each[-1]:.0f}"))
    header = ["sweep", "values", "reward, median", "range"]
    return (
        "40 trials of DQN on LunarLander-v3, 200,000 steps each; then ten runs from seeds that no trial had seen, with "
        f"the values that were found and with the preset.\n\n{table(header, cells)}\n\n"
        "`python -m benchmarks.sweep lander`\n"
    )


def plain(value: Any) -> str:
    """A field's value, in few digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
