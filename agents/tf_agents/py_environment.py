"""A Gymnasium environment where TF-Agents expects one of its own."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rlgen.agents.tf_agents import library
from rlgen.errors import UserError

BoundedArraySpec = library.array_spec.BoundedArraySpec


class GymnasiumPyEnvironment(library.py_environment.PyEnvironment):
    """A `PyEnvironment` over a Gymnasium environment.

    A termination comes with a discount of 0, as TF-Agents means it; an episode that a time limit cuts short ends with
    a discount of 1, so that what would have followed still counts.
    """

    def __init__(self, env: str | gym.Env[Any, Any], *, seed: int | None = None, **arguments: Any) -> None:
        """Make the environment, or take it as it is.

        Args:
            env: a Gymnasium id, or an environment.
            seed: of the first episode, from which all others follow.
            arguments: of the environment's constructor.

        Raises:
            UserError: a space that TF-Agents has no specification for.
        """
        super().__init__()
        self._env = gym.make(env, **arguments) if isinstance(env, str) else env
        self._seed = seed
        self._observation_spec = spec_of_space(self._env.observation_space, "observation")
        self._action_spec = spec_of_space(self._env.action_space, "action")
        self._info: dict[str, Any] = {}

    def observation_spec(self) -> Any:
        """Of what the environment shows, bounded."""
        return self._observation_spec

    def action_spec(self) -> Any:
        """Of what it takes; the numbers of a `Discrete` space are its own."""
        return self._action_spec

    def seed(self, seed: int) -> None:
        """Let the next episode, and all that follow it, be those of a seed."""
        self._seed = seed

    def get_info(self) -> dict[str, Any]:
        """What the environment said beside its last observation."""
        return self._info

    def render(self, mode: str = "rgb_array") -> Any:
        """As the environment was made to be drawn (`render_mode`)."""
        return self._env.render()

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    @property
    def gym(self) -> gym.Env[Any, Any]:
        """The environment itself."""
        return self._env

    def _reset(self) -> Any:
        observation, self._info = self._env.reset(seed=self._seed)
        self._seed = None
        return library.time_steps.restart(_like(self._observation_spec, observation))

    def _step(self, action: Any) -> Any:
        if self.current_time_step() is None or self.current_time_step().is_last():
            return self.reset()
        taken = _taken(self._env.action_space, action)
        observation, reward, terminated, truncated, self._info = self._env.step(taken)
        seen, reward = _like(self._observation_spec, observation), np.float32(reward)
        if terminated:
            return library.time_steps.termination(seen, reward)
        if truncated:
            return library.time_steps.truncation(seen, reward)
        return library.time_steps.transition(seen, reward)


def spec_of_space(space: gym.Space[Any], name: str) -> Any:
    """TF-Agents' of a space, in the nesting of `Dict` and `Tuple`."""
    if isinstance(space, gym.spaces.Dict):
        return {key: spec_of_space(part, key) for key, part in space.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(spec_of_space(part, f"{name}_{i}") for i, part in enumerate(space.spaces))
    if isinstance(space, gym.spaces.Box):
        return BoundedArraySpec(space.shape, space.dtype, space.low, space.high, name)
    if isinstance(space, gym.spaces.Discrete):
        return BoundedArraySpec((), space.dtype, int(space.start), int(space.start + space.n) - 1, name)
    if isinstance(space, gym.spaces.MultiDiscrete):
        return BoundedArraySpec(space.shape, space.dtype, space.start, space.start + space.nvec - 1, name)
    if isinstance(space, gym.spaces.MultiBinary):
        return BoundedArraySpec(space.shape, space.dtype, 0, 1, name)
    raise UserError(
        f"TF-Agents has no specification of {space}: Box, Discrete, MultiDiscrete, MultiBinary, and Dict and Tuple of "
        "these, can be had. A wrapper of Gymnasium's may change it."
    )


def _like(spec: Any, value: Any) -> Any:
    """A value in the types of a specification."""
    if isinstance(spec, dict):
        return {key: _like(part, value[key]) for key, part in spec.items()}
    if isinstance(spec, tuple):
        return tuple(_like(part, each) for part, each in zip(spec, value, strict=True))
    return np.asarray(value, spec.dtype)


def _taken(space: gym.Space[Any], action: Any) -> Any:
    """An action of TF-Agents' as the space has it."""
    if isinstance(space, gym.spaces.Discrete):
        return space.dtype.type(action)
    return action
