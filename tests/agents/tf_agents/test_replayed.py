"""Agents of TF-Agents on our replay: what they are shown, in closed form, and the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from same_bits import assert_resumes_to_the_bit

from rlgen import registry
from rlgen.agents.trajectory import Batch
from rlgen.errors import UserError

SMALL: dict[str, Any] = {
    "num_envs": 2,
    "hidden_units": (8,),
    "batch_size": 8,
    "replay_capacity": 256,
    "learning_starts_env_steps": 16,
    "train_every_env_steps": 8,
    "updates_per_train": 4,
}
PROBLEMS = {**dict.fromkeys(("dqn", "ddqn", "c51"), "CartPole-v1"), **dict.fromkeys(("sac", "td3"), "Pendulum-v1")}


def agent(name: str, *, engine: str = "compiled", seed: int = 0, **changes: Any) -> Any:
    cls = registry.load(f"tf_agents/{name}", ("agent",))
    config = cls.Config.build({**SMALL, **changes}, preset="default")
    return cls(problem=PROBLEMS[name], config=config, seed=seed, engine=engine)


def pair(**changes: Any) -> Batch:
    """Two transitions of CartPole's shape, in whose first two numbers all is."""
    fields = {
        "observation": tf.constant([[1.0, 2, 0, 0], [3, 4, 0, 0]]),
        "action": tf.constant([0, 1]),
        "reward": tf.constant([10.0, 20.0]),
        "discount": tf.constant([0.9, 0.9]),
        "next_observation": tf.constant([[-5.0, 6, 0, 0], [-7, 8, 0, 0]]),
        "weight": tf.ones(2),
    }
    return Batch(**{**fields, **changes})


def linear(name: str, **changes: Any) -> Any:
    """An agent whose Q is linear: [[2, 1], [1, 1]] of the first two numbers, and 1."""
    trained = agent(name, hidden_units=(), batch_size=2, **changes)
    kernel = np.zeros((4, 2), np.float32)
    kernel[:2] = [[2, 1], [1, 1]]
    networks = (trained.network, trained.agent._target_q_network)
    for network in networks:
        for variable, value in zip(network.variables, (kernel, np.ones(2, np.float32)), strict=True):
            variable.assign(value)
    trained.state()
    return trained


def test_the_loss_of_ddqn_is_the_one_that_is_printed() -> None:
    """Mastering TensorFlow 2.x, TF-Agents' own test: Q 5 and 8, targets 11.8 and 21.8, Huber's loss 6.3 and 13.3."""
    scalars, errors = linear("ddqn").update(pair(), tf.constant(1, tf.int64))
    np.testing.assert_allclose(errors, [6.8, 13.8], rtol=1e-5)
    assert float(scalars["train/loss"]) == pytest.approx(9.8, rel=1e-5)


def test_nothing_follows_a_termination_and_several_steps_are_the_replays() -> None:
    ended = pair(discount=tf.constant([0.0, 0.9**3]))
    _, errors = linear("dqn", n_step=3).update(ended, tf.constant(1, tf.int64))
    # The largest Q of the second successor is that of its second action, 2.
    np.testing.assert_allclose(errors, [10 - 5, 20 + 0.9**3 * 2 - 8], rtol=1e-5)


def test_importance_weights_count_before_the_mean() -> None:
    weighted = pair(weight=tf.constant([0.5, 0.0]))
    trained = linear("ddqn", priority_exponent=0.6)
    scalars, errors = trained.update(weighted, tf.constant(1, tf.int64))
    assert float(scalars["train/loss"]) == pytest.approx(0.5 * 6.3 / 2, rel=1e-5)
    np.testing.assert_allclose(errors, [6.8, 13.8], rtol=1e-5)


@pytest.mark.parametrize("name", ["c51", "sac", "td3"])
def test_who_says_no_errors_cannot_draw_by_them(name: str) -> None:
    with pytest.raises(UserError, match="says no TD errors.*leave priority_exponent at 0"):
        agent(name, priority_exponent=0.6)


@pytest.mark.parametrize("name", PROBLEMS)
def test_same_seed_same_bits_however_it_is_cut_and_resumed(name: str) -> None:
    learning_rate = "learning_rate" if PROBLEMS[name] == "CartPole-v1" else "critic_learning_rate"
    trained = agent(name, **{learning_rate: "linear:start=1e-2,end=0,over=64"})
    assert_resumes_to_the_bit(trained, parts=(16, 24), rest=24)


def test_two_agents_of_one_seed_begin_alike_and_of_another_seed_do_not() -> None:
    weights = [agent("sac", seed=seed).agent.policy.variables() for seed in (0, 0, 1)]
    for one, same, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, same)
        assert one.shape.rank == 1 or (one.numpy() != other.numpy()).any()


def test_both_engines_learn_and_report(uncompiled: None) -> None:
    for engine in ("compiled", "gymnasium"):
        scalars = agent("dqn", engine=engine).train(32)
        assert scalars["work/updates"] == 12
        assert {"train/loss", "train/td_error", "train/q_mean", "rollout/exploration_rate"} <= scalars.keys()
        assert all(np.isfinite(value) for value in scalars.values())


def test_actions_are_random_until_learning_starts_and_epsilon_follows_the_steps() -> None:
    trained = agent("dqn", num_envs=64, train_every_env_steps=64, epsilon="linear:start=0,end=1,over=1000")
    trained.state()
    seen = tf.random.stateless_normal((64, 4), [1, 2])
    greedy = trained.policy(seen.numpy())
    assert len(set(trained.explore(seen, tf.constant(0, tf.int64), tf.constant([1, 2])).numpy())) == 2
    # From there on a share of them, by the clock.
    early, late = (trained.explore(seen, tf.constant(t, tf.int64), tf.constant([1, 2])) for t in (16, 10_000))
    assert (early.numpy() == greedy).mean() > 0.9 and (late.numpy() == greedy).mean() < 0.9


def test_actions_lie_between_the_bounds(uncompiled: None) -> None:
    for name in ("sac", "td3"):
        trained = agent(name)
        trained.state()
        seen = tf.random.stateless_normal((2, 3), [1, 2])
        for steps in (0, 1000):
            action = trained.explore(seen, tf.constant(steps, tf.int64), tf.constant([3, steps])).numpy()
            assert action.shape == (2, 1) and (abs(action) <= 2).all() and action.any()


def test_another_run_begins_with_networks_targets_and_temperature() -> None:
    one, other = agent("sac", seed=1), agent("sac", seed=2)
    from rlgen import state

    one.state()
    one.agent._log_alpha.assign(0.25)
    other.begin_from(state.read(one.state()))
    assert float(other.agent._log_alpha) == 0.25
    for of, to in zip(
        one.agent._target_critic_network_1.variables, other.agent._target_critic_network_1.variables, strict=True
    ):
        np.testing.assert_array_equal(of, to)
