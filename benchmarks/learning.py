"""Learning over seeds: every seed is reported, the worst is named.

Each run is trained as `rlgen train` would, and its best checkpoint (chosen on validation episodes) is judged
on 20 other greedy episodes of Gymnasium's own environment. Results are added to `results/<suite>.json`; what is
there already is not run again.

    python -m benchmarks.learning --suite cartpole
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import jobs

DQN_FAMILY = ("dqn", "double_dqn", "dueling_dqn")


def cartpole(seeds: int) -> Iterator[dict[str, Any]]:
    """The DQN family on both engines."""
    for engine in ("compiled", "gymnasium"):
        for algorithm in DQN_FAMILY:
            for seed in range(seeds):
                yield {"algorithm": algorithm, "env": "CartPole-v1", "engine": engine, "steps": 50_000, "seed": seed}


def overestimation(seeds: int) -> Iterator[dict[str, Any]]:
    """DQN and Double DQN with the post's noise in the rewards, and its discount."""
    for algorithm in ("dqn", "double_dqn"):
        for seed in range(seeds):
            yield {
                "algorithm": algorithm,
                "env": "CartPole-v1",
                "engine": "compiled",
                "steps": 30_000,
                "seed": seed,
                "preset": "default",
                "config": {"wrappers": ["noisy_reward:1"], "discount": 0.95},
            }


def control(seeds: int) -> Iterator[dict[str, Any]]:
    """Classic control: every agent with the preset of its environment, or the one that is named."""
    for algorithm, env, steps in CONTROL_BARS:
        for seed in range(seeds):
            engine = "gymnasium" if env in BOX2D else "compiled"
            job = {"algorithm": algorithm, "env": env, "engine": engine, "steps": steps, "seed": seed}
            yield {**job, "preset": "book-hands-on-ml"} if env == "CartPole-v0" else job


# What the median over the seeds is to reach, if anything, by (algorithm, environment, environment steps).
CONTROL_BARS: dict[tuple[str, str, int], int | None] = {
    ("a2c", "CartPole-v1", 500_000): 475,
    ("a2c", "Acrobot-v1", 500_000): -90,
    ("a2c", "Pendulum-v1", 1_000_000): -250,
    ("a2c", "MountainCarContinuous-v0", 100_000): 88,
    ("a2c", "MountainCar-v0", 500_000): None,
    ("ppo", "CartPole-v1", 100_000): 500,
    ("ppo", "Acrobot-v1", 500_000): -85,
    ("ppo", "Pendulum-v1", 500_000): -200,
    ("ppo", "LunarLander-v3", 1_000_000): 200,
    ("td3", "Pendulum-v1", 20_000): -160,
    ("sac", "Pendulum-v1", 20_000): -160,
    ("sac", "MountainCarContinuous-v0", 50_000): 90,
    ("discrete_sac", "CartPole-v1", 200_000): 450,
    ("discrete_sac", "Acrobot-v1", 100_000): None,
    **{(algorithm, "Acrobot-v1", 100_000): -85 for algorithm in DQN_FAMILY},
    **{(algorithm, "MountainCar-v0", 120_000): -120 for algorithm in DQN_FAMILY},
    # CartPole-v0 ends episodes after 200 steps; 1,500 of them are the book's.
    ("reinforce", "CartPole-v0", 300_000): 190,
    ("reinforce", "CartPole-v1", 500_000): None,
    ("reinforce", "Acrobot-v1", 1_000_000): None,
}

# What every seed of TF-Agents' agents is to reach, if anything, by (algorithm, preset, environment, environment steps).
TF_AGENTS_BARS: dict[tuple[str, str, str, int], int | None] = {
    ("tf_agents/ddqn", "CartPole-v1", "CartPole-v1", 50_000): 475,
    ("tf_agents/dqn", "CartPole-v1", "CartPole-v1", 50_000): None,
    ("tf_agents/c51", "CartPole-v1", "CartPole-v1", 50_000): None,
    ("tf_agents/ppo", "default", "CartPole-v1", 100_000): None,
    ("tf_agents/reinforce", "default", "CartPole-v0", 300_000): None,
    ("tf_agents/sac", "Pendulum-v1", "Pendulum-v1", 20_000): -160,
    ("tf_agents/td3", "default", "Pendulum-v1", 20_000): None,
    ("tf_agents/dqn", "book-mastering-tensorflow", "CartPole-v0", 20_000): None,
    ("tf_agents/dqn", "book-mastering-tensorflow-cured", "CartPole-v0", 20_000): None,
    ("tf_agents/reinforce", "book-mastering-tensorflow", "CartPole-v0", 100_000): None,
}


def tf_agents(seeds: int) -> Iterator[dict[str, Any]]:
    """Its agents in rlgen's loop, and the second book's listings."""
    for algorithm, preset, env, steps in TF_AGENTS_BARS:
        for seed in range(seeds):
            job = {"algorithm": algorithm, "env": env, "engine": "compiled", "steps": steps, "seed": seed}
            yield {**job, "preset": preset}


# Wants `pip install "gymnasium[box2d]"`.
BOX2D = ("LunarLander-v3",)

SUITES = {"cartpole": cartpole, "overestimation": overestimation, "control": control, "tf_agents": tf_agents}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Train one job in a directory that is thrown away."""
    import rlgen

    asked = {key: value for key, value in job.items() if key != "algorithm"}
    with tempfile.TemporaryDirectory() as directory:
        made = rlgen.train(job["algorithm"], run=Path(directory) / "run", **asked)
        result, rows = made.result, made.evaluations()
    late = [row["eval/overestimation"] for row in rows[len(rows) // 2 :] if "eval/overestimation" in row]
    return {
        "mean_reward": result["evaluation"]["eval/mean_reward"],
        "best_step": result["best_step"],
        "seconds": result["seconds"],
        "steps_per_second": result["steps_per_second"],
        # Over the evaluations of the second half: the values of an untrained network say nothing.
        "overestimation": sum(late) / len(late) if late else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=SUITES, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", help="the runs of one algorithm")
    asked = parser.parse_args()
    jobs.complete(asked.suite, SUITES[asked.suite](asked.seeds), run, only=asked.only)


if __name__ == "__main__":
    main()
