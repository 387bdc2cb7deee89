"""The DQN family: losses in closed form, learning a small world in seconds, the same bits every time."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from same_bits import assert_resumes_to_the_bit, assert_same_bits
from small_dqn import SMALL

from rlgen import register, state
from rlgen.agents.books import BookDQN
from rlgen.agents.distributions import ExpectedReturn
from rlgen.agents.dqn import DQN, DoubleDQN, DuelingDQN, best, of
from rlgen.agents.trajectory import Batch
from rlgen.environment import CompiledEnv
from rlgen.envs.making import Environments
from rlgen.errors import UserError
from rlgen.registry import unregister


def agent(cls=DQN, *, seed: int = 0, engine: str = "compiled", problem: str = "CartPole-v1", **changes: Any) -> DQN:
    return cls(problem=problem, config=cls.Config.build({**SMALL, **changes}), seed=seed, engine=engine)


def weights(trained: DQN) -> dict[str, np.ndarray]:
    return state.read(trained.state())


# ---- the loss -----------------------------------------------------------------------------------------


def test_the_golden_double_dqn_loss() -> None:
    kernel, bias = tf.constant([[2.0, 1.0], [1.0, 1.0]]), tf.constant([1.0, 1.0])

    def q(observation: list[list[float]]) -> Any:
        return tf.constant(observation, tf.float32) @ kernel + bias

    next_q, returns = q([[-5, 6], [-7, 8]]), ExpectedReturn()
    y = returns.target(tf.constant([10.0, 20.0]), 0.9, best(next_q, next_q))
    error = returns.error(of(q([[1, 2], [3, 4]]), tf.constant([0, 1])), y)
    np.testing.assert_allclose(error, [6.8, 13.8], rtol=1e-6)
    assert float(tf.reduce_mean(returns.losses(error))) == pytest.approx(9.8, rel=1e-6)


def test_double_lets_one_network_choose_and_the_other_value() -> None:
    online, target = tf.constant([[1.0, 2.0]]), tf.constant([[5.0, 3.0]])
    assert float(best(target, target)[0]) == 5
    assert float(best(target, online)[0]) == 3
    # Of distributions too: what is taken are all the numbers of the action chosen.
    np.testing.assert_array_equal(best(tf.constant([[[5.0, 6.0], [3.0, 4.0]]]), online), [[3, 4]])


def test_importance_weights_come_before_the_mean() -> None:
    error, weight = tf.constant([0.5, -3.0]), tf.constant([1.0, 0.5])
    batch = Batch(None, None, None, None, None, weight)
    assert float(agent().loss(batch, None, error)) == pytest.approx((0.125 + 0.5 * 2.5) / 2)


def test_only_the_online_networks_view_of_the_state_learns() -> None:
    """The gradient is that of a target held fast, although the online network chooses in it."""
    trained = agent(double=True, max_grad_norm=None)
    trained._build()
    observation = tf.constant(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
    action, ones = tf.constant([0, 1, 1, 0, 1, 0]), tf.ones(6)
    y = 1 + 0.9 * best(trained.target(-observation), trained.online(-observation)).numpy()
    with tf.GradientTape() as tape:
        error = y - of(trained.online(observation), action)
        loss = tf.reduce_mean(trained.returns.losses(error))
    expected = tf.linalg.global_norm(tape.gradient(loss, list(trained.online.trainable_variables)))
    batch = Batch(observation, action, ones, 0.9 * ones, -observation, ones)
    scalars, errors = trained.update(batch, tf.constant(1, tf.int64))
    assert float(scalars["train/grad_norm"]) == pytest.approx(float(expected), rel=1e-4)
    np.testing.assert_allclose(errors, error, rtol=1e-4, atol=1e-5)


# ---- the target network -------------------------------------------------------------------------------


def differs(trained: DQN) -> bool:
    pairs = zip(trained.online.get_weights(), trained.target.get_weights(), strict=True)
    return any(not np.array_equal(a, b) for a, b in pairs)


def test_the_target_period_counts_updates() -> None:
    trained = agent(target_update_every_updates=8)
    trained.train(32)  # The first block of 4 updates comes with environment step 32.
    assert int(trained.updates) == 4
    assert differs(trained)
    trained.train(16)
    assert int(trained.updates) == 8
    assert not differs(trained)


def test_a_period_inside_a_block() -> None:
    trained = agent(target_update_every_updates=3)
    trained.train(48)  # Two blocks of 4 updates: the target moved after the 3rd and the 6th.
    assert int(trained.updates) == 8
    assert differs(trained)
    trained.train(16)
    assert int(trained.updates) == 12
    assert not differs(trained)


def test_soft_updates_are_a_moving_average() -> None:
    trained = agent(target_update_every_updates=1, target_update_rate=0.25, updates_per_train=1)
    trained.train(16)
    before = trained.target.get_weights()
    trained.train(16)
    assert int(trained.updates) == 1
    for old, online, new in zip(before, trained.online.get_weights(), trained.target.get_weights(), strict=True):
        np.testing.assert_allclose(new, 0.25 * online + 0.75 * old, rtol=1e-5, atol=1e-7)


# ---- the whole ----------------------------------------------------------------------------------------

SWITCHES = {"n_step": [1, 3], "priority_exponent": [0.0, 0.6], "target_update_rate": [1.0, 0.1]}
# These change with the number of the combination: each goes with each of the others somewhere.
ALTERNATING = {"optimizer": ["adam", "rmsprop_centered"], "max_grad_norm": [None, 1.0]}


@pytest.mark.parametrize(("double", "dueling"), list(itertools.product([False, True], ["none", "mean", "max"])))
def test_every_combination_of_switches(double: bool, dueling: str, uncompiled: None) -> None:
    small = {"hidden_units": (4,), "train_every_env_steps": 4, "updates_per_train": 1, "learning_starts_env_steps": 4}
    for number, values in enumerate(itertools.product(*SWITCHES.values())):
        changes = {**dict(zip(SWITCHES, values, strict=True)), "double": double, "dueling": dueling, **small}
        changes |= {name: options[(number >> i) % 2] for i, (name, options) in enumerate(ALTERNATING.items())}
        trained = agent(**changes, target_update_every_updates=1, batch_size=4)
        before = trained.online.get_weights()
        scalars = trained.train(4)
        assert all(np.isfinite(value) for value in scalars.values()), changes
        assert (scalars["work/env_steps"], scalars["work/updates"]) == (4, 1)
        assert any(not np.array_equal(a, b) for a, b in zip(before, trained.online.get_weights(), strict=True)), changes
        # A hard update leaves no difference, a soft one does.
        assert differs(trained) == (changes["target_update_rate"] < 1), changes


@pytest.mark.parametrize(
    ("cls", "changes"), [(DQN, {}), (DoubleDQN, {"priority_exponent": 0.6}), (DuelingDQN, {"n_step": 3})]
)
def test_same_seed_same_bits_however_it_is_cut_and_resumed(cls, changes) -> None:
    assert_resumes_to_the_bit(agent(cls, **changes), parts=(20,), rest=108)


def test_another_seed_other_weights() -> None:
    assert not np.array_equal(agent(seed=0).online.get_weights()[0], agent(seed=1).online.get_weights()[0])


def test_the_host_engine_gives_the_same_bits_too() -> None:
    first, second = agent(engine="gymnasium"), agent(engine="gymnasium")
    first.train(128)
    for steps in (20, 44, 64):
        second.train(steps)
    assert_same_bits(first, second)


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_nothing_is_traced_again_after_the_first_chunk(engine: str) -> None:
    trained = agent(engine=engine)
    trained.train(64)
    before = trained._engine.program.traces()
    for steps in (64, 32, 128):
        trained.train(steps)
    assert trained._engine.program.traces() == before


class Identity(CompiledEnv):
    """Show one of four; saying which is worth 1. Learned at once, or something is wrong."""

    gymnasium_id = "CartPole-v1"
    max_episode_steps = 8

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(0, 1, (4,), np.float32)
        self.action_space = gym.spaces.Discrete(4)

    def reset(self, num_envs: int, seed: Any) -> Any:
        return tf.one_hot(tf.random.stateless_uniform((num_envs,), seed, 0, 4, tf.int32), 4)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        right = tf.cast(tf.equal(tf.argmax(state, -1, output_type=tf.int32), action), tf.float32)
        return self.reset(state.shape[0], seed), right, tf.zeros(right.shape, tf.bool)


@pytest.mark.parametrize("cls", [DQN, DoubleDQN, DuelingDQN])
def test_an_identity_environment_is_learned_in_seconds(cls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Identity())
    trained = agent(cls, discount=0.0, learning_rate=3e-3, train_every_env_steps=64, updates_per_train=32)
    trained.actions = 4
    trained.online = trained.new_network()
    trained.train(8192)
    q = trained.online.on_host(np.eye(4, dtype=np.float32))
    np.testing.assert_array_equal(q.argmax(-1), range(4))
    np.testing.assert_allclose(q, np.eye(4), atol=0.2)


# ---- acting -------------------------------------------------------------------------------------------


def test_acting_on_one_observation_or_a_batch() -> None:
    trained = agent()
    batch = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    actions = trained.act(batch)
    assert actions.shape == (5,)
    assert trained.act(batch[2]) == actions[2]
    with pytest.raises(UserError, match="neither one nor a batch"):
        trained.act(np.zeros(3))


class FromOne(gym.Env):
    """Actions 1 and 2; only 2 is rewarded. Any other action breaks it."""

    observation_space = gym.spaces.Box(0, 1, (2,), np.float32)
    action_space = gym.spaces.Discrete(2, start=1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 4
        return np.ones(2, np.float32), {}

    def step(self, action):
        assert action in (1, 2)
        self.left -= 1
        return np.ones(2, np.float32), float(action == 2), self.left == 0, False, {}


def test_actions_that_do_not_start_at_zero() -> None:
    register("env", "FromOne-v0")(FromOne)
    try:
        trained = agent(problem="FromOne-v0", engine="auto", discount=0.5)
        assert trained.engine == "gymnasium"
        trained.train(512)
        assert trained.act(np.ones(2, np.float32)) == 2
        assert trained.evaluate(episodes=2, seed=0, split="test").scalars["eval/mean_reward"] == 4
    finally:
        unregister("env", "FromOne-v0")


# ---- what cannot be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"priority_exponent": -0.5}, "out of range"),
        ({"importance_exponent": 1.5}, "importance_exponent=1.5 is out of range"),
        ({"epsilon": "exponential:start=1,end=0.1"}, "lacks factor"),
        ({"epsilon": "linear:start=2,end=0,over=5"}, "epsilon=2.0 is out of range"),
        ({"network": 3}, "is not a text"),
        ({"num_envs": 3}, "use 255 or 258"),
        ({"replay_capacity": 100}, "at least 256"),
        ({"dueling": "median"}, "one of 'none', 'mean', 'max'"),
        ({"noisy": True}, "set epsilon=0 too"),
        ({"noisy": True, "epsilon": 0.01}, "set epsilon=0 too"),
        ({"noisy_sigma": 0}, "out of range"),
        ({"distribution": "gaussian"}, "one of 'none', 'categorical', 'quantile'"),
        ({"distribution": "categorical", "atoms": 0}, "out of range"),
        ({"value_min": 10, "value_max": 10}, "value_min=10 is not below value_max=10"),
        ({"discount": 1.5}, "out of range"),
    ],
)
def test_configurations_that_make_no_sense(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        DQN.Config.build(values)


def test_continuous_actions_are_refused() -> None:
    with pytest.raises(UserError, match="Discrete actions"):
        DQN(problem="Pendulum-v1", config=DQN.Config(), seed=0)


def test_a_replay_that_does_not_fit_is_refused_with_the_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlgen.runtime.free_memory_bytes", lambda: 2_000_000)
    message = (
        r"replay 4\.8 MB \+ the copy the loop works on 4\.8 MB \+ networks 1\.1 MB \+ batches 596\.7 kB = 11\.3 MB of "
        r"memory, and 2\.0 MB is free.*"
        r"keep 4\.2 MB of it in all outside the loop \(--engine gymnasium\)"
    )
    with pytest.raises(UserError, match=message):
        DQN(problem="CartPole-v1", config=DQN.Config(), seed=0).train(8)


def test_the_configuration_is_small_enough_to_read() -> None:
    assert len(DQN.Config.describe()) <= 34
    assert len(DuelingDQN.Config.describe()) == len(DQN.Config.describe())


@pytest.mark.parametrize(
    ("cls", "preset"), [(DQN, "mnih-2015"), (DoubleDQN, "van-hasselt-2016"), (DuelingDQN, "wang-2016")]
)
def test_the_papers_settings(cls, preset) -> None:
    config = cls.Config.build(preset=preset)
    assert (config.network, config.replay_capacity, config.batch_size) == ("nature_cnn", 1_000_000, 32)
    assert config.train_every_env_steps == 4 and config.updates_per_train == 1


def test_the_books_breakout_pipeline() -> None:
    config = BookDQN.Config.build(preset="book-hands-on-ml-breakout")
    numbers = (config.batch_size, config.train_every_env_steps, config.updates_per_train, config.replay_capacity)
    assert numbers == (64, 4, 1, 1_000_000) and config.discount == 0.99 and config.loss == "huber"
    # 20,000 steps at random, then 250,000 // 4 updates down to .01.
    assert [round(config.epsilon(step), 4) for step in (0, 20_000, 145_000, 270_000, 10**7)] == [
        1,
        1,
        0.505,
        0.01,
        0.01,
    ]
    assert config.learning_starts_env_steps == 20_000 and config.target_update_every_updates == 2000
    game = "BreakoutNoFrameskip-v4?life_loss=false&clip_reward=false&fire_reset=false&noop_max=0"
    made = BookDQN(problem=game, config=dataclasses.replace(config, replay_capacity=1000), seed=0)
    assert made.online.count_params() == 1_686_180 and made.environments.about.startswith("nature, changed")
    made._build()
    optimizer = made.optimizer
    assert (optimizer.rho, optimizer.epsilon, optimizer.centered, optimizer.momentum) == (0.95, 1e-5, True, 0.0)
    assert float(optimizer.learning_rate.numpy()) == np.float32(2.5e-4)
    made.close()


def test_it_can_be_judged_with_a_random_action_now_and_then() -> None:
    made = DQN(problem="CartPole-v1", config=DQN.Config(evaluation_epsilon=0.5), seed=0)
    seen = np.random.default_rng(0).normal(size=(2000, 4)).astype(np.float32)
    best, judged = made.policy(seen), made.judged_policy(seed=1)(seen)
    assert 0.2 < (best != judged).mean() < 0.3, "half of them at random, of which half are the best"
    np.testing.assert_array_equal(judged, made.judged_policy(seed=1)(seen))


def test_pictures_are_shown_with_the_pixels_that_values_depend_on() -> None:
    config = DuelingDQN.Config(num_envs=1, hidden_units=(16,), replay_capacity=300)
    made = DuelingDQN(problem="ALE/Pong-v5?size=36&max_num_frames_per_episode=60", config=config, seed=0)
    images = made.evaluate(episodes=1, seed=0, split="test").images
    assert sorted(images) == ["eval/observations", "eval/saliency"]
    assert (images["eval/saliency"][..., 0] > images["eval/saliency"][..., 1]).any(), "something is red"
    made.close()


def test_the_mean_value_reported_is_of_the_actions_taken() -> None:
    trained = agent()
    trained._build()
    observation = tf.constant(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
    action, ones = tf.constant([0, 1, 1, 0, 1, 0]), tf.ones(6)
    taken = tf.gather(trained.online(observation), action, batch_dims=1)
    scalars, _ = trained.update(Batch(observation, action, ones, ones, observation, ones), tf.constant(1, tf.int64))
    assert float(scalars["train/q_mean"]) == pytest.approx(float(tf.reduce_mean(taken)), rel=1e-5)


def test_the_policy_is_of_the_weights_there_are_now() -> None:
    trained, other = agent(seed=0), agent(seed=1)
    batch = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    before = trained.values(batch)
    trained.reseed(1)
    np.testing.assert_array_equal(trained.values(batch), other.values(batch))
    assert (trained.values(batch) != before).any()
