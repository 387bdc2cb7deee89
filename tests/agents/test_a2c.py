"""A2C: its loss in closed form, the same bits every time, a small world learned in seconds."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from identity import Identity
from same_bits import assert_resumes_to_the_bit

from rlgen import state
from rlgen.agents.a2c import A2C, A2CConfig, a2c_loss
from rlgen.agents.trajectory import Transitions
from rlgen.envs.making import Environments
from rlgen.errors import UserError

EVERYTHING: dict[str, Any] = {
    "normalize_observations": True,
    "normalize_rewards": True,
    "learning_rate": "linear:start=0.002,end=0,over=1000",
    "optimizer": "rmsprop",
    "shared_network": True,
    "entropy_weight": 0.01,
}


def agent(*, seed: int = 0, engine: str = "auto", problem: str = "CartPole-v1", **changes: Any) -> A2C:
    small = {"num_envs": 4, "rollout_steps": 4, "hidden_units": (8,)}
    return A2C(problem=problem, config=A2C.Config.build({**small, **changes}), seed=seed, engine=engine)


def test_the_loss_in_closed_form() -> None:
    config = A2CConfig(value_weight=0.5, entropy_weight=0.1)
    columns = ([-1.0, -2.0], [3.0, -1.0], [1.0, 2.0], [2.0, 4.0], [0.5, 0.7])
    total, policy, value = a2c_loss(*(tf.constant(column) for column in columns), config)
    assert float(policy) == pytest.approx(0.5)
    assert float(value) == pytest.approx(2.5)
    assert float(total) == pytest.approx(0.5 + 1.25 - 0.06)


def test_no_gradient_flows_through_advantages_and_returns() -> None:
    advantage, returns = tf.Variable([1.0]), tf.Variable([1.0])
    with tf.GradientTape() as tape:
        loss = a2c_loss(tf.ones(1), advantage * 1, tf.zeros(1), returns * 1, tf.zeros(1), A2CConfig())[0]
    assert tape.gradient(loss, [advantage, returns]) == [None, None]


def experience(generator: np.random.Generator, *, terminated: bool) -> Transitions:
    """4 steps of 4 environments; every step ends at a time limit, or terminates."""
    observation, following = (tf.constant(generator.normal(size=(4, 4, 4)), tf.float32) for _ in range(2))
    action, reward = generator.integers(0, 2, (4, 4), np.int32), generator.normal(size=(4, 4))
    ended = tf.fill((4, 4), True)
    flags = (ended, ~ended) if terminated else (~ended, ended)
    return Transitions(observation, tf.constant(action), tf.constant(reward, tf.float32), *flags, following)


@pytest.mark.parametrize(
    ("problem", "changes", "message"),
    [
        ("CartPole-v1", {"normalize_rewards": True, "reward_scale": 0.1}, "undoes reward_scale"),
        ("CartPole-v1", {"learning_rate": "linear:start=0,end=1,over=5"}, "learning_rate=0.0 is out of range"),
    ],
)
def test_what_contradicts_itself(problem: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        agent(problem=problem, **changes)


@pytest.mark.parametrize(
    ("problem", "changes"),
    [("CartPole-v1", {}), ("CartPole-v1", EVERYTHING), ("Pendulum-v1", EVERYTHING)],
)
def test_same_seed_same_bits_however_it_is_cut_and_resumed(problem: str, changes: dict[str, Any]) -> None:
    assert_resumes_to_the_bit(
        agent(problem=problem, **changes),
        parts=(
            32,
            16,
        ),
        rest=112,
    )


@pytest.mark.parametrize("problem", ["CartPole-v1", "Pendulum-v1"])
def test_the_host_engine(problem: str) -> None:
    first, second = (agent(problem=problem, engine="gymnasium", **EVERYTHING) for _ in range(2))
    scalars = first.train(64)
    second.train(16)
    second.train(48)
    assert scalars["work/env_steps"] == 64
    assert all(np.isfinite(value) for value in scalars.values())
    for a, b in zip(first.network.get_weights(), second.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_traced_again_after_the_first_chunk() -> None:
    trained = agent()
    trained.train(16)
    for steps in (64, 16, 160):
        trained.train(steps)
    assert trained._advance.traces() == 1


def test_successors_are_valued_right_where_an_episode_was_truncated() -> None:
    """Mostly the next row's value is taken; a truncated row's true successor is another state."""
    trained = agent()
    trained._build()
    generator = np.random.default_rng(0)
    rows = experience(generator, terminated=False)
    observation = generator.normal(size=(4, 4, 4)).astype(np.float32)
    following = np.concatenate([observation[1:], generator.normal(size=(1, 4, 4))]).astype(np.float32)
    for truncated_somewhere in (False, True):
        truncated = np.zeros((4, 4), bool)
        if truncated_somewhere:
            truncated[1, 2], following[1, 2] = True, 9.0
        rows = rows._replace(
            observation=tf.constant(observation), next_observation=tf.constant(following), truncated=truncated
        )
        value = tf.reshape(trained.network.value(observation.reshape(-1, 4)), (4, 4))
        ours = trained.next_values(rows, rows.next_observation, value)
        expected = trained.network.value(following.reshape(-1, 4)).numpy().reshape(4, 4)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_rmsprop_is_tensorflow_ones() -> None:
    """Epsilon inside the root and an average that starts at one: the first step is lr * g / sqrt(.99 + .01 g^2)."""
    trained = agent(optimizer="rmsprop", learning_rate=0.1)
    trained._build()
    variable = trained.optimizer._trainable_variables[0]
    before, gradient = variable.numpy(), np.full(variable.shape, 2.0, np.float32)
    rest = [tf.zeros(v.shape) for v in trained.optimizer._trainable_variables[1:]]
    trained.optimizer.apply([tf.constant(gradient), *rest])
    expected = before - 0.1 * 2 / np.sqrt(0.99 * 1 + 0.01 * 4 + 1e-5)
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5)


def test_an_identity_environment_is_learned_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Identity())
    trained = agent(num_envs=16, rollout_steps=8, learning_rate=1e-2, discount=0.0)
    scalars = trained.train(16_384)
    np.testing.assert_array_equal(trained.policy(np.eye(4, dtype=np.float32)), [0, 1, 0, 1])
    assert scalars["rollout/ep_rew_mean"] > 7


def test_continuous_actions_stay_in_bounds() -> None:
    trained = agent(problem="Pendulum-v1", initial_log_std=3.0)
    assert trained.engine == "compiled"
    trained.train(64)
    action = trained.act(np.zeros(3, np.float32))
    assert action.shape == (1,)
    assert trained.action_space.contains(action.astype(np.float32))
    scalars = trained.evaluate(episodes=2, seed=0, split="test").scalars
    assert -2000 < scalars["eval/mean_reward"] < 0


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_the_evaluator_never_feeds_the_normalisers(engine: str) -> None:
    trained = agent(engine=engine, normalize_observations=True, normalize_rewards=True)
    trained.train(64)
    before = state.read(trained.state())
    assert before["observations/count"] == 64
    trained.evaluate(episodes=2, seed=0, split="validation")
    after = state.read(trained.state())
    assert {name for name in before if before[name].tobytes() != after[name].tobytes()} == set()


def test_spaces_it_cannot_serve_are_refused() -> None:
    class Bits(gym.Env[Any, Any]):
        observation_space = gym.spaces.Box(0, 1, (2,), np.float32)
        action_space = gym.spaces.MultiBinary(3)

    from rlgen import register
    from rlgen.registry import unregister

    register("env", "Bits-v0")(Bits)
    try:
        with pytest.raises(UserError, match="MultiBinary"):
            agent(problem="Bits-v0")
    finally:
        unregister("env", "Bits-v0")


def test_steps_that_are_no_whole_iterations_are_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="multiples of 16 steps: say 64"):
        agent().train(50)
