"""Trying an environment for a moment before anything is trained in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym

from rlgen.envs.contract import Contract, Sight
from rlgen.envs.host import begun, stepped

PROBE_STEPS = 32


def probe(make: Callable[[], gym.Env[Any, Any]], *, seed: int, contract: Contract | None = None) -> None:
    """Step a fresh environment at random for a moment and hold it against Gymnasium's contract.

    Raises:
        EnvironmentFault: it breaks it; the message names the step.
    """
    contract = contract or Contract()
    env = make()
    try:
        sight = Sight(env.observation_space)
        seen = sight.empty(1)
        contract.call("reset", begun, [env], (0,), sight.closely, seen, seed)
        contract.checked(seen, sight, "reset")
        env.action_space.seed(seed)
        for step in range(1, PROBE_STEPS + 1):
            where, action = f"step {step}", env.action_space.sample()
            *_, terminated, truncated = stepped([env], [action], sight, contract, where, closely=True)
            if terminated[0] or truncated[0]:
                contract.call(f"the reset after {where}", begun, [env], (0,), sight.closely, seen)
                contract.checked(seen, sight, f"the reset after {where}")
    finally:
        contract.close(env)
