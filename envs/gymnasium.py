"""The host engine: any Gymnasium environment, many at once, with the contract checked at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, SupportsFloat

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from rlgen.errors import EnvironmentFault, UserError
from rlgen.spec import Spec

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[Any]
PROBE_STEPS = 32


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
    terminated: npt.NDArray[np.bool_]
    truncated: npt.NDArray[np.bool_]
    final_observation: Array
    observation: Array


class HostEnvs:
    """N copies of an environment, stepped together; pictures keep their shape and type, all else is a float vector.

    An episode that ends is followed by the first observation of the next one in the same step, so every
    step of every copy is a real transition: there is no filler to be stored by mistake.

    Attributes:
        observation: what to act on, [N, *shape].
        lost: whether somebody else has used the environments since, so that `reset` has to come next.
    """

    def __init__(self, envs: gym.vector.VectorEnv[Any, Any, Any], *, seed: int) -> None:
        """Start the first episodes.

        Args:
            envs: a vector environment whose observations are arrays.
            seed: of the first episodes.

        Raises:
            UserError: the vector environment resets in the step after an episode's end.
        """
        mode = envs.metadata.get("autoreset_mode", AutoresetMode.SAME_STEP)
        if mode != AutoresetMode.SAME_STEP:
            raise UserError(
                f"The vector environment {type(envs).__name__} resets by {mode}; rlgen wants the step in which an "
                "episode ends to begin the next one: make it with autoreset_mode=AutoresetMode.SAME_STEP."
            )
        self._envs, self.num_envs, self.steps, self.lost = envs, envs.num_envs, 0, False
        self._dtype = spec_of(envs.single_observation_space).dtype
        self.reset(seed=seed)

    def reset(self, *, seed: int) -> None:
        """Start new episodes; `observation` is then what to act on first."""
        with _faults_named("reset"):
            observation, _ = self._envs.reset(seed=seed)
        self.observation, self.lost = self._taken(observation, "reset"), False

    def step(self, actions: Array) -> Step:
        """One step of every copy; `actions` [N] or [N, ...], discrete ones counted from 0.

        Raises:
            EnvironmentFault: it raised, or returned something else than Gymnasium's contract allows.
        """
        self.steps += 1
        where = f"step {self.steps}"
        with _faults_named(where):
            taken = to_space(self._envs.single_action_space, actions)
            observation, reward, terminated, truncated, info = self._envs.step(taken)
        self.observation = final = self._taken(observation, where)
        if "final_obs" in info:
            final = final.copy()
            for i in np.flatnonzero(info["_final_obs"]):
                final[i] = self._taken(info["final_obs"][i], where)
        if not np.isfinite(reward).all():
            raise EnvironmentFault(f"The environment returned a reward that is not finite at {where}: {reward}.")
        return Step(reward.astype(np.float32), terminated.copy(), truncated.copy(), final, self.observation)

    def close(self) -> None:
        """Close every copy."""
        self._envs.close()

    def _taken(self, observation: Any, where: str) -> Array:
        return _checked(np.asarray(observation, self._dtype), where)


class Plain(gym.Wrapper[Any, Any, Any, Any]):
    """An environment whose observations are arrays of their own and whose infos are empty.

    What is no picture is flattened, by Gymnasium's own utilities. A copy is made because an environment may change
    its array in place; infos are dropped because vector environments merge them, and stumble over what cannot be.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        spec, space = spec_of(env.observation_space), env.observation_space
        self._array = isinstance(space, (gym.spaces.Box, gym.spaces.MultiBinary)) and space.shape == spec.shape
        self._space = space
        if not self._array:
            self.observation_space = gym.spaces.flatten_space(space)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The environment's own."""
        observation, _ = self.env.reset(seed=seed, options=options)
        return self._own(observation), {}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """The environment's own."""
        observation, reward, terminated, truncated, _ = self.env.step(action)
        return self._own(observation), reward, terminated, truncated, {}

    def _own(self, observation: Any) -> Any:
        return np.array(observation) if self._array else gym.spaces.flatten(self._space, observation)


def spec_of(space: gym.Space[Any]) -> Spec:
    """What an agent sees of `space`: pictures as they are, everything else as a vector of numbers.

    A picture is a `Box` of three axes of bytes, or of planes that are true or false.

    Raises:
        UserError: its size is not fixed (a Sequence or Graph space).
    """
    if isinstance(space, gym.spaces.Box) and len(space.shape) == 3 and space.dtype in (np.uint8, np.bool_):
        return Spec(space.shape, str(space.dtype))
    if isinstance(space, gym.spaces.MultiBinary) and len(space.shape) == 3:
        return Spec(space.shape, "bool")
    try:
        return Spec((int(gym.spaces.flatdim(space)),))
    except (ValueError, NotImplementedError):
        raise UserError(
            f"Observations of {space} have no fixed size. Supported: Box, Discrete, MultiDiscrete, MultiBinary, Text, "
            "and Dict, Tuple or OneOf of these; wrap the environment so that it returns one of them."
        ) from None


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


def as_batch(space: gym.Space[Any], observation: Any) -> tuple[Array, bool]:
    """An observation of `space`, or a batch of them, as an agent sees them, [N, *shape]; and whether it was a batch.

    A batch is what a vector environment of Gymnasium returns: arrays with one more axis in front, within
    the dictionaries or tuples of the space. Shapes decide, not types or bounds: users act on lists, and on values
    outside the bounds.

    Raises:
        UserError: it is neither.
    """
    spec = spec_of(space)
    if isinstance(space, gym.spaces.Box):
        array = np.asarray(observation)
        if array.dtype.kind in "biuf" and space.shape in (array.shape, array.shape[1:]):
            return array.reshape(-1, *spec.shape).astype(spec.dtype), array.shape != space.shape
        raise _no_observation(space, observation)
    try:
        one = _cast(space, observation)
        if space.contains(one):
            return _row(space, one, spec)[None], False
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        pass
    try:
        batch = gym.vector.utils.batch_space(space, _batch_length(observation))
        each = [_cast(space, one) for one in gym.vector.utils.iterate(batch, observation)]
        if all(space.contains(one) for one in each):
            return np.stack([_row(space, one, spec) for one in each]), True
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, AssertionError):
        pass  # Whatever Gymnasium stumbled over, it is no batch of this space.
    raise _no_observation(space, observation)


def _row(space: gym.Space[Any], observation: Any, spec: Spec) -> Array:
    return np.asarray(gym.spaces.flatten(space, observation)).reshape(spec.shape).astype(spec.dtype)


def _cast(space: gym.Space[Any], observation: Any) -> Any:
    """`observation` with its arrays of the space's types and within its bounds, where their shapes fit."""
    if isinstance(space, gym.spaces.Dict):
        return {key: _cast(part, observation[key]) for key, part in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(_cast(part, one) for part, one in zip(space.spaces, observation, strict=True))
    if isinstance(space, gym.spaces.Box):
        array = np.asarray(observation)
        if array.shape != space.shape or array.dtype.kind not in "biuf":
            raise ValueError
        return np.clip(array, space.low, space.high).astype(space.dtype)
    return observation


def _no_observation(space: gym.Space[Any], observation: Any) -> UserError:
    return UserError(
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


def _checked(array: Array, where: str) -> Array:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
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
