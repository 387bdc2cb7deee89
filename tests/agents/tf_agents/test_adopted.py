"""Agents of TF-Agents that somebody else has built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import rlgen
from rlgen.agents.tf_agents import adopt, library
from rlgen.errors import UserError

BLOCKS = {"learning_starts_env_steps": 8, "train_every_env_steps": 8, "updates_per_train": 2}
SMALL = {"num_envs": 2, "batch_size": 8, **BLOCKS}
ROLLED = {"num_envs": 2, "rollout_steps": 8}
library.require()


def adam() -> Any:
    return tf.keras.optimizers.legacy.Adam(1e-3)


def dqn(time_step: Any, action: Any, **how: Any) -> Any:
    """As a user of TF-Agents builds one, whose actions are 64-bit."""
    network = library.q_network.QNetwork(time_step.observation, action, fc_layer_params=(8,))
    return library.dqn_agent.DqnAgent(time_step, action, network, adam(), gamma=0.9, **how)


def ppo(time_step: Any, action: Any, **how: Any) -> Any:
    actor = library.actor_distribution_network.ActorDistributionNetwork(
        time_step.observation, action, fc_layer_params=(8,)
    )
    value = library.value_network.ValueNetwork(time_step.observation, fc_layer_params=(8,))
    return library.ppo_agent.PPOAgent(time_step, action, adam(), actor, value, num_epochs=2, **how)


def reinforce(time_step: Any, action: Any) -> Any:
    actor = library.actor_distribution_network.ActorDistributionNetwork(
        time_step.observation, action, fc_layer_params=(8,)
    )
    return library.reinforce_agent.ReinforceAgent(time_step, action, actor, adam())


def specs(size: int = 4) -> tuple[Any, Any]:
    seen = library.specs.TensorSpec((size,), tf.float32)
    return library.time_steps.time_step_spec(seen), library.specs.BoundedTensorSpec((), tf.int64, 0, 1)


@pytest.mark.parametrize(
    ("make", "name", "config"),
    [
        (dqn, "tf_agents/adopted", SMALL),
        (ppo, "tf_agents/adopted_ppo", ROLLED),
        (reinforce, "tf_agents/adopted_reinforce", ROLLED),
    ],
)
def test_a_function_is_trained_as_what_it_builds(make: Any, name: str, config: Any, uncompiled: None) -> None:
    asked = adopt(make, env="CartPole-v1", config=config)
    assert asked["name"] == name
    trained = rlgen.make(**asked)
    scalars = trained.train(32)
    assert scalars["work/updates"] >= 1 and np.isfinite(scalars["train/loss"])


def test_an_agent_is_trained_as_it_is_and_found_again(tmp_path: Path) -> None:
    built = dqn(*specs(), train_step_counter=tf.Variable(0, dtype=tf.int64))
    before = [variable.numpy() for variable in built.policy.variables()]
    few = {**SMALL, "trainer.evaluation_episodes": 1, "trainer.evaluate_every_steps": 32}
    run = rlgen.train(**adopt(built, env="CartPole-v1", config=few), steps=32, run=tmp_path / "run")
    assert int(built.train_step_counter) == 8
    assert any((of != to.numpy()).any() for of, to in zip(before, built.policy.variables(), strict=True))
    again = rlgen.load(run)
    assert again.agent is built


def test_an_episode_that_goes_on_is_discounted_by_the_agent_itself() -> None:
    trained = rlgen.make(**adopt(dqn, env="CartPole-v1", config={**SMALL, "discount": 0.5}))
    trained.state()
    batch = trained._specimen()._replace(discount=tf.constant([0.5, 0.0] * 4))
    np.testing.assert_array_equal(trained.experience(batch).discount[:, 0], [1, 0] * 4)


def test_what_cannot_be_adopted_is_refused_with_the_way_out() -> None:
    for value, message in (
        (lambda *_: "nothing", "A str is no agent of TF-Agents"),
        (lambda *specs: dqn(*specs, n_step_update=3), "DqnAgent learns from 4 steps at a time.*n_step_update=1"),
        (
            lambda *specs: ppo(*specs, compute_value_and_advantage_in_train=False),
            "compute_value_and_advantage_in_train",
        ),
        (lambda *_: 1 / 0, "could not build an agent: ZeroDivisionError"),
        (dqn(*specs(3)), r"was built for observations .*3.* and 'CartPole-v1' has .*4"),
    ):
        with pytest.raises(UserError, match=message):
            rlgen.make(**adopt(value, env="CartPole-v1"))


def test_the_name_has_to_fit_and_there_has_to_be_one() -> None:
    known = adopt(ppo, env="CartPole-v1")["config"]["agent"]
    with pytest.raises(UserError, match="is a PPOAgent: that is `tf_agents/adopted_ppo` here"):
        rlgen.make("tf_agents/adopted", env="CartPole-v1", config={"agent": known})
    with pytest.raises(UserError, match="Say which agent: --set agent=package.module:function"):
        rlgen.make("tf_agents/adopted", env="CartPole-v1")
    with pytest.raises(UserError, match="leave n_step at 1"):
        rlgen.make(**adopt(dqn, env="CartPole-v1", config={"n_step": 3}))
