"""Physics drawn per episode: from the range, on both engines, and with the meaning that Gymnasium gives it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents.rollout import CompiledRollout
from rlgen.environment import CompiledEnv
from rlgen.envs.compiled.acrobot import Acrobot
from rlgen.envs.compiled.cartpole import CartPole
from rlgen.envs.compiled.mountain_car import MountainCar
from rlgen.envs.compiled.mountain_car_continuous import MountainCarContinuous
from rlgen.envs.compiled.pendulum import Pendulum
from rlgen.envs.domain_randomization import CompiledDomainRandomization, DomainRandomization, Randomize, parse_range
from rlgen.envs.host import SideBySide
from rlgen.envs.noisy_reward import CompiledNoisyReward
from rlgen.errors import UserError

COMPILED = [Acrobot, CartPole, MountainCar, MountainCarContinuous, Pendulum]
every_env = pytest.mark.parametrize("kind", COMPILED)

SEED = tf.constant([3, 4])


def unchanged(env: CompiledEnv) -> dict[str, tuple[float, float]]:
    return {name: (getattr(env, name), getattr(env, name)) for name in env.physics}


def wide(env: CompiledEnv) -> dict[str, tuple[float, float]]:
    return {name: (0.7 * getattr(env, name), 1.3 * getattr(env, name)) for name in env.physics}


def host(kind: type[CompiledEnv], ranges: Any) -> DomainRandomization:
    return DomainRandomization(gym.make(kind.gymnasium_id), ranges=ranges, compiled=kind())


def actions(env: CompiledEnv, count: int) -> list[np.ndarray]:
    """`count` draws for each of 16 copies."""
    env.action_space.seed(5)
    return [np.array([env.action_space.sample() for _ in range(16)]) for _ in range(count)]


@every_env
def test_compiled_ranges_of_the_defaults_change_no_bit(kind: type[CompiledEnv]) -> None:
    plain, same = kind(), CompiledDomainRandomization(kind(), ranges=unchanged(kind()))
    state = plain.reset(16, SEED)
    np.testing.assert_array_equal(same.reset(16, SEED), state)
    for action in actions(plain, 20):
        np.testing.assert_array_equal(same.observe(state), plain.observe(state))
        for ours, theirs in zip(same.step(state, action, SEED), plain.step(state, action, SEED), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        state, _, _ = plain.step(state, action, SEED)


@every_env
def test_host_ranges_of_the_defaults_change_no_bit(kind: type[CompiledEnv]) -> None:
    plain, same = gym.make(kind.gymnasium_id), host(kind, unchanged(kind()))
    for seed in (7, None, None):
        np.testing.assert_array_equal(same.reset(seed=seed)[0], plain.reset(seed=seed)[0])
        for action in actions(kind(), 10):
            ours, theirs = same.step(action[0]), plain.step(action[0])
            np.testing.assert_array_equal(ours[0], theirs[0])
            assert ours[1:4] == theirs[1:4]


@every_env
def test_a_compiled_step_is_gymnasiums_with_the_same_physics(kind: type[CompiledEnv]) -> None:
    env = CompiledDomainRandomization(kind(), ranges=wide(kind()))
    step = tf.function(lambda state, action: env.step(state, action, SEED), jit_compile=True)
    envs: list[Any] = [gym.make(kind.gymnasium_id, disable_env_checker=True) for _ in range(16)]
    state = env.reset(16, SEED).numpy()
    own = state.shape[1] - len(env.ranges)
    for row, theirs in zip(state, envs, strict=True):
        theirs.reset()
        for name, value in zip(env.ranges, row[own:], strict=True):
            setattr(theirs.unwrapped, name, float(value))
    if kind is CartPole:
        for theirs in envs:
            inner = theirs.unwrapped
            inner.total_mass, inner.polemass_length = inner.masscart + inner.masspole, inner.masspole * inner.length
    for action in actions(env, 30):
        successor, rewards, terminated = (part.numpy() for part in step(state, action))
        observations = np.asarray(env.observe(successor))
        for i, theirs in enumerate(envs):
            theirs.unwrapped.state, theirs.unwrapped.steps_beyond_terminated = state[i, :own].astype(np.float64), None
            observation, reward, their_end, _, _ = theirs.unwrapped.step(action[i])
            np.testing.assert_allclose(observations[i], observation, atol=1e-5, rtol=0)
            assert rewards[i] == pytest.approx(reward, abs=1e-5)
            assert terminated[i] == their_end
        np.testing.assert_array_equal(successor[:, own:], state[:, own:])
        state = successor


def test_compiled_draws_fill_the_range_and_are_not_observed() -> None:
    ranges = {"gravity": (8.0, 12.0), "masscart": (1.5, 1.5), "length": (0.25, 1.0)}
    plain, env = CartPole(), CompiledDomainRandomization(CartPole(), ranges=ranges)
    state = env.reset(10_000, SEED).numpy()
    assert state.shape == (10_000, 6)
    np.testing.assert_array_equal(env.observe(state), plain.reset(10_000, SEED))
    for column, (low, high) in {4: (8, 12), 5: (0.25, 1)}.items():
        assert low <= state[:, column].min() < low + 0.01 * (high - low)
        assert high >= state[:, column].max() > high - 0.01 * (high - low)
        assert state[:, column].mean() == pytest.approx((low + high) / 2, rel=0.02)
    # Two parameters are not one number, nor is a parameter the first state's.
    assert np.abs(np.corrcoef(state.T) - np.eye(6)).max() < 0.05
    assert (env.observation_space, env.max_episode_steps) == (plain.observation_space, 500)
    assert plain.masscart == CartPole.masscart == 1.0


def test_a_rollout_keeps_physics_for_an_episode_and_then_draws_anew() -> None:
    # Around it another wrapper, which knows nothing of the columns.
    env = CompiledNoisyReward(CompiledDomainRandomization(CartPole(), ranges={"gravity": (8, 12)}), std=1.0)
    rollout = CompiledRollout(
        env,
        num_envs=4,
        rows=40,
        seed=3,
        draw=lambda steps, seed: tf.zeros((steps, 4)),
        act=lambda o, t, noise: tf.ones((4,), tf.int32),
    )
    standing = rollout.standing()
    drawn = rollout.drawn(tf.constant(0, tf.int64))
    gravity, done = [standing[0].numpy()[:, -1]], []
    for t in range(40):
        standing, row, _ = rollout.step(standing, tf.constant(t, tf.int64), drawn)
        assert row.observation.shape == (4, 4)
        done.append(row.terminated.numpy())
        gravity.append(standing[0].numpy()[:, -1])
    changed = np.diff(gravity, axis=0) != 0
    np.testing.assert_array_equal(changed, done)
    assert changed.sum() > 8
    assert len({*gravity[0]}) == 4
    assert 8 <= np.min(gravity) < np.max(gravity) <= 12


def test_host_draws_follow_the_seed_and_what_gymnasium_derives_follows_them() -> None:
    def drawn(seed: int) -> list[tuple[float, float]]:
        env = host(CartPole, {"masspole": (0.05, 0.5), "length": (0.25, 1)})
        inner: Any = env.unwrapped
        values = []
        for first in (seed, None, None):
            env.reset(seed=first)
            values.append((inner.masspole, inner.length))
            env.step(0)
            assert (inner.masspole, inner.length) == values[-1]
            assert inner.total_mass == inner.masscart + inner.masspole
            assert inner.polemass_length == inner.masspole * inner.length
        return values

    assert drawn(1) == drawn(1)
    values = np.array([drawn(seed) for seed in range(100)]).reshape(-1, 2)
    assert len(np.unique(values)) == values.size
    assert (values.min(0) >= [0.05, 0.25]).all() and (values.max(0) <= [0.5, 1]).all()
    np.testing.assert_allclose(values.mean(0), [0.275, 0.625], rtol=0.1)


def test_host_environments_side_by_side_differ() -> None:
    made: list[DomainRandomization] = []

    def make() -> gym.Env[Any, Any]:
        made.append(host(MountainCar, {"force": (0.001, 0.002)}))
        return made[-1]

    envs = SideBySide(make, num_envs=3, seed=1)
    first = [env.unwrapped.force for env in made]
    for _ in range(200):
        envs.step(np.ones(3, np.int64))
    assert len({*first, *(env.unwrapped.force for env in made)}) == 6
    envs.close()


def test_an_environment_without_a_compiled_form_may_vary_its_floats() -> None:
    class Falling(gym.Env[Any, Any]):
        observation_space = gym.spaces.Box(-np.inf, np.inf, (1,))
        action_space = gym.spaces.Discrete(2)

        def __init__(self) -> None:
            self.gravity, self.legs, self.name = -9.8, 2, "falling"

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            return np.array([self.gravity], np.float32), {}

    env = DomainRandomization(Falling(), ranges={"gravity": (-12, -8)})
    # It is set before the environment's own reset reads it.
    firsts = [env.reset(seed=seed)[0][0] for seed in range(20)]
    assert -12 <= min(firsts) < max(firsts) <= -8
    with pytest.raises(UserError, match=r"no parameter 'legs'.* It has: gravity\."):
        DomainRandomization(Falling(), ranges={"legs": (1, 4)})


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"gravty": (8, 12)}, "'CartPole-v1' has no parameter 'gravty'. Did you mean 'gravity'?"),
        ({"gravty": (8, 12)}, "It has: gravity, masscart, masspole, length, force_mag."),
        ({"total_mass": (1, 2)}, "has no parameter 'total_mass'"),
        ({"gravity": (12, 8)}, "gravity=12:8 is no range: write the smaller number first"),
        ({"length": (0.5, float("inf"))}, "length=0.5:inf is no range"),
        ({"length": (-0.5, 0.5)}, "length=-0.5:0.5 changes the sign of 'length': in 'CartPole-v1' it is 0.5."),
    ],
)
def test_impossible_ranges_are_refused_on_both_engines(ranges: Any, message: str) -> None:
    for make in (lambda: CompiledDomainRandomization(CartPole(), ranges=ranges), lambda: host(CartPole, ranges)):
        with pytest.raises(UserError) as refused:
            make()
        assert message in str(refused.value)


def test_a_wrapper_is_not_randomised_from_outside() -> None:
    with pytest.raises(UserError, match="names none that may vary"):
        CompiledDomainRandomization(CompiledNoisyReward(CartPole(), std=1.0), ranges={"gravity": (8, 12)})


def test_ranges_as_text() -> None:
    assert Randomize(gravity="8:12", length="0.5").ranges == {"gravity": (8, 12), "length": (0.5, 0.5)}
    assert parse_range("g", "-12:-8e0") == (-12, -8)
    with pytest.raises(UserError, match="wants parameters and their ranges"):
        Randomize()


@pytest.mark.parametrize("text", ["8:", "low:high", "8:9:10", ""])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not name=low:high"):
        parse_range("gravity", text)


def test_a_range_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(UserError, match="g=2:1 is no range"):
        parse_range("g", "2:1")
