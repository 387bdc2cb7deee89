"""How fast eight games of Pong are played, and how much of that reaches a learner.

In turns: ale-py's vector environment as it is, rlgen's of it, as agents learn in it, and Gymnasium's own wrappers, a
game after another. Then a DQN: what its environments take alone, as a share of what they take in its loop, beside
updates and the choice of actions.

    python -m benchmarks.emulators
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "emulators.json"
GAME, COPIES, ROUNDS, STEPS = "PongNoFrameskip-v4", 8, 5, 8000
LEARNED_STEPS = 1280
BAR_STEPS_PER_SECOND, BAR_SHARE = 5000, 0.95


def rate(step: Callable[[Any], Any], *, actions: int) -> float:
    """Steps of all copies together per second; `step` takes an action each, int64 [COPIES]."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, actions, (STEPS // COPIES, COPIES))
    for chosen in drawn[:20]:
        step(chosen)
    start = time.perf_counter()
    for chosen in drawn:
        step(chosen)
    return drawn.size / (time.perf_counter() - start)


def ways() -> dict[str, float]:
    """Each way once, steps per second."""
    import gymnasium as gym

    from rlgen.envs.atari import find
    from rlgen.envs.making import Environments

    game, made, found = find(GAME)(), Environments(GAME), {}  # type: ignore[misc]
    # What rlgen makes of a vector environment lies around ale-py's own.
    bare: Any = game.many(COPIES)._envs  # type: ignore[attr-defined]
    actions = int(bare.single_action_space.n)
    bare.reset(seed=0)
    found["ale-py's vector environment"] = rate(bare.step, actions=actions)
    bare.close()
    ours = made.training(num_envs=COPIES, seed=0)
    ours.reset(seed=0)
    found["rlgen"] = rate(ours.step, actions=actions)
    ours.close()
    one_by_one = gym.vector.SyncVectorEnv([game.learned] * COPIES)
    one_by_one.reset(seed=0)
    found["Gymnasium's wrappers, one game after another"] = rate(one_by_one.step, actions=actions)
    one_by_one.close()
    made.close()
    return found


def learner() -> dict[str, float]:
    """Seconds of a DQN's loop on the games, by what they go to."""
    import rlgen

    agent = rlgen.make("dqn", env=GAME, config={"learning_starts_env_steps": 256, "replay_capacity": 10_000})
    agent.train(-(-512 // agent.step_quantum) * agent.step_quantum)
    steps = -(-LEARNED_STEPS // agent.step_quantum) * agent.step_quantum
    start = time.perf_counter()
    scalars = agent.train(steps)
    seconds = time.perf_counter() - start
    agent.close()
    parts = {name: scalars[f"time/{name}_ms"] / 1000 for name in ("update", "act", "env")}
    return {"steps": steps, "seconds": seconds, **parts}


def main() -> None:
    """Measure in turns, and write it down."""
    from rlgen.runtime import import_tensorflow

    import_tensorflow()
    rounds = [ways() for _ in range(ROUNDS)]
    loop = learner()
    medians = {name: round(statistics.median(row[name] for row in rounds), 1) for name in rounds[0]}
    found = {
        "game": GAME,
        "copies": COPIES,
        "cpus": os.cpu_count(),
        "steps_per_second": medians,
        "rounds": {name: [round(row[name], 1) for row in rounds] for name in rounds[0]},
        "bar_steps_per_second": BAR_STEPS_PER_SECOND,
        "dqn": {name: round(value, 3) for name, value in loop.items()},
        "share_that_reaches_the_loop": round(loop["steps"] / medians["rlgen"] / loop["env"], 3),
        "bar_share": BAR_SHARE,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
