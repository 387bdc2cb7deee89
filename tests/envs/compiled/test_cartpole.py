"""The compiled CartPole beside Gymnasium's own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from beside_gymnasium import EPISODES, check_interface, check_uniform, walk

from rlgen.envs.compiled.cartpole import CartPole, CartPoleV0


def balancing(observations: np.ndarray) -> np.ndarray:
    """Keeps the pole up for all 500 steps from every start."""
    return (observations @ np.array([0.1, 0.4, 4.0, 1.2]) > 0).astype(np.int64)


def test_random_episodes_are_gymnasiums() -> None:
    generator = np.random.default_rng(0)
    told = walk(CartPole(), lambda _: generator.integers(2, size=EPISODES))
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.terminations == EPISODES


def test_whole_episodes_are_gymnasiums() -> None:
    told = walk(CartPole(), balancing)
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.truncations == EPISODES
    assert told.terminations == 0


def test_spaces_and_first_states_are_gymnasiums() -> None:
    check_interface(CartPole())
    states = CartPole().reset(10_000, tf.constant([1, 2]))
    assert states.shape == (10_000, 4)
    for column in range(4):
        check_uniform(states[:, column], -0.05, 0.05)


def test_the_older_one_ends_after_200_steps() -> None:
    check_interface(CartPoleV0())
    told = walk(CartPoleV0(), balancing)
    assert told.observation_error <= 1e-5
    assert (told.truncations, told.terminations) == (EPISODES, 0)
