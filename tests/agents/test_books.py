"""What books and posts do: losses in closed form, and when they update, counted on episodes of known length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from same_bits import assert_resumes_to_the_bit

from rlgen import state
from rlgen.agents.books import BookA2C, BookDQN, anchored_error
from rlgen.agents.dqn import of
from rlgen.agents.trajectory import Batch, Transitions
from rlgen.errors import UserError

EPISODE = 7  # A pole needs 8 steps at least to fall.
BY_EPISODES: dict[str, Any] = {
    "num_envs": 1,
    "hidden_units": (4,),
    "batch_size": 4,
    "wrappers": (f"time_limit:{EPISODE}",),
    "learning_starts_env_steps": 0,
    "train_every_env_steps": 1,
    "train_at_episode_end": True,
    "updates_per_train": 3,
    "target_update_every_updates": 6,
}


def agent(engine: str, **changes: Any) -> BookDQN:
    return BookDQN(
        problem="CartPole-v1", config=BookDQN.Config.build({**BY_EPISODES, **changes}), seed=0, engine=engine
    )


def test_other_actions_are_pulled_to_the_target_network() -> None:
    """The mean squared error to the target's whole row, the value of the action taken replaced by y."""
    q, target_q = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tf.constant([[2.0, 2.0, 5.0], [0.0, 5.0, 7.0]])
    action, y = tf.constant([2, 0]), tf.constant([10.0, 3.0])
    row = np.array([[2, 2, 10], [3, 5, 7]], np.float32)
    with tf.GradientTape() as tape:
        tape.watch(q)
        errors = anchored_error(q, target_q, action, y - of(q, action))
        loss = tf.reduce_mean(errors**2)
    np.testing.assert_array_equal(errors, row - q)
    assert float(loss) == pytest.approx(((row - q.numpy()) ** 2).mean())
    np.testing.assert_allclose(tape.gradient(loss, q), 2 * (q.numpy() - row) / 6, rtol=1e-6)


def test_an_update_with_anchored_actions() -> None:
    plain, anchored = (agent("compiled", anchor_other_actions=switch, loss="mse") for switch in (False, True))
    observation = tf.constant(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
    action, ones = tf.constant([0, 1, 1, 0, 1, 0]), tf.ones(6)
    batch = Batch(observation, action, ones, 0.9 * ones, -observation, ones)
    losses = []
    for trained in (plain, anchored):
        trained._build()
        losses.append(float(trained.update(batch, 1)[0]["train/loss"]))
    # The target is still the same network, so the other action's error is 0 and half of the mean is left.
    assert losses[1] == pytest.approx(losses[0] / 2, rel=1e-5)
    assert losses[0] > 0


@pytest.mark.parametrize(("kind", "each"), [("huber", [0.125, 2.5]), ("mse", [0.25, 9.0])])
def test_weights_come_before_the_mean_of_either_loss(kind: str, each: list[float]) -> None:
    error, weight = tf.constant([0.5, -3.0]), tf.constant([1.0, 0.5])
    loss = agent("compiled", loss=kind).loss(Batch(None, None, None, None, None, weight), None, error)
    assert float(loss) == pytest.approx((each[0] + 0.5 * each[1]) / 2)


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_updates_at_the_ends_of_episodes(engine: str) -> None:
    trained = agent(engine)
    counted = [int(trained.train(steps)["work/updates"]) for steps in (6, 1, 5, 9)]
    assert counted == [0, 3, 3, 9]
    assert int(trained.episodes) == 3
    # After 6 updates, two episodes, the target was copied; the third episode's updates it has not seen.
    pairs = list(zip(trained.online.get_weights(), trained.target.get_weights(), strict=True))
    assert any(not np.array_equal(a, b) for a, b in pairs)
    trained.train(EPISODE)
    pairs = list(zip(trained.online.get_weights(), trained.target.get_weights(), strict=True))
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_the_first_updates_wait_for_enough_steps() -> None:
    assert agent("compiled", learning_starts_env_steps=EPISODE + 1).train(3 * EPISODE)["work/updates"] == 2 * 3


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_epsilon_by_episodes(engine: str) -> None:
    """max(1 - episode / 5, .2): a line to .2 over 4 episodes."""
    trained = agent(engine, epsilon="linear:start=1,end=0.2,over=4", epsilon_clock="episodes")
    rates = [trained.train(steps)["rollout/exploration_rate"] for steps in (6, 1, 6, 8, 30)]
    np.testing.assert_allclose(rates, [1, 0.8, 0.8, 0.4, 0.2], rtol=1e-6)


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_rewards_and_ends_change_for_the_learner_alone(engine: str) -> None:
    for changes, reward, terminated in (({}, 1.0, 0), ({"reward_scale": 0.5, "time_limits_terminate": True}, 0.5, 2)):
        trained = agent(engine, **changes)
        scalars = trained.train(2 * EPISODE)
        assert scalars["rollout/ep_rew_mean"] == EPISODE
        ring = state.read(trained.state())
        assert set(ring["replay/reward"].ravel()) == {np.float32(reward)}
        assert ring["replay/terminated"].sum() == terminated
        assert ring["replay/truncated"].sum() == 2 - terminated


def test_values_are_in_the_environments_units() -> None:
    observation = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    plain, scaled = agent("compiled"), agent("compiled", reward_scale=0.01)
    np.testing.assert_allclose(scaled.values(observation), 100 * plain.values(observation), rtol=1e-5)


def test_resuming_by_episodes_is_to_the_bit() -> None:
    falling = "linear:start=1,end=0.04,over=9"
    assert_resumes_to_the_bit(agent("compiled", epsilon=falling, epsilon_clock="episodes"), parts=(25,), rest=35)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_envs": 2, "train_every_env_steps": 2}, "num_envs=1 and train_every_env_steps=1"),
        ({"train_every_env_steps": 4}, "num_envs=1 and train_every_env_steps=1"),
        ({"train_at_episode_end": False, "epsilon_clock": "episodes"}, "train_at_episode_end=true"),
        ({"linear_streams": True}, "dueling=mean"),
        ({"distribution": "quantile"}, "take dqn"),
        ({"reward_scale": 0}, "out of range"),
    ],
)
def test_what_contradicts_itself(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        BookDQN.Config.build({**BY_EPISODES, **changes})


# ---- A2C ----------------------------------------------------------------------------------------------


def actor_critic(*, engine: str = "auto", problem: str = "CartPole-v1", **changes: Any) -> BookA2C:
    small = {"num_envs": 4, "rollout_steps": 4, "hidden_units": (8,)}
    return BookA2C(problem=problem, config=BookA2C.Config.build({**small, **changes}), seed=0, engine=engine)


def experience(generator: np.random.Generator, *, terminated: bool) -> Transitions:
    """4 steps of 4 environments; every step ends at a time limit, or terminates."""
    observation, following = (tf.constant(generator.normal(size=(4, 4, 4)), tf.float32) for _ in range(2))
    action, reward = generator.integers(0, 2, (4, 4), np.int32), generator.normal(size=(4, 4))
    ended = tf.fill((4, 4), True)
    flags = (ended, ~ended) if terminated else (~ended, ended)
    return Transitions(observation, tf.constant(action), tf.constant(reward, tf.float32), *flags, following)


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def test_the_books_double_softmax() -> None:
    """One-step targets without a next value: the advantage is r - V."""
    trained = actor_critic(double_softmax=True, normalize_advantages=False, gae_lambda=0.0)
    trained._build()
    rows = experience(np.random.default_rng(0), terminated=True)
    logits, value = (x.numpy() for x in trained.network(tf.reshape(rows.observation, (-1, 4))))
    weak = log_softmax(np.exp(log_softmax(logits)))[np.arange(16), rows.action.numpy().ravel()]
    policy_loss = float(trained.update(trained.as_learned(rows))["train/policy_loss"])
    assert policy_loss == pytest.approx(-(weak * (rows.reward.numpy().ravel() - value)).mean(), rel=1e-4)


def test_rewards_are_scaled_and_time_limits_terminate() -> None:
    rows = experience(np.random.default_rng(0), terminated=False)
    changes = {"reward_scale": 0.5, "time_limits_terminate": True, "gae_lambda": 0.0}
    trained = actor_critic(**changes)
    trained._build()
    value = trained.network(tf.reshape(rows.observation, (-1, 4)))[1].numpy()
    value_loss = float(trained.update(trained.as_learned(rows))["train/value_loss"])
    assert value_loss == pytest.approx(((0.5 * rows.reward.numpy().ravel() - value) ** 2).mean(), rel=1e-4)


def test_the_values_own_step_size_and_layers() -> None:
    """Adam's first step is the step size, whatever the gradient; the policy's and the value's differ."""
    trained = actor_critic(learning_rate=1e-3, value_learning_rate=1e-2, value_hidden_units=(6, 5), max_grad_norm=None)
    assert [v.shape[-1] for v in trained.network.value_variables] == [6, 6, 5, 5, 1, 1]
    trained._build()
    before = {id(v): v.numpy() for v in trained.network.trainable_variables}
    trained.update(experience(np.random.default_rng(0), terminated=True))
    values = {id(v) for v in trained.network.value_variables}
    assert 0 < len(values) < len(before)
    for v in trained.network.trainable_variables:
        moved = np.abs(v.numpy() - before[id(v)]).max()
        assert moved == pytest.approx(1e-2 if id(v) in values else 1e-3, rel=0.02)


def test_the_posts_sum_over_the_batch_is_said_with_weights() -> None:
    """64 * (policy + v * value - e * entropy) is the post's loss; Adam does not see the factor."""
    config = BookA2C.Config.build(preset="post-a2c")
    steps = config.rollout_steps * config.num_envs
    assert (steps * config.value_weight, steps * config.entropy_weight) == (0.5, 0.05)


@pytest.mark.parametrize(
    ("problem", "changes", "message"),
    [
        ("CartPole-v1", {"shared_network": True, "value_learning_rate": 0.1}, "shared_network=false"),
        ("CartPole-v1", {"shared_network": True, "value_hidden_units": (4,)}, "shared_network=false"),
        ("Pendulum-v1", {"double_softmax": True}, "double_softmax"),
    ],
)
def test_what_contradicts_itself_in_a2c(problem: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        actor_critic(problem=problem, **changes)


def test_the_books_a2c_resumes_to_the_bit() -> None:
    changes = {"value_learning_rate": 1e-3, "value_hidden_units": (6,), "double_softmax": True, "reward_scale": 0.01}
    assert_resumes_to_the_bit(actor_critic(**changes, time_limits_terminate=True), parts=(48,), rest=112)
