"""The compiled Pendulum beside Gymnasium's own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from beside_gymnasium import EPISODES, check_interface, check_uniform, walk

from rlgen.envs.compiled.pendulum import Pendulum


def pumping(observations: np.ndarray) -> np.ndarray:
    """Swings ever faster, round and round, up to the limit of the speed."""
    return np.where(observations[:, 2:] >= 0, 2, -2).astype(np.float32)


def test_random_episodes_are_gymnasiums() -> None:
    generator = np.random.default_rng(0)
    # Beyond the bounds too: both clip.
    told = walk(Pendulum(), lambda _: generator.uniform(-3, 3, (EPISODES, 1)).astype(np.float32))
    assert told.observation_error <= 1e-5
    assert told.reward_error <= 1e-5
    assert (told.terminations, told.truncations) == (0, EPISODES)


def test_fast_episodes_are_gymnasiums() -> None:
    told = walk(Pendulum(), pumping)
    assert told.observation_error <= 1e-5
    assert told.reward_error <= 1e-5
    assert (told.terminations, told.truncations) == (0, EPISODES)


def test_the_angle_stays_wrapped_and_the_speed_bounded() -> None:
    state, action = Pendulum().reset(100, tf.constant([1, 2])), tf.fill((100, 1), 2.0)
    fastest = 0.0
    for _ in range(100):
        state, _, _ = Pendulum().step(state, action, tf.constant([0, 0]))
        assert np.abs(state[:, 0]).max() <= np.float32(np.pi)
        fastest = max(fastest, np.abs(state[:, 1]).max())
    assert fastest == 8


def test_spaces_and_first_states_are_gymnasiums() -> None:
    check_interface(Pendulum())
    states = Pendulum().reset(10_000, tf.constant([1, 2]))
    assert states.shape == (10_000, 2)
    check_uniform(states[:, 0], -np.pi, np.pi)
    check_uniform(states[:, 1], -1, 1)
