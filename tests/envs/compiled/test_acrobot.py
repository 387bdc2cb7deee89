"""The compiled Acrobot beside Gymnasium's own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from beside_gymnasium import EPISODES, check_interface, check_uniform, walk

from rlgen.envs.compiled.acrobot import Acrobot


def pumping(observations: np.ndarray) -> np.ndarray:
    """Pushes the second link the way it swings: energy goes in at every step."""
    return np.where(observations[:, 5] >= 0, 2, 0)


def test_random_episodes_are_gymnasiums() -> None:
    generator = np.random.default_rng(0)
    told = walk(Acrobot(), lambda _: generator.integers(3, size=EPISODES))
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.truncations > EPISODES / 2


def test_episodes_that_reach_the_goal_are_gymnasiums() -> None:
    told = walk(Acrobot(), pumping)
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.terminations == EPISODES


def test_spaces_and_first_states_are_gymnasiums() -> None:
    check_interface(Acrobot())
    states = Acrobot().reset(10_000, tf.constant([1, 2]))
    assert states.shape == (10_000, 4)
    for column in range(4):
        check_uniform(states[:, column], -0.1, 0.1)
