"""Rollouts collected while the one before is learned from: by whom, and that the update knows who acted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen import planning, state

LAKE: dict[str, Any] = {"env": "FrozenLake-v1", "engine": "gymnasium", "steps": 1000}
FIELDS: dict[str, Any] = {
    "num_envs": 2,
    "rollout_steps": 8,
    "hidden_units": (4,),
    "env_processes": True,
    "minibatches": 2,
    "epochs": 2,
    "learning_rate": 0.05,
}


def agent(place: Path, **more: Any) -> Any:
    return planning.plan("ppo", **LAKE, config={**FIELDS, **more}, run=place / "run").algorithm


def arrays(actor: Any) -> list[Any]:
    return [np.array(variable.numpy()) for variable in actor.network.variables]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_rollout_is_acted_in_by_what_was_known_before_the_last_update(tmp_path: Path) -> None:
    ppo = agent(tmp_path)
    known: list[Any] = []
    ppo._build()
    update = ppo._update

    def updated(*columns: Any) -> Any:
        known.append((arrays(ppo.acted), arrays(ppo.acting), arrays(ppo._present)))
        return update(*columns)

    ppo._update = updated
    scalars = ppo.train(4 * ppo.step_quantum)
    assert scalars["rollout/staleness_updates"] == 1
    # The first rollout is acted in by what is there, and so is the second, begun before the first update.
    (acted, acting, present), *later = known
    assert same(acted, present) and same(acting, present)
    for (_, before, _), (acted, acting, present) in zip(known, later, strict=False):
        assert same(acted, before) and same(acting, present) and not same(acted, present)
    ppo.close()


def test_what_was_acted_with_is_what_ratios_are_of(tmp_path: Path) -> None:
    """With one minibatch and one epoch the first ratio would be 1 everywhere, were the policy the one that acted."""
    ppo = agent(tmp_path, minibatches=1, epochs=1)
    first = ppo.train(ppo.step_quantum)
    second = ppo.train(ppo.step_quantum)
    third = ppo.train(ppo.step_quantum)
    assert first["train/approx_kl"] == pytest.approx(0, abs=1e-6)
    # The second rollout was begun before the first update, which is what the policy has moved by.
    assert second["train/approx_kl"] > 1e-5 and third["train/approx_kl"] > 1e-5
    ppo.close()


def test_a_state_that_is_taken_back_begins_with_itself(tmp_path: Path) -> None:
    ppo = agent(tmp_path)
    ppo.train(2 * ppo.step_quantum)
    kept = state.read(ppo.state())
    ppo.train(2 * ppo.step_quantum)
    state.write(ppo.state(), kept)
    ppo.act_as_now()
    assert same(arrays(ppo.acting), arrays(ppo._present))
    ppo.train(ppo.step_quantum)
    ppo.close()
    others = planning.plan(
        "a2c", **LAKE, config={"env_processes": True, "num_envs": 2}, run=tmp_path / "other"
    ).algorithm
    assert not others.collects_ahead
    others.close()
