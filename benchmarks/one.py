"""How fast rlgen trains one agent here: one JSON line, with the fields of `peers/shared.py`.

Timed from 2,048 environment steps on, as the peers are, so that starting and compiling do not count; how long
it took to the first step is `first_step_seconds`.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

START = time.perf_counter()
WARM_UP_ENV_STEPS = 2048


def warm_up(quantum: int) -> int:
    """Environment steps after the first quantum until the clock starts: whole quanta, at least one."""
    return max(quantum, -(-WARM_UP_ENV_STEPS // quantum) * quantum - quantum)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algorithm", default="dqn")
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("--engine", default="compiled")
    parser.add_argument("--env-steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--set", nargs="*", default=[])
    asked = parser.parse_args()

    import rlgen
    from rlgen.config import parse_overrides
    from rlgen.runtime import import_tensorflow

    import_tensorflow(alone=True)
    config: Any = parse_overrides(asked.set)
    agent = rlgen.make(
        asked.algorithm, env=asked.env, engine=asked.engine, seed=asked.seed, preset=asked.preset, config=config
    )
    agent.train(agent.step_quantum)
    first = time.perf_counter() - START
    chunks = -(-asked.env_steps // agent.chunk_steps)
    before, start = agent.train(warm_up(agent.step_quantum)), time.perf_counter()
    for _ in range(chunks):
        after = agent.train(agent.chunk_steps)
    seconds = time.perf_counter() - start
    steps = chunks * agent.chunk_steps
    row = {
        "library": "rlgen",
        "version": rlgen.__version__,
        "algorithm": asked.algorithm,
        "engine": asked.engine,
        "num_envs": agent.config.num_envs,
        "env_steps": steps,
        "updates": after["work/updates"] - before["work/updates"],
        "seconds": round(seconds, 3),
        "env_steps_per_second": round(steps / seconds, 1),
        "first_step_seconds": round(first, 2),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
