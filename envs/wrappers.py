"""Wrappers by name that are small: a time limit, clipped rewards, stacked frames."""

from __future__ import annotations

import copy
from typing import Any, SupportsFloat

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen.config import check_range
from rlgen.environment import CompiledEnv, CompiledWrapper, Wrapper
from rlgen.envs.gymnasium import is_grey_picture
from rlgen.errors import UserError
from rlgen.spec import Stack

# All of them are copied at every step.
MOST_FRAMES = 256


class TimeLimit(Wrapper):
    """Cut episodes after so many steps, in training and evaluation: `time_limit:200`."""

    shows_the_same = True

    def __init__(self, *, steps: int) -> None:
        """Set the limit.

        Raises:
            UserError: less than a step, or more than can be counted.
        """
        check_range("time_limit", steps, {})
        if steps < 1:
            raise UserError(f"time_limit:{steps} leaves no step; it has to be at least 1.")
        self.steps = steps

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """On top of the environment's own limit."""
        return gym.wrappers.TimeLimit(env, self.steps)

    def on_compiled(self, env: CompiledEnv) -> CompiledEnv:
        """The smaller of both limits."""
        env = copy.copy(env)
        env.max_episode_steps = min(env.max_episode_steps, self.steps)
        return env


class ClipReward(Wrapper):
    """Clip training rewards to +-limit, 1 unless given: `clip_reward` (Mnih et al. 2015)."""

    training_only = shows_the_same = True

    def __init__(self, *, limit: float = 1.0) -> None:
        self.limit = limit

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """Gymnasium's own wrapper."""
        return gym.wrappers.TransformReward(env, lambda reward: float(np.clip(float(reward), -self.limit, self.limit)))

    def on_compiled(self, env: CompiledEnv) -> CompiledEnv:
        """The same in TensorFlow."""
        return _CompiledReward(env, lambda reward: tf.clip_by_value(reward, -self.limit, self.limit))


class FrameStack(Wrapper):
    """Observe the last `count` observations, oldest first: `frame_stack:4`; those of pictures as channels."""

    def __init__(self, *, count: int) -> None:
        """Set how many.

        Raises:
            UserError: less than one, or more than anybody could learn from.
        """
        check_range("frame_stack", count, {"at_most": MOST_FRAMES})
        if count < 1:
            raise UserError(f"frame_stack:{count} observes nothing; it has to be at least 1.")
        self.count, self.stack = count, Stack(count, "first")

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """As Gymnasium's wrapper, with the copies side by side along the last axis."""
        return _HostStack(env, self.count)

    def on_compiled(self, env: CompiledEnv) -> CompiledEnv | None:
        """Vectors alone: a compiled state has one axis."""
        return _CompiledStack(env, self.count) if len(env.observation_space.shape or ()) == 1 else None


class _HostStack(gym.Wrapper[Any, Any, Any, Any]):
    def __init__(self, env: gym.Env[Any, Any], count: int) -> None:
        super().__init__(env)
        self.observation_space = _stacked(env.observation_space, count)
        # Grey pictures get an axis of channels to be stacked along.
        self._deepened = is_grey_picture(env.observation_space)
        self._count, self._frames = count, [np.zeros(0)]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._frames = [self._frame(observation)] * self._count
        return np.concatenate(self._frames, -1), info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._frames = [*self._frames[1:], self._frame(observation)]
        return np.concatenate(self._frames, -1), reward, terminated, truncated, info

    def _frame(self, observation: Any) -> Any:
        frame = np.array(observation)  # The environment may change its own array in place.
        return frame[..., None] if self._deepened else frame


class _CompiledStack(CompiledWrapper):
    """What was observed travels as further columns of the state."""

    def __init__(self, env: CompiledEnv, count: int) -> None:
        super().__init__(env)
        self._count, self._size = count, int((env.observation_space.shape or (0,))[0])
        self.observation_space = _stacked(env.observation_space, count)

    def reset(self, num_envs: int, seed: Any) -> Any:
        state = self.env.reset(num_envs, seed)
        return tf.concat([state, *[self.env.observe(state)] * self._count], -1)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        own = state.shape[-1] - self._count * self._size
        inner, reward, terminated = self.env.step(state[:, :own], action, seed)
        return tf.concat([inner, state[:, own + self._size :], self.env.observe(inner)], -1), reward, terminated

    def observe(self, state: Any) -> Any:
        return state[:, state.shape[-1] - self._count * self._size :]


class _CompiledReward(CompiledWrapper):
    def __init__(self, env: CompiledEnv, change: Any) -> None:
        super().__init__(env)
        self._change = change

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        state, reward, terminated = self.env.step(state, action, seed)
        return state, self._change(reward), terminated


def _stacked(space: gym.Space[Any], count: int) -> gym.spaces.Box:
    if not isinstance(space, gym.spaces.Box) or not space.shape:
        raise UserError(f"frame_stack puts arrays side by side, and observations of {space} are none.")
    bounds = (bound[..., None] if is_grey_picture(space) else bound for bound in (space.low, space.high))
    low, high = (np.concatenate([bound] * count, -1) for bound in bounds)
    return gym.spaces.Box(low, high, dtype=space.dtype)  # type: ignore[arg-type]
