"""What processes of their own gain slow environments: steps per second with and without, in turns.

The environment waits, as one does that talks to a simulator, or computes, so many milliseconds a step; a DQN makes an
update after every step of four of them.

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
CASES = (("waits", 5.0), ("waits", 1.0), ("computes", 5.0))


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


def rate(kind: str, milliseconds: float, *, processes: bool) -> float:
    """Environment steps per second, once everything is compiled."""
    problem = f"benchmarks.processes:Slow?milliseconds={milliseconds}&waits={str(kind == 'waits').lower()}"
    config = {"num_envs": ENVS, "train_every_env_steps": ENVS, "updates_per_train": 1, "env_processes": processes}
    agent = rlgen.make("dqn", env=problem, config={**config, "learning_starts_env_steps": 64, "batch_size": 64})
    agent.train(200)
    start = time.perf_counter()
    agent.train(STEPS)
    elapsed = time.perf_counter() - start
    agent.close()
    return STEPS / elapsed


def main() -> None:
    """Measure in turns, and write it down."""
    rows = []
    for kind, milliseconds in CASES:
        pairs = [
            (rate(kind, milliseconds, processes=False), rate(kind, milliseconds, processes=True)) for _ in range(ROUNDS)
        ]
        together, apart = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratios = [round(second / first, 2) for first, second in pairs]
        row = {"environment": kind, "milliseconds": milliseconds, "envs": ENVS, "together": round(together, 1)}
        rows.append({**row, "apart": round(apart, 1), "ratios": ratios})
        print(rows[-1], flush=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
