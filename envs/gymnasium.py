"""Gymnasium's spaces as agents see them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from rlgen.errors import UserError
from rlgen.spec import Spec

Array = npt.NDArray[Any]


def spec_of(space: gym.Space[Any]) -> Spec:
    """What an agent sees of `space`: pictures as they are, everything else as a vector of numbers.

    A picture is a `Box` of three axes of bytes, or of planes that are true or false; or of two axes of bytes from 0 to
    255, more than a row of them, which get a third: the one channel of a grey picture.

    Raises:
        UserError: its size is not fixed (a Sequence or Graph space).
    """
    if isinstance(space, gym.spaces.Box) and len(space.shape) == 3 and space.dtype in (np.uint8, np.bool_):
        return Spec(space.shape, str(space.dtype))
    if isinstance(space, gym.spaces.MultiBinary) and len(space.shape) == 3:
        return Spec(space.shape, "bool")
    if is_grey_picture(space):
        return Spec((*(space.shape or ()), 1), "uint8")
    try:
        return Spec((int(gym.spaces.flatdim(space)),))
    except (ValueError, NotImplementedError):
        raise UserError(
            f"Observations of {space} have no fixed size. Supported: Box, Discrete, MultiDiscrete, MultiBinary, Text, "
            "and Dict, Tuple or OneOf of these; wrap the environment so that it returns one of them."
        ) from None


def is_grey_picture(space: gym.Space[Any]) -> bool:
    """Whether it is a picture without an axis of channels; a board of small numbers has other bounds."""
    if not isinstance(space, gym.spaces.Box) or len(space.shape) != 2 or space.dtype != np.uint8:
        return False
    return min(space.shape) > 1 and bool((space.low == 0).all() and (space.high == 255).all())


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


def middle_and_half(low: Array, high: Array) -> tuple[Array, Array]:
    """The middle of bounds and half their distance, float32: with numbers in [-1, 1] all between them is reached.

    Each bound is halved before they meet: spaces without real bounds often have the largest float for one.
    """
    largest = float(np.finfo(np.float32).max)
    low, high = (np.clip(bound.astype(np.float64), -largest, largest) / 2 for bound in (low, high))
    return (high + low).astype(np.float32), (high - low).astype(np.float32)


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
        one = closest(space, observation)
        if space.contains(one):
            return _row(space, one, spec)[None], False
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        pass
    try:
        batch = gym.vector.utils.batch_space(space, _batch_length(observation))
        each = [closest(space, one) for one in gym.vector.utils.iterate(batch, observation)]
        if all(space.contains(one) for one in each):
            return np.stack([_row(space, one, spec) for one in each]), True
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, AssertionError):
        pass  # Whatever Gymnasium stumbled over, it is no batch of this space.
    raise _no_observation(space, observation)


def _row(space: gym.Space[Any], observation: Any, spec: Spec) -> Array:
    return np.asarray(gym.spaces.flatten(space, observation)).reshape(spec.shape).astype(spec.dtype)


def closest(space: gym.Space[Any], observation: Any) -> Any:
    """`observation` with its arrays of the space's types and within its bounds, where their shapes fit."""
    if isinstance(space, gym.spaces.Dict):
        return {key: closest(part, observation[key]) for key, part in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(closest(part, one) for part, one in zip(space.spaces, observation, strict=True))
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


def component(space: gym.Space[Any], place: int) -> str:
    """What the number at `place` of a flattened observation is called: `['force'][2]` of a dictionary's box."""
    if isinstance(space, (gym.spaces.Dict, gym.spaces.Tuple)):
        parts = space.spaces.items() if isinstance(space, gym.spaces.Dict) else enumerate(space.spaces)
        for key, part in parts:
            size = int(gym.spaces.flatdim(part))
            if place < size:
                return f"[{key!r}]{component(part, place)}"
            place -= size
    shape = space.shape if isinstance(space, gym.spaces.Box) else (place + 1,)
    return str([int(i) for i in np.unravel_index(place, shape)]) if shape else ""
