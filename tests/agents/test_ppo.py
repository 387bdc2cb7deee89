"""PPO: its losses and their gradients against slow ones, against A2C's, the same bits, a small world learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from identity import Identity
from same_bits import assert_resumes_to_the_bit

from rlgen.agents.a2c import A2C
from rlgen.agents.ppo import PPO, PPOConfig, clipped_policy_loss, value_loss
from rlgen.agents.trajectory import Transitions
from rlgen.envs.making import Environments
from rlgen.errors import UserError

SMALL: dict[str, Any] = {"num_envs": 4, "rollout_steps": 4, "hidden_units": (8,), "epochs": 2, "minibatches": 2}


def agent(*, seed: int = 0, engine: str = "auto", problem: str = "CartPole-v1", **changes: Any) -> PPO:
    return PPO(problem=problem, config=PPO.Config.build({**SMALL, **changes}), seed=seed, engine=engine)


def numbers(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """New and old log-probabilities and advantages; half of the ratios are clipped."""
    random = np.random.default_rng(0)
    old = np.log(random.uniform(0.1, 1, count))
    return old + random.normal(0, 0.3, count), old, random.normal(size=count)


def slow_loss(new: np.ndarray, old: np.ndarray, advantage: np.ndarray, clip: float) -> float:
    total = 0.0
    for n, o, a in zip(new, old, advantage, strict=True):
        ratio = np.exp(n - o)
        total += min(ratio * a, min(max(ratio, 1 - clip), 1 + clip) * a)
    return -total / len(new)


def test_the_clipped_loss_and_its_gradient_against_slow_ones() -> None:
    new, old, advantage = numbers(40)
    variable = tf.Variable(new, dtype=tf.float64)
    with tf.GradientTape() as tape:
        loss, outside, kl = clipped_policy_loss(variable, tf.constant(old), tf.constant(advantage), 0.2)
    assert float(loss) == pytest.approx(slow_loss(new, old, advantage, 0.2), rel=1e-9)
    ratio = np.exp(new - old)
    assert float(outside) == pytest.approx((np.abs(ratio - 1) > 0.2).mean())
    assert float(kl) == pytest.approx((ratio - 1 - (new - old)).mean()) and float(kl) > 0
    gradient = tape.gradient(loss, variable).numpy()
    for i in range(40):
        up, down = new.copy(), new.copy()
        up[i], down[i] = new[i] + 1e-6, new[i] - 1e-6
        slope = (slow_loss(up, old, advantage, 0.2) - slow_loss(down, old, advantage, 0.2)) / 2e-6
        assert gradient[i] == pytest.approx(slope, abs=1e-7)


def test_values_may_be_held_near_their_old_ones() -> None:
    value, old, returns = (tf.constant(x) for x in ([2.0, 0.5], [1.0, 0.0], [3.0, 5.0]))
    assert float(value_loss(value, old, returns, None)) == pytest.approx((1 + 4.5**2) / 2)
    assert float(value_loss(value, old, returns, 0.2)) == pytest.approx((1.8**2 + 4.8**2) / 2)


def experience() -> Transitions:
    random = np.random.default_rng(0)
    observation, following = (tf.constant(random.normal(size=(4, 4, 4)), tf.float32) for _ in range(2))
    action, reward = tf.constant(random.integers(0, 2, (4, 4), np.int32)), random.normal(size=(4, 4))
    flags = (tf.constant(random.random((4, 4)) < 0.2) for _ in range(2))
    return Transitions(observation, action, tf.constant(reward, tf.float32), *flags, following)


def test_one_epoch_of_one_minibatch_is_a2c() -> None:
    """At ratio 1 nothing is clipped, and the gradient of the ratio is that of the log-probability."""
    shared = {"num_envs": 4, "rollout_steps": 4, "hidden_units": (8,), "entropy_weight": 0.01, "learning_rate": 1e-3}
    one = agent(**{**shared, "epochs": 1, "minibatches": 1})
    other = A2C(problem="CartPole-v1", config=A2C.Config.build(shared), seed=0)
    for trained in (one, other):
        trained._build()
    scalars = [trained.update(experience()) for trained in (one, other)]
    for name in ("train/value_loss", "train/entropy_loss", "train/grad_norm", "train/explained_variance"):
        assert float(scalars[0][name]) == pytest.approx(float(scalars[1][name]), rel=1e-4)
    for a, b in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_every_epoch_sees_every_step_once() -> None:
    trained = agent()
    trained._build()
    order = trained._order().numpy()
    assert order.shape == (4, 8)
    for epoch in order.reshape(2, 16):
        np.testing.assert_array_equal(np.sort(epoch), range(16))
    assert (order[:2] != order[2:]).any()
    trained.updates.assign_add(1)
    assert (trained._order().numpy() != order).any()


def test_a_policy_that_has_gone_far_is_left_alone() -> None:
    few, all_of_them = agent(target_kl=1e-9, learning_rate=0.05, epochs=8), agent(learning_rate=0.05, epochs=8)
    for trained in (few, all_of_them):
        trained._build()
        trained.update(experience())
    # The first step has a divergence of 0; the second one is the last.
    assert int(few.optimizer.iterations) == 2
    assert int(all_of_them.optimizer.iterations) == 16


@pytest.mark.parametrize(
    ("problem", "changes"),
    [
        ("CartPole-v1", {"normalize_rewards": True, "clip_range": "linear:start=0.2,end=0.1,over=100"}),
        ("Pendulum-v1", {"target_kl": 0.01, "value_clip_range": 0.2, "normalize_observations": True}),
    ],
)
def test_same_seed_same_bits_however_it_is_cut_and_resumed(problem: str, changes: dict[str, Any]) -> None:
    assert_resumes_to_the_bit(
        agent(problem=problem, **changes),
        parts=(
            32,
            16,
        ),
        rest=48,
    )


def test_the_host_engine() -> None:
    first, second = agent(engine="gymnasium"), agent(engine="gymnasium")
    scalars = first.train(32)
    second.train(16)
    second.train(16)
    assert all(np.isfinite(value) for value in scalars.values())
    for a, b in zip(first.network.get_weights(), second.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_identity_environment_is_learned_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Identity())
    trained = agent(num_envs=16, rollout_steps=16, learning_rate=1e-2, discount=0.0, epochs=4, minibatches=4)
    scalars = trained.train(8192)
    np.testing.assert_array_equal(trained.policy(np.eye(4, dtype=np.float32)), [0, 1, 0, 1])
    assert scalars["rollout/ep_rew_mean"] > 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_envs": 4, "rollout_steps": 5, "minibatches": 3}, "does not divide.* = 20 steps: use 2 or 4"),
        ({"clip_range": 0}, "clip_range=0.0 is out of range"),
        ({"epochs": 0}, "epochs=0 is out of range"),
        ({"target_kl": 0}, "target_kl=0.0 is out of range"),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        PPOConfig.build(changes)
