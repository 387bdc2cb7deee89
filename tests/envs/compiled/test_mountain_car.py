"""The compiled MountainCar beside Gymnasium's own."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from beside_gymnasium import EPISODES, check_interface, check_uniform, walk

from rlgen.envs.compiled.mountain_car import MountainCar


def pumping(observations: np.ndarray) -> np.ndarray:
    """Pushes the way the car rolls: it climbs a little higher every time."""
    return np.where(observations[:, 1] >= 0, 2, 0)


def test_random_episodes_are_gymnasiums() -> None:
    generator = np.random.default_rng(0)
    told = walk(MountainCar(), lambda _: generator.integers(3, size=EPISODES))
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.truncations > EPISODES / 2


def test_episodes_that_reach_the_goal_are_gymnasiums() -> None:
    told = walk(MountainCar(), pumping)
    assert told.observation_error <= 1e-5
    assert told.reward_error == 0
    assert told.terminations == EPISODES


def test_the_wall_stops_the_car() -> None:
    state, _, terminated = MountainCar().step(
        tf.constant([[-1.19, -0.05]]), tf.zeros((1,), tf.int32), tf.constant([0, 0])
    )
    np.testing.assert_array_equal(state, np.float32([[-1.2, 0]]))
    assert not terminated.numpy().any()


def test_spaces_and_first_states_are_gymnasiums() -> None:
    check_interface(MountainCar())
    states = MountainCar().reset(10_000, tf.constant([1, 2]))
    assert states.shape == (10_000, 2)
    check_uniform(states[:, 0], -0.6, -0.4)
    assert not states.numpy()[:, 1].any()
