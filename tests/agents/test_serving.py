"""What an agent answers elsewhere: actions in the environment's own numbers, observations that it may really meet."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import keras
import numpy as np
import pytest
import tensorflow as tf

import rlgen
from rlgen.agents.serving import in_space, met
from rlgen.envs.gymnasium import to_space

SPACES = (
    gym.spaces.Discrete(3, start=5),
    gym.spaces.Discrete(3),
    gym.spaces.MultiDiscrete([2, 3]),
    gym.spaces.Box(-2, 2, (2,), np.float32),
    gym.spaces.Box(np.array([-1, 0]), np.array([1, 4]), dtype=np.int64),
    gym.spaces.Box(-np.inf, 1, (2,), np.float64),
)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_actions_become_elements_of_their_space_as_on_the_host(space: Any) -> None:
    generator = np.random.default_rng(0)
    if isinstance(space, gym.spaces.Box):
        actions = generator.normal(scale=3, size=(50, *space.shape)).astype(np.float32)
    else:
        actions = np.stack([np.asarray(space.sample()) - getattr(space, "start", 0) for _ in range(50)])
    found, right = in_space(space, tf.constant(actions)).numpy(), to_space(space, actions)
    np.testing.assert_array_equal(found, right)
    assert isinstance(space, gym.spaces.MultiDiscrete) or found.dtype == space.dtype
    assert all(space.contains(action) for action in found.astype(space.dtype))


def test_symbolic_tensors_go_the_same_way() -> None:
    given = keras.Input((2,))
    model = keras.Model(given, in_space(SPACES[3], given))
    np.testing.assert_array_equal(model(np.float32([[-3, 1]])), [[-2, 1]])


def test_observations_that_are_met_follow_from_the_seed() -> None:
    agent = rlgen.make("dqn", env="CartPole-v1", config={"hidden_units": (4,)})
    first, again, other = (met(agent, 70, seed) for seed in (3, 3, 4))
    assert first.shape == (70, 4) and first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    begun = np.abs(first).max(1) < 0.05
    assert begun.sum() > 4, "episodes end, and others begin"
    assert (~begun).sum() > 30, "and go on"
    agent.close()


def test_observations_in_dictionaries_are_rows() -> None:
    agent = rlgen.make("a2c", env="Blackjack-v1", config={"hidden_units": (4,)})
    served = agent.served()["act"]
    assert served.inputs["observation"].shape == agent.observation.shape
    inputs = served.fresh(9, 0)
    assert inputs["observation"].shape == (9, *agent.observation.shape)
    assert served.reference(inputs)["action"].shape == (9,)
    agent.close()
