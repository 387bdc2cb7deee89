"""TD3: its targets in closed form, the delay, the same bits, a number followed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from follow import Follow
from same_bits import assert_resumes_to_the_bit

from rlgen import state
from rlgen.agents.td3 import TD3, TD3Config, smoothed, td3_target
from rlgen.agents.trajectory import Batch
from rlgen.envs.making import Environments
from rlgen.errors import UserError

SMALL: dict[str, Any] = {
    "num_envs": 2,
    "hidden_units": (8,),
    "batch_size": 8,
    "replay_capacity": 256,
    "learning_starts_env_steps": 16,
    "train_every_env_steps": 8,
    "updates_per_train": 8,
}


def agent(*, seed: int = 0, engine: str = "compiled", **changes: Any) -> TD3:
    return TD3(problem="Pendulum-v1", config=TD3.Config.build({**SMALL, **changes}), seed=seed, engine=engine)


def test_targets_in_closed_form() -> None:
    reward, discount = tf.constant([1.0, 2.0]), tf.constant([0.9, 0.0])
    np.testing.assert_allclose(td3_target(reward, discount, tf.constant([3.0, 7.0]), tf.constant([4.0, 5.0])), [3.7, 2])
    noisy = smoothed(tf.constant([[0.0], [0.9], [-0.9]]), tf.constant([[0.3], [2.0], [-0.2]]), 0.5)
    np.testing.assert_allclose(noisy, [[0.3], [1.0], [-1.0]], rtol=1e-6)
    clipped = smoothed(tf.zeros((2, 1)), tf.constant([[9.0], [-9.0]]), 0.5)
    np.testing.assert_allclose(clipped, [[0.5], [-0.5]])


def batch(count: int = 8) -> Batch:
    random = np.random.default_rng(0)
    observation, following = (tf.constant(random.normal(size=(count, 3)), tf.float32) for _ in range(2))
    action = tf.constant(random.uniform(-1, 1, (count, 1)), tf.float32)
    reward, ones = tf.constant(random.normal(size=count), tf.float32), tf.ones(count)
    return Batch(observation, action, reward, 0.9 * ones, following, ones)


def test_an_update_regresses_on_the_smaller_target_without_noise() -> None:
    trained, given = agent(target_noise_std=0.0), batch()
    trained._build()
    action = trained.target_actor(given.next_observation)
    q = [critic([given.next_observation, action])[:, 0].numpy() for critic in trained.critics.targets]
    target = given.reward + 0.9 * np.minimum(*q)
    taken = [critic([given.observation, given.action])[:, 0].numpy() for critic in trained.critics.pair]
    expected = 0.5 * np.mean(sum((value - target) ** 2 for value in taken))
    scalars, errors = trained.update(given, tf.constant(1, tf.int64))
    assert float(scalars["train/critic_loss"]) == pytest.approx(float(expected), rel=1e-5)
    np.testing.assert_allclose(errors, target - np.minimum(*taken), rtol=1e-4, atol=1e-5)


def test_the_policy_and_all_targets_wait_for_the_critics() -> None:
    trained = agent(policy_delay_updates=3, target_update_rate=0.25)
    trained._build()
    for number in range(1, 7):
        parts = (trained.actor, trained.target_actor, *trained.critics.targets)
        before = [part.get_weights() for part in parts]
        scalars, _ = trained.update(batch(), tf.constant(number, tf.int64))
        moved = [
            any((a != b).any() for a, b in zip(x.get_weights(), y, strict=True))
            for x, y in zip(parts, before, strict=True)
        ]
        assert moved == [number % 3 == 0] * 4
        # Over three updates the mean is the loss of the one that was made.
        assert (float(scalars["train/actor_loss"]) != 0) == (number % 3 == 0)
    for old, fast, slow in zip(before[1], trained.actor.get_weights(), trained.target_actor.get_weights(), strict=True):
        np.testing.assert_allclose(slow, 0.25 * fast + 0.75 * old, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("changes", [{}, {"priority_exponent": 0.6, "n_step": 3}])
def test_same_seed_same_bits_however_it_is_cut_and_resumed(changes: dict[str, Any]) -> None:
    assert_resumes_to_the_bit(agent(**changes), parts=(20,), rest=44)


def test_the_host_engine() -> None:
    first, second = agent(engine="gymnasium"), agent(engine="gymnasium")
    scalars = first.train(48)
    second.train(20)
    second.train(28)
    assert scalars["work/updates"] == 40
    assert all(np.isfinite(value) for value in scalars.values())
    for a, b in zip(first.actor.get_weights(), second.actor.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_following_a_number_is_learned_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Follow())
    rates = dict.fromkeys(("actor_learning_rate", "critic_learning_rate"), 0.01)
    changes = {"hidden_units": (32,), "batch_size": 64, "replay_capacity": 4096, "exploration_noise_std": 0.5}
    trained = agent(num_envs=8, train_every_env_steps=64, updates_per_train=64, discount=0.0, **rates, **changes)
    trained.train(4096)
    shown = np.random.default_rng(0).uniform(-1, 1, (100, 3)).astype(np.float32)
    assert np.abs(trained.policy(shown)[:, 0] - shown[:, 0]).mean() < 0.15


def test_exploring_stays_within_the_bounds_on_both_engines() -> None:
    for engine in ("compiled", "gymnasium"):
        trained = agent(engine=engine, exploration_noise_std=5.0)
        trained.train(64)
        played = state.read(trained.state())["replay/action"]
        assert np.abs(played).max() == 1 and played.std() > 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy_delay_updates": 0}, "policy_delay_updates=0 is out of range"),
        ({"target_noise_clip": 0}, "target_noise_clip=0.0 is out of range"),
        ({"exploration_noise_std": -1}, "exploration_noise_std=-1.0 is out of range"),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TD3Config.build(changes)
