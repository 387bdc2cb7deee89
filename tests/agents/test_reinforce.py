"""REINFORCE: returns and the mask in closed form, the same bits every time, a small world learned in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from identity import Identity
from same_bits import assert_resumes_to_the_bit

from rlgen import state
from rlgen.agents.advantages import discounted_returns
from rlgen.agents.reinforce import Reinforce, first_episodes, mean_where, normalized_where
from rlgen.agents.trajectory import Transitions
from rlgen.envs.making import Environments

WITH_A_BASELINE: dict[str, Any] = {"baseline": True, "entropy_weight": 0.01, "max_grad_norm": 0.5}


def agent(*, seed: int = 0, engine: str = "auto", problem: str = "CartPole-v1", **changes: Any) -> Reinforce:
    small = {"num_envs": 4, "rollout_steps": 20, "hidden_units": (8,)}
    return Reinforce(problem=problem, config=Reinforce.Config.build({**small, **changes}), seed=seed, engine=engine)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_the_books_returns_and_nothing_of_what_came_after_the_end(kind: type) -> None:
    reward = np.array([[10, 10], [0, 20], [-50, 7], [99, 7]], kind)
    done = np.array([[0, 0], [0, 1], [1, 0], [0, 0]], bool)
    mask = first_episodes(tf.constant(done))
    returns = discounted_returns(tf.constant(reward), tf.constant(done), discount=0.8)
    np.testing.assert_array_equal(mask, [[1, 1], [1, 1], [1, 0], [0, 0]])
    np.testing.assert_allclose(returns.numpy()[:3, 0], [-22, -40, -50], rtol=1e-6)
    np.testing.assert_allclose(returns.numpy()[:2, 1], [26, 20], rtol=1e-6)
    scaled = normalized_where(returns, mask).numpy()
    np.testing.assert_allclose(scaled[:3, 0], [-0.28435071, -0.86597718, -1.18910299], rtol=1e-5)
    np.testing.assert_allclose(scaled[:2, 1], [1.26665318, 1.0727777], rtol=1e-5)
    assert not scaled[~mask.numpy()].any()


def test_an_environment_that_does_not_end_is_one_episode() -> None:
    assert tf.reduce_all(first_episodes(tf.zeros((3, 2), tf.bool)))
    assert float(mean_where(tf.constant([1.0, 2.0, 9.0]), tf.constant([True, True, False]))) == 1.5


def rows(observation: Any, action: Any, reward: Any, done: Any) -> Transitions:
    """A rollout; nobody asks REINFORCE for successors or how an episode ended."""
    none = tf.zeros(done.shape, tf.bool)
    seen = tf.constant(observation, tf.float32)
    return Transitions(seen, tf.constant(action), tf.constant(reward, tf.float32), tf.constant(done), none, seen)


@pytest.mark.parametrize("baseline", [False, True])
def test_steps_after_the_end_change_nothing(baseline: bool) -> None:
    generator = np.random.default_rng(0)
    observation, action = generator.normal(size=(20, 4, 4)), generator.integers(0, 2, (20, 4), np.int32)
    reward, done = generator.normal(size=(20, 4)), np.zeros((20, 4), bool)
    done[[3, 8, 11, 19], range(4)] = True
    first, second = (agent(baseline=baseline) for _ in range(2))
    first._build()
    second._build()
    first.update(rows(observation, action, reward, done))
    after = ~first_episodes(tf.constant(done)).numpy()
    observation[after], action[after], reward[after] = 7.0, 1, 1e3
    done[15] |= after[15]
    second.update(rows(observation, action, reward, done))
    moved = 0.0
    fresh = agent(baseline=baseline).network.get_weights()
    for a, b, was in zip(first.network.get_weights(), second.network.get_weights(), fresh, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
        moved += np.abs(a - was).max()
    assert moved > 0


def test_the_loss_is_minus_the_mean_of_log_probability_times_return() -> None:
    trained = agent(normalize_returns=False, discount=0.8)
    trained._build()
    done = np.zeros((3, 4), bool)
    observation, action = np.ones((3, 4, 4)), np.zeros((3, 4), np.int32)
    logits = trained.network.policy(tf.ones((1, 4))).numpy()[0]
    log_prob = logits[0] - np.log(np.exp(logits).sum())
    returns = np.repeat([[-22.0], [-40.0], [-50.0]], 4, 1)
    scalars = trained.update(rows(observation, action, np.repeat([[10], [0], [-50]], 4, 1), done))
    assert float(scalars["train/policy_loss"]) == pytest.approx(-(log_prob * returns).mean(), rel=1e-5)
    assert float(scalars["train/steps_per_update"]) == 12


@pytest.mark.parametrize(
    ("problem", "changes"), [("CartPole-v1", {}), ("CartPole-v1", WITH_A_BASELINE), ("Pendulum-v1", WITH_A_BASELINE)]
)
def test_same_seed_same_bits_however_it_is_cut_and_resumed(problem: str, changes: dict[str, Any]) -> None:
    same_bits("compiled", problem, changes)


def test_so_on_gymnasiums_engine_where_every_rollout_begins_anew() -> None:
    same_bits("gymnasium", "CartPole-v1", WITH_A_BASELINE)


def same_bits(engine: str, problem: str, changes: dict[str, Any]) -> None:
    assert_resumes_to_the_bit(
        agent(problem=problem, engine=engine, **changes),
        parts=(
            160,
            80,
        ),
        rest=1360,
    )


@pytest.mark.parametrize("problem", ["CartPole-v1", "Pendulum-v1"])
def test_the_host_engine(problem: str) -> None:
    first, second = (agent(problem=problem, engine="gymnasium", **WITH_A_BASELINE) for _ in range(2))
    scalars = first.train(320)
    second.train(80)
    second.train(240)
    assert scalars["work/env_steps"] == 320
    assert all(np.isfinite(value) for value in scalars.values())
    # Episodes cut at rollout_steps count as well.
    assert 5 < scalars["rollout/ep_len_mean"] <= 20
    for a, b in zip(first.network.get_weights(), second.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_each_environment_plays_one_episode_for_the_statistics(engine: str) -> None:
    trained = agent(engine=engine, rollout_steps=60)
    trained.train(2 * trained.step_quantum)
    lengths = state.read(trained.state())["rollout/lengths"]
    assert np.isfinite(lengths).sum() == 2 * 4
    assert np.nanmax(lengths) <= 60


def test_what_does_not_learn_without_a_baseline() -> None:
    bare, with_one = agent(), agent(baseline=True)
    assert bare.network.value_body is None
    assert with_one.network.value_body is not None
    value = bare.network.value_head.kernel.numpy()
    scalars = bare.train(160)
    np.testing.assert_array_equal(bare.network.value_head.kernel, value)
    assert scalars["train/value_loss"] == 0
    assert with_one.train(160)["train/value_loss"] > 0


@pytest.mark.parametrize("baseline", [False, True])
def test_an_identity_environment_is_learned_in_seconds(monkeypatch: pytest.MonkeyPatch, baseline: bool) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Identity())
    trained = agent(num_envs=16, rollout_steps=8, discount=0.0, baseline=baseline)
    scalars = trained.train(16_384)
    np.testing.assert_array_equal(trained.policy(np.eye(4, dtype=np.float32)), [0, 1, 0, 1])
    assert scalars["rollout/ep_rew_mean"] > 7
    assert Identity.max_episode_steps == 8


def test_cartpole_gets_better() -> None:
    trained = Reinforce(problem="CartPole-v1", config=Reinforce.Config.build(preset="book-hands-on-ml"), seed=0)
    before = trained.train(5 * trained.step_quantum)["rollout/ep_rew_mean"]
    after = trained.train(75 * trained.step_quantum)["rollout/ep_rew_mean"]
    assert before < 50
    assert after > 100


def test_the_environments_are_as_many_as_the_episodes() -> None:
    assert agent(num_envs=3).step_quantum == 3 * 20
