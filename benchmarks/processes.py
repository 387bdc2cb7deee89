"""What processes of their own gain slow environments: steps per second with and without, in turns.

The environment waits, as one does that talks to a simulator, or computes, so many milliseconds a step; a DQN makes an
update after every step of four of them, a PPO of 512-512 forty after every 32. PPO is also held against itself with
processes, but without a rollout ahead.

    python -m benchmarks.processes
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import rlgen

RESULTS = Path(__file__).parent / "results" / "processes.json"
ENVS, STEPS, ROUNDS = 4, 1200, 3
CASES = (("dqn", "waits", 5.0), ("dqn", "waits", 1.0), ("dqn", "computes", 5.0), ("ppo", "waits", 5.0))
FIELDS: dict[str, dict[str, Any]] = {
    "dqn": {"train_every_env_steps": ENVS, "updates_per_train": 1, "learning_starts_env_steps": 64, "batch_size": 64},
    "ppo": {"rollout_steps": 32, "epochs": 10, "minibatches": 4, "hidden_units": (512, 512)},
}


class Slow(gym.Env[Any, Any]):
    """Four numbers and two actions, for 100 steps; each takes its time."""

    observation_space = gym.spaces.Box(-1, 1, (4,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, *, milliseconds: float = 5.0, waits: bool = True) -> None:
        self.seconds, self.waits, self.steps = milliseconds / 1000, waits, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        end = time.perf_counter() + self.seconds
        if self.waits:
            time.sleep(self.seconds)
        while time.perf_counter() < end:
            pass
        self.steps += 1
        return self._seen(), float(action), self.steps == 100, False, {}

    def _seen(self) -> Any:
        return self.np_random.uniform(-1, 1, 4).astype(np.float32)


def rate(agent_name: str, kind: str, milliseconds: float, *, processes: bool, ahead: bool = True) -> float:
    """Environment steps per second, once everything is compiled."""
    # Not above: processes of environments import this module, and need no TensorFlow.
    from rlgen.agents.ppo import PPO

    PPO.learns_stale = ahead
    problem = f"benchmarks.processes:Slow?milliseconds={milliseconds}&waits={str(kind == 'waits').lower()}"
    config = {"num_envs": ENVS, "env_processes": processes, **FIELDS[agent_name]}
    agent = rlgen.make(agent_name, env=problem, config=config)
    steps = -(-STEPS // agent.step_quantum) * agent.step_quantum
    agent.train(2 * agent.step_quantum if agent_name == "ppo" else 200)
    start = time.perf_counter()
    agent.train(steps)
    elapsed = time.perf_counter() - start
    agent.close()
    return float(steps / elapsed)


def main() -> None:
    """Measure in turns, and write it down."""
    rows = []
    for agent, *case in CASES:
        kind, milliseconds = case
        about = {"agent": agent, "environment": kind, "milliseconds": milliseconds, "envs": ENVS}
        hows: list[dict[str, bool]] = [{"processes": False}, {"processes": True}]
        if agent == "ppo":
            hows.append({"processes": True, "ahead": False})
        rounds = [[rate(agent, kind, milliseconds, **how) for how in hows] for _ in range(ROUNDS)]  # type: ignore[arg-type]
        together, apart, *others = (statistics.median(column) for column in zip(*rounds, strict=True))
        row = {**about, "together": round(together, 1), "apart": round(apart, 1)}
        row["ratios"] = [round(second / first, 2) for first, second, *_ in rounds]
        if others:
            row["without_ahead"] = round(others[0], 1)
            row["ratios_of_ahead"] = [round(second / third, 2) for _, second, third in rounds]
        rows.append(row)
        print(row, flush=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
