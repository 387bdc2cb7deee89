"""Environments on the host: true successors, arrays of their own, faults that name their step."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from counting import FAULTS, Counting
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rlgen.envs.host import OfVector, SideBySide
from rlgen.errors import EnvironmentFault, UserError


@pytest.mark.parametrize("truncates", [False, True])
def test_every_step_is_a_real_transition_with_its_true_successor(truncates: bool) -> None:
    envs = SideBySide(lambda: Counting(truncates=truncates), num_envs=2, seed=0)
    acted_in, successors, ends = [], [], []
    for _ in range(7):
        acted_in.append(float(envs.observation[0, 0]))
        step = envs.step(np.zeros(2, np.int64))
        successors.append(float(step.final_observation[0, 0]))
        ends.append(bool((step.truncated if truncates else step.terminated)[0]))
    # No filler between episodes: the state after an end is the first of the next episode.
    assert acted_in == [0, 1, 2, 0, 1, 2, 0]
    assert successors == [1, 2, 3, 1, 2, 3, 1]
    assert ends == [False, False, True, False, False, True, False]


@pytest.mark.parametrize("fault", [row[0] for row in FAULTS if "flag" not in row[0]])
def test_the_engine_names_the_step_too(fault: dict[str, Any]) -> None:
    envs = SideBySide(lambda: Counting(at=40, length=7, **fault), num_envs=1, seed=0)
    with pytest.raises(EnvironmentFault, match="step 40"):
        for _ in range(50):
            envs.step(np.zeros(1, np.int64))


class InPlace(gym.Env):
    """Observes one array of its own, which it changes in place; its infos cannot be merged."""

    observation_space = spaces.Box(0, 100, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self) -> None:
        self.array = np.zeros(2, np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.array[:] = 0
        return self.array, {"words": "new"}

    def step(self, action: Any) -> Any:
        self.array += 1
        infos = [{"x": None}, {"x": 3}, {"x": "word"}, {"x": np.zeros(int(self.array[0]))}]
        return self.array, 0.0, False, bool(self.array[0] == 5), infos[int(self.array[0]) % 4]


def test_an_array_changed_in_place_and_infos_that_cannot_be_merged_do_no_harm() -> None:
    envs = SideBySide(InPlace, num_envs=3, seed=0)
    finals = [float(envs.step(np.zeros(3, np.int64)).final_observation[0, 0]) for _ in range(7)]
    assert finals == [1, 2, 3, 4, 5, 1, 2]


def vector(mode: AutoresetMode = AutoresetMode.SAME_STEP) -> SyncVectorEnv:
    """Two that count, as one vector environment of Gymnasium's."""
    return SyncVectorEnv([Counting, Counting], autoreset_mode=mode)


def test_a_vector_environment_gives_what_its_parts_side_by_side_do() -> None:
    one, other = OfVector(vector, seed=0), SideBySide(Counting, num_envs=2, seed=0)
    for _ in range(7):
        steps = [envs.step(np.zeros(2, np.int64)) for envs in (one, other)]
        for field, right in zip(*steps, strict=True):
            np.testing.assert_array_equal(field, right)


def test_a_vector_environment_that_resets_in_a_step_of_its_own_is_refused() -> None:
    with pytest.raises(UserError, match="make it with autoreset_mode=AutoresetMode.SAME_STEP"):
        OfVector(lambda: vector(AutoresetMode.NEXT_STEP), seed=0)


@pytest.mark.parametrize(
    "make", [lambda: OfVector(vector, seed=0), lambda: SideBySide(Counting, num_envs=2, seed=0)], ids=["vector", "side"]
)
def test_closed_ones_are_made_anew(make: Any) -> None:
    envs = make()
    envs.step(np.zeros(2, np.int64))
    envs.close()
    assert envs.lost
    envs.reset(seed=1)
    assert not envs.lost and envs.observation.tolist() == [[0.0], [0.0]]
    assert envs.step(np.zeros(2, np.int64)).observation.tolist() == [[1.0], [1.0]]
