"""Gymnasium's contract: what an environment is held to, at every step and before the first.

Whatever an environment does wrong is named with its step. What is wrong but harmless, an observation outside its
bounds or a `close` that raises, is said once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlgen import runtime, watchdog
from rlgen.envs.gymnasium import Array, closest, component, spec_of
from rlgen.errors import EnvironmentFault
from rlgen.watchdog import Broken

T = TypeVar("T")
# Types that need no closer look; looking closer costs more than a step of a small environment.
NUMBERS = frozenset((float, int, np.float64, np.float32))
FLAGS = frozenset((bool, np.bool_))
SMALL = 65_536  # Numbers.


class Contract:
    """What one run's environments are held to, and what has been said of them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """The next run is another one: say again what is said once."""
        self._bounds_told = self._close_told = False
        watchdog.dog.watch(self, watchdog.dog.patience)

    def call(self, where: str, function: Callable[..., T], *arguments: Any) -> T:
        """`function(call, *arguments)`, which calls into environments and may count them in `call.at`.

        Raises:
            EnvironmentFault: one raised, wanted to leave the program, broke a promise or does not return.
        """
        return watchdog.watched(where, watchdog.dog.patience, function, *arguments)

    def close(self, env: Any) -> None:
        """Close an environment; what it has done stands, so that it fails in this is no reason to."""
        try:
            self.call("close", lambda _: env.close())
        except EnvironmentFault as fault:
            if not self._close_told:
                runtime.tell(f"{str(fault).rstrip('.')}. What was done in it before stands.")
            self._close_told = True

    def checked(self, seen: Array, sight: Sight, where: str) -> Array:
        """Observations [N, *shape] as they are; the first that leaves its bounds is told.

        Raises:
            EnvironmentFault: they are not finite.
        """
        if sight.bounds is not None and not self._bounds_told:
            low, high = sight.limits(len(seen))
            inside = (seen >= low) & (seen <= high)  # What is not finite is outside of any.
        elif seen.dtype.kind == "f":
            inside = np.isfinite(seen)
        else:
            return seen
        if np.count_nonzero(inside) != inside.size:  # Far sooner than `all` with few numbers.
            self._outside(seen, inside, sight, where)
        return seen

    def _outside(self, seen: Array, inside: npt.NDArray[np.bool_], sight: Sight, where: str) -> None:
        if not np.isfinite(seen).all():
            raise EnvironmentFault(
                f"The environment returned an observation that is not finite at {where}: {seen}. "
                "Mend the environment, or wrap it so that it returns finite numbers."
            )
        assert sight.bounds is not None
        place = tuple(np.argwhere(~inside)[0])
        number, (low, high) = seen[place], (bound[place[1:]] for bound in sight.bounds)
        runtime.tell(
            f"At {where} the observation is outside its space: {sight.component(place[1:])} is {number:g}, and its "
            f"bounds are {low:g} and {high:g}. Agents see it as it is; this is said once."
        )
        self._bounds_told = True


class Sight:
    """An environment's observations as an agent sees them: pictures as they are, all else flattened by Gymnasium.

    Attributes:
        spec: shape and type.
        shape: of an observation as the environment gives it, where it is an array.
        bounds: the lowest and highest numbers, [*shape] each; None where every number of the type is one.
    """

    def __init__(self, space: gym.Space[Any]) -> None:
        self.spec, self._space = spec_of(space), space
        self._array = isinstance(space, (gym.spaces.Box, gym.spaces.MultiBinary))
        self.shape = (space.shape or ()) if self._array else self.spec.shape
        self._choice = not isinstance(space, (gym.spaces.Box, gym.spaces.Dict, gym.spaces.Tuple, gym.spaces.OneOf))
        self.bounds = _bounds(space, self.spec.shape, np.dtype(self.spec.dtype))
        self._limits = (np.zeros(0), np.zeros(0))

    def __call__(self, observation: Any) -> Any:
        """One observation, [*shape]; it may still be the environment's own array.

        Raises:
            Broken: it has another shape than its space says, or is none of its choices.
        """
        if not self._array:
            if self._choice and not self._space.contains(observation):
                raise _not_in(self._space, observation)
            return gym.spaces.flatten(self._space, observation)
        if np.shape(observation) != self.shape:
            raise _another_shape(observation, self.shape)
        return observation if self.shape == self.spec.shape else np.reshape(observation, self.spec.shape)

    def closely(self, observation: Any) -> Any:
        """As a call, after a closer look, which takes longer.

        Raises:
            Broken: as a call; or some part of it is none of its space.
        """
        if isinstance(self._space, gym.spaces.Box):
            if np.shape(observation) != self._space.shape:
                raise _another_shape(observation, self._space.shape)
        elif not _is_near(self._space, observation):
            raise _not_in(self._space, observation)
        return self(observation)

    def empty(self, count: int) -> Array:
        """Room for so many, [count, *shape]."""
        return np.zeros((count, *self.spec.shape), self.spec.dtype)

    def limits(self, count: int) -> tuple[Array, Array]:
        """The bounds of so many observations, [count, *shape] each; there have to be some."""
        if len(self._limits[0]) != count:
            assert self.bounds is not None
            low, high = (np.broadcast_to(bound, (count, *bound.shape)) for bound in self.bounds)
            # To compare arrays of one shape takes a third of the time; with large ones it makes no difference.
            self._limits = (low.copy(), high.copy()) if low.size <= SMALL else (low, high)
        return self._limits

    def component(self, place: tuple[int, ...]) -> str:
        """What one number of an observation is called, in the space's own terms."""
        name = component(self._space, int(np.ravel_multi_index(place, self.spec.shape)) if place else 0)
        return f"its component {name}" if name else "it"


def _bounds(space: gym.Space[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array] | None:
    if dtype == np.bool_ or isinstance(space, gym.spaces.OneOf):  # Which one it is decides what its numbers mean.
        return None
    box = gym.spaces.flatten_space(space)
    assert isinstance(box, gym.spaces.Box), "spaces without a fixed size are refused"
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    lowest, highest = limits.min, limits.max
    low, high = (np.clip(bound, lowest, highest).astype(dtype).reshape(shape) for bound in (box.low, box.high))
    return None if (low == lowest).all() and (high == highest).all() else (low, high)


def _is_near(space: gym.Space[Any], observation: Any) -> bool:
    """Whether it is in the space, but for bounds and types of numbers."""
    try:
        return space.contains(closest(space, observation))
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        return False


def _another_shape(observation: Any, shape: tuple[int, ...]) -> Broken:
    return Broken(f"the observation has the shape {np.shape(observation)}; its space says {shape}.")


def _not_in(space: gym.Space[Any], observation: Any) -> Broken:
    return Broken(f"the observation {observation!r} is not in its space {space}.")


def pair(returned: Any) -> Any:
    """The observation of what an environment's reset returned.

    Raises:
        EnvironmentFault: it is no pair.
    """
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise EnvironmentFault(
            "The environment's reset must return two values, the observation and an info dictionary."
        )
    return returned[0]


def five(returned: Any) -> None:
    """Check what a step returned.

    Raises:
        Broken: it is something else than five values.
    """
    if isinstance(returned, tuple) and len(returned) == 5:
        return
    count = f"{len(returned)} values" if isinstance(returned, tuple) else f"a {type(returned).__name__}"
    raise Broken(
        f"the environment returned {count}; Gymnasium's step returns five: "
        "observation, reward, terminated, truncated, info."
    )


def number(reward: Any) -> float:
    """A reward of any type that is one number.

    Raises:
        Broken: it is none.
    """
    try:
        array = np.asarray(reward)
        # NumPy would read a number out of a text, and take the only one of an array.
        if array.size == 1 and (
            array.dtype.kind in "biuf" or (array.dtype.kind == "O" and hasattr(reward, "__float__"))
        ):
            return float(array.reshape(()))
    except (TypeError, ValueError):
        pass
    raise Broken(f"the reward {reward!r} is not a number; Gymnasium wants one, such as 1.0.")


def flag(name: str, value: Any) -> bool:
    """Whether an episode ended, of any type that is true or false.

    Raises:
        Broken: it is neither; NumPy would take the text 'no' for true.
    """
    array = np.asarray(value)
    if array.dtype == np.bool_ and array.size == 1:
        return bool(array.reshape(()))
    raise Broken(f"'{name}' is {value!r}; Gymnasium wants True or False.")


def finite(rewards: npt.NDArray[Any], where: str) -> npt.NDArray[np.float32]:
    """Rewards as float32 [N].

    Raises:
        EnvironmentFault: one is not finite.
    """
    if np.count_nonzero(np.isfinite(rewards)) != rewards.size:
        raise EnvironmentFault(f"At {where} the reward is {_first_wrong(rewards)}; it must be finite.")
    return np.asarray(rewards, np.float32)


def _first_wrong(rewards: Any) -> Any:
    return rewards[~np.isfinite(rewards)][0]
