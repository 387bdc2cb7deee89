"""The host engine: any Gymnasium environment, many at once, with the contract checked at every step.

Whatever comes from an environment is copied at once into an array of rlgen's own: environments may return one array
that they change in place, and infos that nobody could merge.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from rlgen.envs.gymnasium import Array, checked, faults_named, pair, spec_of, to_space
from rlgen.errors import EnvironmentFault, UserError

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


class Step(NamedTuple):
    """What one step of N environments gave; at an episode's end the two observations differ.

    Attributes:
        reward: float32 [N].
        terminated: bool [N]; the task itself ended.
        truncated: bool [N]; the time ran out.
        final_observation: [N, *shape], the true successor of the state acted in.
        observation: [N, *shape], what to act on next: the first of a new episode where one ended.
    """

    reward: Floats
    terminated: Flags
    truncated: Flags
    final_observation: Array
    observation: Array


class Sight:
    """An environment's observations as an agent sees them: pictures as they are, all else flattened by Gymnasium."""

    def __init__(self, space: gym.Space[Any]) -> None:
        self.spec, self._space = spec_of(space), space
        boxes = (gym.spaces.Box, gym.spaces.MultiBinary)
        self._as_it_is = isinstance(space, boxes) and space.shape == self.spec.shape

    def __call__(self, observation: Any) -> Any:
        """One observation, [*shape]; it may still be the environment's own array.

        Raises:
            ValueError: it has another shape than its space says.
        """
        if not self._as_it_is:
            return gym.spaces.flatten(self._space, observation)
        if np.shape(observation) != self.spec.shape:
            raise ValueError(f"the observation has the shape {np.shape(observation)}; its space says {self.spec.shape}")
        return observation

    def empty(self, count: int) -> Array:
        """Room for so many, [count, *shape]."""
        return np.zeros((count, *self.spec.shape), self.spec.dtype)


class HostEnvs(abc.ABC):
    """N copies of an environment, stepped together; every array that they hand out is a new one.

    An episode that ends is followed by the first observation of the next one in the same step, so every
    step of every copy is a real transition: there is no filler to be stored by mistake.

    Attributes:
        num_envs: N.
        observation: what to act on, [N, *shape].
        lost: whether somebody else has used or closed the environments since, so that `reset` has to come next.
    """

    num_envs: int
    observation: Array
    lost: bool = False

    @abc.abstractmethod
    def reset(self, *, seed: int) -> None:
        """Start new episodes, in new environments after `close`; `observation` is then what to act on first.

        Raises:
            EnvironmentFault: an environment raised, or returned something else than Gymnasium's contract allows.
        """

    @abc.abstractmethod
    def step(self, actions: Array) -> Step:
        """One step of every copy; `actions` [N] or [N, ...], discrete ones counted from 0.

        Raises:
            EnvironmentFault: as `reset`; the message has the number of the step.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close every copy; what comes after begins in new ones."""


class SideBySide(HostEnvs):
    """Environments stepped one after another."""

    def __init__(self, make: Callable[[], gym.Env[Any, Any]], *, num_envs: int, seed: int) -> None:
        """Start the first episodes of so many environments that `make` makes."""
        self._make, self.num_envs, self._envs, self._steps = make, num_envs, list[gym.Env[Any, Any]](), 0
        self.reset(seed=seed)

    def reset(self, *, seed: int) -> None:
        """As the base says; the i-th environment gets the seed + i."""
        if not self._envs:
            self._envs = [self._make() for _ in range(self.num_envs)]
            self._sight, self._space = Sight(self._envs[0].observation_space), self._envs[0].action_space
        self.observation, self.lost = self._sight.empty(self.num_envs), False
        with faults_named("reset"):
            for i, env in enumerate(self._envs):
                self.observation[i] = self._sight(pair(env.reset(seed=seed + i)))
        checked(self.observation, "reset")

    def step(self, actions: Array) -> Step:
        """As the base says."""
        self._steps += 1
        where = f"step {self._steps}"
        final, reward, terminated, truncated = stepped(self._envs, to_space(self._space, actions), self._sight, where)
        done = terminated | truncated
        self.observation = final
        if done.any():
            self.observation = final.copy()
            with faults_named(where):
                for ended in np.flatnonzero(done):
                    self.observation[ended] = self._sight(pair(self._envs[ended].reset()))
            checked(self.observation, where)
        return Step(reward, terminated, truncated, final, self.observation)

    def close(self) -> None:
        """As the base says."""
        while self._envs:
            self._envs.pop().close()
        self.lost = True


class OfVector(HostEnvs):
    """A vector environment of Gymnasium's, for those that step many at once faster than one after another."""

    def __init__(self, make: Callable[[], gym.vector.VectorEnv[Any, Any, Any]], *, seed: int) -> None:
        """Start the first episodes.

        Args:
            make: makes a vector environment whose observations are arrays.
            seed: of the first episodes.

        Raises:
            UserError: the vector environment resets in the step after an episode's end.
        """
        self._make, self._envs, self._steps = make, make(), 0
        mode = self._envs.metadata.get("autoreset_mode", AutoresetMode.SAME_STEP)
        if mode != AutoresetMode.SAME_STEP:
            raise UserError(
                f"The vector environment {type(self._envs).__name__} resets by {mode}; rlgen wants the step in which "
                "an episode ends to begin the next one: make it with autoreset_mode=AutoresetMode.SAME_STEP."
            )
        self.num_envs, self._closed = self._envs.num_envs, False
        self._dtype = spec_of(self._envs.single_observation_space).dtype
        self.reset(seed=seed)

    def reset(self, *, seed: int) -> None:
        """As the base says."""
        if self._closed:
            self._envs, self._closed = self._make(), False
        with faults_named("reset"):
            observation = pair(self._envs.reset(seed=seed))
        self.observation, self.lost = self._taken(observation, "reset"), False

    def step(self, actions: Array) -> Step:
        """As the base says."""
        self._steps += 1
        where = f"step {self._steps}"
        with faults_named(where):
            taken = to_space(self._envs.single_action_space, actions)
            observation, reward, terminated, truncated, info = self._envs.step(taken)
        self.observation = final = self._taken(observation, where)
        if "final_obs" in info:
            final = final.copy()
            for i in np.flatnonzero(info["_final_obs"]):
                final[i] = self._taken(info["final_obs"][i], where)
        return Step(finite(reward, where), terminated.copy(), truncated.copy(), final, self.observation)

    def close(self) -> None:
        """As the base says."""
        self._envs.close()
        self._closed = self.lost = True

    def _taken(self, observation: Any, where: str) -> Array:
        return checked(np.array(observation, self._dtype), where)


class Judging:
    """Environments to be judged in, of which those whose episodes are over rest."""

    def __init__(self, envs: Sequence[gym.Env[Any, Any]]) -> None:
        """Take environments whose episodes have not begun."""
        self._envs, self.num_envs, self._steps = envs, len(envs), 0
        self._sight, self._space = Sight(envs[0].observation_space), envs[0].action_space

    def reset(self, i: int, *, seed: int) -> Array:
        """Begin an episode of the i-th; the first observation, [*shape].

        Raises:
            EnvironmentFault: it raised, or returned something else than Gymnasium's contract allows.
        """
        with faults_named("reset"):
            seen = np.array(self._sight(pair(self._envs[i].reset(seed=seed))), self._sight.spec.dtype)
        return checked(seen, "reset")

    def step(self, which: Sequence[int], actions: Array) -> tuple[Array, Floats, Flags, Flags]:
        """One step of K of them: observation [K, *shape], reward, terminated and truncated [K].

        Args:
            which: the environments.
            actions: [K, ...], discrete ones counted from 0.

        Raises:
            EnvironmentFault: as `reset`.
        """
        self._steps += 1
        envs = [self._envs[i] for i in which]
        return stepped(envs, to_space(self._space, actions), self._sight, f"step {self._steps}")


def stepped(
    envs: Sequence[gym.Env[Any, Any]], actions: Array, sight: Sight, where: str
) -> tuple[Array, Floats, Flags, Flags]:
    """One step of each environment: observation [N, *shape], reward, terminated and truncated [N], in new arrays.

    Raises:
        EnvironmentFault: one raised, or returned something else than Gymnasium's contract allows.
    """
    count = len(envs)
    observations, rewards = sight.empty(count), np.zeros(count)
    terminated, truncated = np.zeros(count, bool), np.zeros(count, bool)
    with faults_named(where):
        for i, (env, action) in enumerate(zip(envs, actions, strict=True)):
            observation, rewards[i], terminated[i], truncated[i], _ = env.step(action)
            observations[i] = sight(observation)
    return checked(observations, where), finite(rewards, where), terminated, truncated


def finite(reward: Any, where: str) -> Floats:
    """Rewards as float32 [N].

    Raises:
        EnvironmentFault: one is not finite.
    """
    if not np.isfinite(reward).all():
        raise EnvironmentFault(f"The environment returned a reward that is not finite at {where}: {reward}.")
    return np.asarray(reward, np.float32)
