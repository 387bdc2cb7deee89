"""How cost grows: environments, replay, width and updates, beside Stable-Baselines3 and PureJaxRL.

One run a point, the candidates of a point one after another. A peer that cannot be told so is left out.

    python -m benchmarks.growth --purejaxrl ~/purejaxrl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.comparisons import A2C, DQN_AS_PUREJAXRL
from benchmarks.speed import measured, parser, peer_command

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "growth.json"
PLOT = HERE.parent / "docs" / "growth.png"
THREADS = 2
COLORS = {"rlgen": "#e4572e", "purejaxrl": "#4a7fb0", "sb3": "#8d99a6"}

# RL Baselines3 Zoo's networks and batches for CartPole, with as many updates as are asked for.
DQN = "--algorithm dqn --engine compiled --set batch_size=64"


def environments(n: int) -> dict[str, str]:
    """A2C with 16 steps of n environments."""
    return {
        "rlgen": f"--env-steps {max(1_000_000, 2_000 * n)} --engine compiled {A2C} num_envs={n} rollout_steps=16",
        "purejaxrl": f"purejaxrl.py --algorithm a2c --num-envs {n} --env-steps {max(1_000_000, 2_000 * n)}",
        "sb3": f"a2c.py --library sb3 --num-envs {n} --n-steps 16 --env-steps {max(40_000, 64 * n)}",
    }


def replay(n: int) -> dict[str, str]:
    """DQN in PureJaxRL's recipe with a replay of n transitions."""
    return {
        "rlgen": f"--env-steps 300000 --engine compiled {DQN_AS_PUREJAXRL}".replace(
            "replay_capacity=10000", f"replay_capacity={n}"
        ),
        "purejaxrl": f"purejaxrl.py --algorithm dqn --num-envs 10 --env-steps 300000 --replay {n}",
        "sb3": f"dqn.py --library sb3 --num-envs 10 --hidden 120 84 --batch-size 128 --train-every 10 --updates 1 "
        f"--env-steps 15000 --replay {n}",
    }


def width(n: int) -> dict[str, str]:
    """DQN, two hidden layers of n units, 128 updates of 64 per 256 steps."""
    return {
        "rlgen": f"--env-steps 16000 {DQN} hidden_units={n},{n} train_every_env_steps=256 updates_per_train=128",
        "sb3": f"dqn.py --library sb3 --hidden {n} {n} --env-steps 10000",
    }


def updates(n: float) -> dict[str, str]:
    """DQN, 64-64, n updates of 64 a step, in blocks of 40 steps."""
    block = f"train_every_env_steps=40 updates_per_train={round(40 * n)}"
    return {
        "rlgen": f"--env-steps 16000 {DQN} hidden_units=64,64 {block}",
        "sb3": f"dqn.py --library sb3 --hidden 64 64 --train-every 40 --updates {round(40 * n)} --env-steps 6000",
    }


AXES: dict[str, tuple[Any, list[Any], str]] = {
    "environments": (environments, [16, 64, 256, 1024], "A2C, 64-64 tanh, 16 steps of so many environments"),
    "replay": (
        replay,
        [10_000, 100_000, 1_000_000],
        "DQN, 120-84, an update of 128 after 10 steps, transitions kept",
    ),
    "width": (width, [64, 128, 256, 512], "DQN, an update of 64 for two steps, units of both hidden layers"),
    "updates": (updates, [0.1, 0.5, 1, 4], "DQN, 64-64, updates of 64 a step"),
}


def points(asked: Any) -> list[dict[str, Any]]:
    """Every candidate at every point: environment steps a second."""
    rows = []
    for axis, (candidates, values, _) in AXES.items():
        for value in values:
            for name, arguments in candidates(value).items():
                if name == "purejaxrl" and not asked.purejaxrl:
                    continue
                if name == "rlgen":
                    command = [sys.executable, "-m", "benchmarks.one", *arguments.split()]
                else:
                    command = [*peer_command(arguments, asked), "--threads", str(THREADS)]
                speed = measured(command)["env_steps_per_second"]
                rows.append({"axis": axis, "value": value, "name": name, "env_steps_per_second": speed})
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def plot(rows: list[dict[str, Any]]) -> None:
    """A panel for each axis, both scales logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), dpi=110, layout="constrained", facecolor="white")
    for place, (axis, (_, values, title)) in zip(figure.subplots(2, 2).flat, AXES.items(), strict=True):
        for name, color in COLORS.items():
            own = [row for row in rows if (row["axis"], row["name"]) == (axis, name)]
            if own:
                x, y = zip(*((row["value"], row["env_steps_per_second"]) for row in own), strict=True)
                place.loglog(x, y, "o-", color=color, label=name)
        place.set_title(title, fontsize=9)
        place.set(xlabel=axis, ylabel="environment steps per second")
        place.set_xticks(values, [f"{value:,}" for value in values])
        place.minorticks_off()
        place.grid(True, which="major", color="#e6e9ec")
        place.legend(frameon=False)
    figure.savefig(PLOT)


def main() -> None:
    asked = parser(__doc__).parse_args()
    rows = points(asked)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    plot(rows)


if __name__ == "__main__":
    main()
