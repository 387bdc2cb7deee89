"""Rollouts in environments drawn at random, against a slow loop over one environment after another."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rlgen.agents.rollout import HostRollout
from rlgen.envs.host import SideBySide

INFOS = (
    {},
    {"note": None},
    {"note": 3},
    {"note": "a word"},
    {"note": np.arange(2)},
    {"note": np.arange(5)},
    {"final_obs": "not Gymnasium's"},
    {"_note": {"deep": [1]}},
)
REWARDS = (float, int, np.float32, np.float64, np.array, lambda x: bool(x % 2))
FLAGS = (bool, np.bool_)


class Script(NamedTuple):
    """What an environment does: its k-th episode ends after `ends[k]`, by terminating, by truncation or by both."""

    ends: tuple[tuple[int, bool, bool], ...]
    dtype: str
    in_place: bool
    infos: tuple[dict[str, Any], ...]
    reward: Any
    flag: Any


class Scripted(gym.Env[Any, Any]):
    """Follows a script; observes its number, the episode and the step."""

    action_space = gym.spaces.Discrete(3)

    def __init__(self, number: int, script: Script) -> None:
        self.number, self.script, self.episode, self.at = number, script, -1, 0
        self.observation_space = gym.spaces.Box(0, 200, (3,), script.dtype)
        self._array = np.zeros(3, script.dtype)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.episode, self.at = self.episode + 1, 0
        return self._observed(), self._info()

    def step(self, action: Any) -> Any:
        self.at += 1
        length, terminated, truncated = self.script.ends[self.episode % len(self.script.ends)]
        over, flag = self.at >= length, self.script.flag
        reward = self.script.reward(self.at + int(action))
        return self._observed(), reward, flag(over and terminated), flag(over and truncated), self._info()

    def _observed(self) -> Any:
        values = [self.number, self.episode % 200, self.at]
        if not self.script.in_place:
            return np.array(values, self.script.dtype)
        self._array[:] = values
        return self._array

    def _info(self) -> dict[str, Any]:
        return self.script.infos[(self.episode + self.at) % len(self.script.infos)]


def act(observation: Any, env_steps: int) -> Any:
    """An action that follows from what is seen and when."""
    return (observation.sum(-1) + env_steps).astype(np.int64) % 3


def slowly(number: int, num_envs: int, script: Script, resets: int, steps: int) -> list[tuple[Any, ...]]:
    """One environment alone: observation, action, reward, terminated, truncated, successor, return and length so far.

    Observations are copied at once.
    """
    env, rows, total, length = Scripted(number, script), [], 0.0, 0
    for _ in range(resets):
        observation = env.reset()[0].copy()
    for t in range(steps):
        action = act(np.float32(observation), t * num_envs)
        following, reward, terminated, truncated, _ = env.step(action)
        following, total, length = following.copy(), total + float(reward), length + 1
        rows.append((observation, action, float(reward), terminated, truncated, following, total, length))
        observation = following
        if terminated or truncated:
            observation, total, length = env.reset()[0].copy(), 0.0, 0
    return rows


endings = st.tuples(st.integers(1, 6), st.booleans(), st.booleans()).filter(lambda end: end[1] or end[2])
scripts = st.builds(
    Script,
    ends=st.lists(endings, min_size=1, max_size=4).map(tuple),
    dtype=st.sampled_from(["float32", "float64", "uint8", "int64"]),
    in_place=st.booleans(),
    infos=st.lists(st.sampled_from(INFOS), min_size=1, max_size=4).map(tuple),
    reward=st.sampled_from(REWARDS),
    flag=st.sampled_from(FLAGS),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(scripts=st.lists(scripts, min_size=1, max_size=4), counts=st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_a_rollout_is_that_of_its_environments_one_by_one(scripts: list[Script], counts: list[int]) -> None:
    # Side by side, environments share one type of observation.
    scripts = [script._replace(dtype=scripts[0].dtype) for script in scripts]
    made = itertools.count()
    envs = SideBySide(lambda: Scripted(i := next(made), scripts[i]), num_envs=len(scripts), seed=0)
    rollout = HostRollout(envs, seed=0, act=act, generator=np.random.default_rng(0))
    parts = [rollout.collect(count) for count in counts]
    slow = [slowly(i, len(scripts), script, resets=2, steps=sum(counts)) for i, script in enumerate(scripts)]
    got = [np.concatenate(column) for column in zip(*(rows for rows, _ in parts), strict=True)]
    ended = [np.concatenate(column) for column in zip(*(episodes for _, episodes in parts), strict=True)]
    # [T, N, ...] for each field.
    columns = [np.stack([np.stack([row[k] for row in rows]) for rows in slow], 1) for k in range(8)]
    for field, right in zip(got, columns[:6], strict=True):
        np.testing.assert_array_equal(field, right)
    np.testing.assert_array_equal(ended[0], columns[3] | columns[4])
    for field, right in zip(ended[1:], columns[6:], strict=True):
        np.testing.assert_allclose(field, right)
