"""SAC: log-probabilities against TensorFlow Probability's own, losses in closed form, the same bits, learning."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from follow import Follow
from same_bits import assert_resumes_to_the_bit
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

from rlgen import register, state
from rlgen.agents.critics import critic_loss
from rlgen.agents.sac import SAC, DiscreteSAC, SACConfig, expected_soft_value, soft_value, squashed_sample
from rlgen.agents.soft import temperature_loss
from rlgen.envs.making import Environments
from rlgen.errors import UserError
from rlgen.registry import unregister
from rlgen.spec import Spec

SMALL: dict[str, Any] = {
    "num_envs": 2,
    "hidden_units": (8,),
    "batch_size": 8,
    "replay_capacity": 256,
    "learning_starts_env_steps": 16,
    "train_every_env_steps": 8,
    "updates_per_train": 8,
}


def agent(cls=SAC, *, seed: int = 0, engine: str = "compiled", problem: str | None = None, **changes: Any) -> Any:
    problem = problem or cls.default_problem
    return cls(problem=problem, config=cls.Config.build({**SMALL, **changes}), seed=seed, engine=engine)


# ---- the policy ---------------------------------------------------------------------------------------


def test_log_probabilities_are_those_of_the_transformed_distribution() -> None:
    generator = np.random.default_rng(0)
    mean, log_std = generator.normal(size=(50, 3)), generator.normal(-0.5, 0.3, size=(50, 3))
    parameters = tf.constant(np.concatenate([mean, log_std], -1), tf.float32)
    action, log_prob = squashed_sample(parameters, tf.constant(generator.normal(size=(50, 3)), tf.float32))
    normal = tfd.Normal(tf.constant(mean), tf.exp(tf.constant(log_std)))
    expected = tfd.TransformedDistribution(normal, tfb.Tanh()).log_prob(tf.cast(action, tf.float64))
    np.testing.assert_allclose(log_prob, tf.reduce_sum(expected, -1), rtol=2e-3, atol=2e-3)


def test_log_probabilities_integrate_to_one() -> None:
    """Numerically: the density of tanh(u) over (-1, 1)."""
    u = np.linspace(-6, 6, 20_001, dtype=np.float32)[:, None]
    mean, std = 0.3, 0.7
    parameters = tf.repeat(tf.constant([[mean, math.log(std)]]), len(u), 0)
    action, log_prob = squashed_sample(parameters, tf.constant((u - mean) / std, tf.float32))
    density, place = np.exp(log_prob.numpy()), action.numpy()[:, 0]
    assert np.trapezoid(density, place) == pytest.approx(1, abs=1e-3)


def test_far_out_nothing_overflows() -> None:
    action, log_prob = squashed_sample(tf.constant([[50.0, 2.0], [-50.0, 2.0]]), tf.constant([[3.0], [-3.0]]))
    np.testing.assert_allclose(tf.abs(action), 1)
    assert np.isfinite(log_prob).all()


# ---- the losses ---------------------------------------------------------------------------------------


def test_losses_in_closed_form() -> None:
    q_1, q_2, log_prob = tf.constant([1.0, 5.0]), tf.constant([2.0, 3.0]), tf.constant([-1.0, 2.0])
    np.testing.assert_allclose(soft_value(q_1, q_2, log_prob, 0.5), [1.5, 2.0])
    loss = critic_loss(q_1, q_2, tf.constant([3.0, 3.0]), tf.constant([1.0, 0.5]))
    assert float(loss) == pytest.approx(0.5 * np.mean([4 + 1, 0.5 * (4 + 0)]))


def test_the_total_is_the_sum_of_the_three_losses() -> None:
    trained = agent()
    trained.train(64)  # The first update has a log temperature of 0, and with it a loss of 0.
    scalars = trained.train(64)
    parts = [scalars[f"train/{part}_loss"] for part in ("critic", "actor", "ent_coef")]
    assert all(part != 0 for part in parts)
    assert scalars["train/loss"] == pytest.approx(sum(parts), rel=1e-4)


def test_the_temperature_grows_while_the_entropy_is_too_small() -> None:
    for log_prob, sign in ((3.0, -1), (-3.0, 1)):  # Entropy -3 is below the target -1, entropy 3 above it.
        variable = tf.Variable(0.0)
        with tf.GradientTape() as tape:
            loss = temperature_loss(variable, tf.constant([log_prob]), -1.0)
        assert float(loss) == 0
        assert np.sign(float(tape.gradient(loss, variable))) == sign


def test_expectations_over_all_actions() -> None:
    logits = tf.math.log(tf.constant([[0.25, 0.75]]))
    value, negative_entropy = expected_soft_value(tf.constant([[1.0, 4.0]]), tf.constant([[2.0, 3.0]]), logits, 0.5)
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert float(negative_entropy[0]) == pytest.approx(-entropy)
    assert float(value[0]) == pytest.approx(0.25 * 1 + 0.75 * 3 + 0.5 * entropy)


def test_target_entropies() -> None:
    assert agent().target_entropy == -1
    assert agent(target_entropy_per_number=-3).target_entropy == -3
    assert agent(DiscreteSAC, target_entropy_share=0.5).target_entropy == pytest.approx(0.5 * math.log(2))


@pytest.mark.parametrize(("cls", "temperature"), [(SAC, "learned"), (SAC, 0.2), (DiscreteSAC, "learned")])
def test_a_fixed_temperature_stays_and_a_learned_one_moves(cls: type, temperature: Any) -> None:
    trained = agent(cls, temperature=temperature)
    scalars = trained.train(32)
    assert (scalars["train/ent_coef"] == pytest.approx(0.2)) == (temperature != "learned")
    moved = abs(float(trained.temperature.log) - math.log(1.0 if temperature == "learned" else temperature))
    assert (moved > 1e-6) == (temperature == "learned")


def test_the_targets_are_moving_averages() -> None:
    trained = agent(target_update_rate=0.25, updates_per_train=1)
    trained._build()
    before = trained.critics.targets[0].get_weights()
    trained.train(16)
    assert int(trained.updates) == 1
    for old, fast, slow in zip(
        before, *(c[0].get_weights() for c in (trained.critics.pair, trained.critics.targets)), strict=True
    ):
        np.testing.assert_allclose(slow, 0.25 * fast + 0.75 * old, rtol=1e-5, atol=1e-7)


# ---- the whole ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "changes"), [(SAC, {}), (SAC, {"priority_exponent": 0.6, "n_step": 3}), (DiscreteSAC, {})]
)
def test_same_seed_same_bits_however_it_is_cut_and_resumed(cls: type, changes: dict[str, Any]) -> None:
    assert_resumes_to_the_bit(agent(cls, **changes), parts=(20,), rest=44)


@pytest.mark.parametrize("cls", [SAC, DiscreteSAC])
def test_the_host_engine(cls: type) -> None:
    first, second = agent(cls, engine="gymnasium"), agent(cls, engine="gymnasium")
    scalars = first.train(48)
    second.train(20)
    second.train(28)
    # One update for every environment step, with two environments too.
    assert scalars["work/updates"] == 40
    assert all(np.isfinite(value) for value in scalars.values())
    for a, b in zip(first.actor.get_weights(), second.actor.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_traced_again_after_the_first_chunk() -> None:
    trained = agent()
    for steps in (32, 16, 64):
        trained.train(steps)
    assert trained._engine.program.traces() == 1


def test_following_a_number_is_learned_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Follow())
    rates = dict.fromkeys(("actor_learning_rate", "critic_learning_rate", "temperature_learning_rate"), 0.01)
    changes = {"hidden_units": (32,), "batch_size": 64, "replay_capacity": 4096, "temperature": 0.01}
    trained = agent(num_envs=8, train_every_env_steps=64, updates_per_train=64, discount=0.0, **rates, **changes)
    trained.train(4096)
    shown = np.random.default_rng(0).uniform(-1, 1, (100, 3)).astype(np.float32)
    assert np.abs(trained.policy(shown)[:, 0] - shown[:, 0]).mean() < 0.15


class Parity(Follow):
    """Show a number; say whether it is positive."""

    gymnasium_id = "CartPole-v1"

    def __init__(self) -> None:
        super().__init__()
        self.action_space = gym.spaces.Discrete(2)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        reward = tf.cast(tf.equal(action, tf.cast(state[:, 0] > 0, tf.int32)), tf.float32)
        return self.reset(state.shape[0], seed), reward, tf.zeros(reward.shape, tf.bool)


def test_saying_whether_a_number_is_positive_is_learned_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Parity())
    rates = dict.fromkeys(("actor_learning_rate", "critic_learning_rate", "temperature_learning_rate"), 1e-2)
    changes = {"hidden_units": (32,), "batch_size": 64, "replay_capacity": 4096, "target_entropy_share": 0.1}
    trained = agent(
        DiscreteSAC, num_envs=8, train_every_env_steps=64, updates_per_train=64, discount=0.0, **rates, **changes
    )
    trained.observation = Spec((3,))
    trained.actor = trained.new_actor(2)
    trained.train(4096)
    shown = np.random.default_rng(0).uniform(-1, 1, (200, 3)).astype(np.float32)
    assert (trained.policy(shown) == (shown[:, 0] > 0)).mean() > 0.9


def test_actions_lie_within_the_bounds() -> None:
    trained = agent()
    trained.train(32)
    played = state.read(trained.state())["replay/action"]
    assert np.abs(played).max() <= 1
    action = trained.act(np.float32([1, 0, 0]))
    assert action.shape == (1,)
    assert trained.action_space.contains(action.astype(np.float32))


def test_actions_without_bounds_are_refused_with_advice() -> None:
    class Unbounded(gym.Env[Any, Any]):
        observation_space = gym.spaces.Box(0, 1, (2,), np.float32)
        action_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            return np.zeros(2, np.float32), {}

        def step(self, action: Any) -> Any:
            return np.zeros(2, np.float32), 0.0, False, False, {}

    register("env", "Unbounded-v0")(Unbounded)
    try:
        with pytest.raises(UserError, match="between bounds.*TransformAction.*a2c"):
            agent(problem="Unbounded-v0", engine="auto")
    finally:
        unregister("env", "Unbounded-v0")


def test_a_temperature_is_a_number_or_learned() -> None:
    with pytest.raises(UserError, match="temperature='warm' is not"):
        SACConfig(temperature="warm")
    with pytest.raises(UserError, match="temperature=-1.0 is out of range"):
        SACConfig(temperature=-1)
