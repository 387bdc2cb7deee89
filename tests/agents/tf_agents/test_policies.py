"""Our agents as policies of TF-Agents: in a driver with a metric, and saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf

import rlgen
from rlgen.agents.agent import Agent, AgentConfig
from rlgen.agents.tf_agents import GymnasiumPyEnvironment, as_tf_policy, library
from rlgen.errors import UserError

library.require()
OURS = {
    "dqn": ("CartPole-v1", {"train_every_env_steps": 1, "updates_per_train": 1}),
    "reinforce": ("CartPole-v1", {}),
    "ppo": ("Pendulum-v1", {"minibatches": 1, "normalize_observations": True}),
    "sac": ("Pendulum-v1", {}),
    "discrete_sac": ("CartPole-v1", {}),
    "td3": ("Pendulum-v1", {}),
    "tf_agents/ppo": ("Pendulum-v1", {}),
    "tf_agents/ddqn": ("CartPole-v1", {"train_every_env_steps": 1, "updates_per_train": 1}),
}


def agent(name: str) -> Any:
    problem, config = OURS[name]
    return rlgen.make(name, env=problem, preset="default", config={"num_envs": 1, "hidden_units": (8,), **config})


@pytest.mark.parametrize("name", OURS)
def test_what_it_thinks_best_is_the_same_in_tensorflow(name: str, uncompiled: None) -> None:
    made = agent(name)
    seen = np.random.default_rng(0).normal(size=(7, *made.observation.shape)).astype(np.float32)
    np.testing.assert_allclose(made.greedy(tf.constant(seen)), made.policy(seen), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("exploring", [False, True])
@pytest.mark.parametrize("name", ["dqn", "td3"])
def test_a_driver_counts_what_the_policy_earns(name: str, exploring: bool) -> None:
    from tf_agents.drivers import dynamic_step_driver
    from tf_agents.environments import tf_py_environment
    from tf_agents.metrics import tf_metrics

    made = agent(name)
    env = tf_py_environment.TFPyEnvironment(GymnasiumPyEnvironment(made.problem, seed=1))
    policy, steps = as_tf_policy(made, exploring=exploring), tf_metrics.EnvironmentSteps()
    dynamic_step_driver.DynamicStepDriver(env, policy, observers=[steps], num_steps=5).run()
    assert int(steps.result()) >= 5
    assert not exploring or int(policy.env_steps) >= 5


def test_a_saved_policy_acts_without_rlgen(tmp_path: Path) -> None:
    from tf_agents.policies import policy_saver

    made = agent("ppo")
    policy = as_tf_policy(made)
    policy_saver.PolicySaver(policy, batch_size=2).save(str(tmp_path / "policy"))
    seen = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    step = library.time_steps.restart(tf.constant(seen), batch_size=2)
    loaded = tf.saved_model.load(str(tmp_path / "policy"))
    found = loaded.action(step).action
    np.testing.assert_allclose(found, made.policy(seen), rtol=1e-4, atol=1e-5)


def test_actions_are_the_environments_own_numbers() -> None:
    class FromFive(gym.ActionWrapper):  # type: ignore[type-arg]
        def __init__(self, env: Any) -> None:
            super().__init__(env)
            self.action_space = gym.spaces.Discrete(2, start=5)

        def action(self, action: Any) -> Any:
            return action - 5

    made = rlgen.make("dqn", env=lambda: FromFive(gym.make("CartPole-v1")), config={"hidden_units": (4,)})
    policy = as_tf_policy(made)
    assert (policy.action_spec.minimum, policy.action_spec.maximum) == (5, 6)
    step = library.time_steps.restart(tf.zeros((3, 4)), batch_size=3)
    assert set(policy.action(step).action.numpy()) <= {5, 6}


def test_what_cannot_be_one_is_refused_with_the_way_out() -> None:
    with pytest.raises(UserError, match="explores in 8 environments at once, and is given 2.*num_envs=2"):
        policy = as_tf_policy(rlgen.make("dqn", env="CartPole-v1", config={"hidden_units": (4,)}), exploring=True)
        policy.action(library.time_steps.restart(tf.zeros((2, 4)), batch_size=2))

    class Fixed(Agent):
        """It always does the same, in NumPy."""

        Config = AgentConfig
        serves = (gym.spaces.Discrete,)
        policy = train = state = inference_state = lambda self, *_: np.zeros(1)

    fixed = Fixed(problem="CartPole-v1", config=AgentConfig(), seed=0)
    with pytest.raises(UserError, match="Fixed has no way to explore"):
        as_tf_policy(fixed, exploring=True)
    with pytest.raises(UserError, match="Fixed acts in NumPy alone: give it `greedy`"):
        fixed.greedy(tf.zeros((1, 4)))
    with pytest.raises(UserError, match="a policy for TF-Agents sees a Box"):
        as_tf_policy(rlgen.make("dqn", env="FrozenLake-v1", config={"hidden_units": (4,)}))
