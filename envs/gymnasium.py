"""The host engine: any Gymnasium environment, many at once, with the contract checked at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rlgen.errors import EnvironmentFault, UserError

Floats = npt.NDArray[np.float32]
PROBE_STEPS = 32


class Step(NamedTuple):
    """What one step of N environments gave; at an episode's end the two observations differ.

    Attributes:
        reward: float32 [N].
        terminated: bool [N]; the task itself ended.
        truncated: bool [N]; the time ran out.
        final_observation: float32 [N, D], the true successor of the state acted in.
        observation: float32 [N, D], what to act on next: the first of a new episode where one ended.
    """

    reward: Floats
    terminated: npt.NDArray[np.bool_]
    truncated: npt.NDArray[np.bool_]
    final_observation: Floats
    observation: Floats


class HostEnvs:
    """N copies of an environment, stepped together, observations flattened to float32 [N, D].

    An episode that ends is followed by the first observation of the next one in the same step, so every
    step of every copy is a real transition: there is no filler to be stored by mistake.
    """

    def __init__(self, make: Callable[[], gym.Env[Any, Any]], *, num_envs: int, seed: int) -> None:
        self._envs = SyncVectorEnv(
            [lambda: flat(make())] * num_envs, copy=False, autoreset_mode=AutoresetMode.SAME_STEP
        )
        self.num_envs, self.steps = num_envs, 0
        self.reset(seed=seed)

    def reset(self, *, seed: int) -> None:
        """Start new episodes; `observation` is then what to act on first."""
        with _faults_named("reset"):
            observation, _ = self._envs.reset(seed=seed)
        self.observation = _checked(observation, "reset")

    def step(self, actions: npt.NDArray[Any]) -> Step:
        """One step of every copy; `actions` [N] or [N, ...], discrete ones counted from 0.

        Raises:
            EnvironmentFault: it raised, or returned something else than Gymnasium's contract allows.
        """
        self.steps += 1
        where = f"step {self.steps}"
        with _faults_named(where):
            taken = to_space(self._envs.single_action_space, actions)
            observation, reward, terminated, truncated, info = self._envs.step(taken)
        self.observation = final = _checked(observation, where)
        if "final_obs" in info:
            final = final.copy()
            for i in np.flatnonzero(info["_final_obs"]):
                final[i] = info["final_obs"][i]
            _checked(final, where)
        if not np.isfinite(reward).all():
            raise EnvironmentFault(f"The environment returned a reward that is not finite at {where}: {reward}.")
        return Step(reward.astype(np.float32), terminated.copy(), truncated.copy(), final, self.observation)

    def close(self) -> None:
        """Close every copy."""
        self._envs.close()


def flat(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """The environment with its observation flattened to a float vector by Gymnasium's own utilities."""
    space = env.observation_space
    if isinstance(space, gym.spaces.Box) and len(space.shape) == 1:
        return env
    return gym.wrappers.FlattenObservation(env)


def to_space(space: gym.Space[Any], actions: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Actions as an agent thinks of them, [N, ...], as elements of `space`.

    Agents count choices from 0, where a space may start elsewhere. Their numbers may leave the bounds: by a
    rounding error, or because only one side has a bound.
    """
    if isinstance(space, (gym.spaces.Discrete, gym.spaces.MultiDiscrete)):
        return actions + space.start if np.any(space.start) else actions
    if isinstance(space, gym.spaces.Box):
        actions = np.minimum(np.maximum(actions, space.low), space.high)
        whole = np.issubdtype(space.dtype, np.integer)
        return (np.rint(actions) if whole else actions).astype(space.dtype, copy=False)
    return actions


def flat_size(space: gym.Space[Any]) -> int:
    """How many numbers an observation of `space` has when flattened.

    Raises:
        UserError: its size is not fixed (a Sequence or Graph space).
    """
    try:
        return int(gym.spaces.flatdim(space))
    except (ValueError, NotImplementedError):
        raise UserError(
            f"Observations of {space} have no fixed size. Supported: Box, Discrete, MultiDiscrete, MultiBinary, Text, "
            "and Dict, Tuple or OneOf of these; wrap the environment so that it returns one of them."
        ) from None


def flat_batch(space: gym.Space[Any], observation: Any) -> tuple[Floats, bool]:
    """An observation of `space`, or a batch of them, as float32 [N, D]; and whether it was a batch.

    A batch is what a vector environment of Gymnasium returns: arrays with one more axis in front, within
    the dictionaries or tuples of the space.

    Raises:
        UserError: it is neither.
    """
    size = flat_size(space)
    if isinstance(space, gym.spaces.Box):
        # Only the shape counts: users act on lists, and on values outside the bounds.
        array = np.asarray(observation)
        if array.dtype.kind in "biuf" and space.shape in (array.shape, array.shape[1:]):
            return array.reshape(-1, size).astype(np.float32), array.shape != space.shape
    elif space.contains(observation):
        return np.asarray(gym.spaces.flatten(space, observation), np.float32)[None], False
    else:
        try:
            batch = gym.vector.utils.batch_space(space, _batch_length(observation))
            each = gym.vector.utils.iterate(batch, observation)
            rows = [np.asarray(gym.spaces.flatten(space, one), np.float32) for one in each]
            return np.stack(rows).reshape(-1, size), True
        except (TypeError, ValueError, IndexError, KeyError, AttributeError, AssertionError):
            pass  # Whatever Gymnasium stumbled over, it is no batch of this space.
    raise UserError(
        f"An observation of this environment is in {space}; got {_described(observation)}, "
        "neither one nor a batch of them."
    )


def _batch_length(observation: Any) -> int:
    while isinstance(observation, (dict, tuple)):
        observation = next(iter(observation.values())) if isinstance(observation, dict) else observation[0]
    return len(observation)


def _described(observation: Any) -> str:
    shape = getattr(observation, "shape", None)
    return type(observation).__name__ if shape is None else f"an array of shape {shape}"


def probe(make: Callable[[], gym.Env[Any, Any]], *, seed: int) -> None:
    """Step a fresh environment at random for a moment and hold it against Gymnasium's contract.

    Raises:
        EnvironmentFault: it breaks it; the message names the step.
    """
    env = make()
    try:
        with _faults_named("reset"):
            observation = _pair(env.reset(seed=seed))
        _check_observation(env.observation_space, observation, "reset")
        env.action_space.seed(seed)
        for step in range(1, PROBE_STEPS + 1):
            where = f"step {step}"
            with _faults_named(where):
                returned = env.step(env.action_space.sample())
            if not isinstance(returned, tuple) or len(returned) != 5:
                count = len(returned) if isinstance(returned, tuple) else type(returned).__name__
                raise EnvironmentFault(
                    f"At {where} the environment returned {count} values; Gymnasium's step returns five: "
                    "observation, reward, terminated, truncated, info."
                )
            observation, reward, terminated, truncated, _ = returned
            _check_observation(env.observation_space, observation, where)
            _check_scalars(reward, terminated, truncated, where)
            if terminated or truncated:
                with _faults_named("reset"):
                    env.reset()
    finally:
        env.close()


def _pair(returned: Any) -> Any:
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise EnvironmentFault(
            "The environment's reset must return two values, the observation and an info dictionary."
        )
    return returned[0]


def _check_observation(space: gym.Space[Any], observation: Any, where: str) -> None:
    if isinstance(space, gym.spaces.Box):
        array = np.asarray(observation)
        if array.shape != space.shape:
            raise EnvironmentFault(
                f"At {where} the observation has the shape {array.shape}; its space says {space.shape}."
            )
        _checked(array, where)
        return
    if not space.contains(observation):
        raise EnvironmentFault(f"At {where} the observation {observation!r} is not in its space {space}.")


def _check_scalars(reward: Any, terminated: Any, truncated: Any, where: str) -> None:
    try:
        finite = np.isfinite(float(reward))
    except (TypeError, ValueError):
        raise EnvironmentFault(f"At {where} the reward {reward!r} is not a number.") from None
    if not finite:
        raise EnvironmentFault(f"At {where} the reward is {reward}; it must be finite.")
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        if not isinstance(flag, (bool, np.bool_)):
            raise EnvironmentFault(f"At {where} '{name}' is {flag!r}; Gymnasium wants True or False.")


def _checked(observation: Any, where: str) -> Floats:
    array = np.asarray(observation, np.float32)
    if not np.isfinite(array).all():
        raise EnvironmentFault(
            f"The environment returned an observation that is not finite at {where}: {array}. "
            "Mend the environment, or wrap it so that it returns finite numbers."
        )
    return array


@contextmanager
def _faults_named(where: str) -> Iterator[None]:
    """Turn what an environment raises into an `EnvironmentFault` that names the step."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # An environment may raise anything.
        raise EnvironmentFault(f"The environment raised {type(error).__name__} at {where}: {error}") from error
