"""Gymnasium's spaces as agents see them: flat observations of every space."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from rlgen.envs.gymnasium import as_batch, middle_and_half, spec_of, to_space
from rlgen.errors import UserError

SPACES = [
    (spaces.Box(-1, 1, (3,), np.float32), 3),
    (spaces.Box(-1, 1, (2, 2), np.float64), 4),
    (spaces.Box(0, 255, (4, 4, 3), np.uint8), 48),
    (spaces.Discrete(5), 5),
    (spaces.MultiDiscrete([2, 3]), 5),
    (spaces.MultiBinary(4), 4),
    (spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Box(-1, 1, (2,), np.float32)}), 4),
    (spaces.Tuple((spaces.Discrete(3), spaces.MultiBinary(2))), 5),
]


@pytest.mark.parametrize(("space", "size"), SPACES, ids=lambda value: str(value)[:20])
def test_one_observation_or_a_batch_is_flattened_as_gymnasium_does(space: spaces.Space, size: int) -> None:
    assert spec_of(space).size == size
    space.seed(0)
    samples = [space.sample() for _ in range(3)]
    shape = spec_of(space).shape
    expected = np.stack([spaces.flatten(space, sample).reshape(shape) for sample in samples])
    for sample, row in zip(samples, expected, strict=True):
        flattened, batched = as_batch(space, sample)
        assert not batched
        np.testing.assert_allclose(flattened, row[None], rtol=1e-6)
    batch = gym.vector.utils.concatenate(space, samples, gym.vector.utils.create_empty_array(space, 3))
    flattened, batched = as_batch(space, batch)
    assert batched
    assert flattened.dtype == spec_of(space).dtype
    np.testing.assert_allclose(flattened, expected, rtol=1e-6)


@pytest.mark.parametrize("observation", [np.zeros(7), "up", None, {"a": 1}])
def test_what_is_no_observation_is_refused(observation: Any) -> None:
    with pytest.raises(UserError, match="neither one nor a batch"):
        as_batch(spaces.Box(-1, 1, (3,), np.float32), observation)


def test_a_space_without_a_fixed_size_is_refused() -> None:
    with pytest.raises(UserError, match="no fixed size"):
        spec_of(spaces.Sequence(spaces.Discrete(2)))


@pytest.mark.parametrize(
    ("space", "thought", "taken"),
    [
        (spaces.Discrete(3), [0, 2], [0, 2]),
        (spaces.Discrete(3, start=-1), [0, 2], [-1, 1]),
        (spaces.MultiDiscrete([2, 3], start=[1, -1]), [[0, 0], [1, 2]], [[1, -1], [2, 1]]),
        (spaces.Box(-0.1, 0.7, (1,), np.float64), np.float32([[-0.1], [0.7]]), [[-0.1], [0.7]]),
        (spaces.Box(0, np.inf, (1,), np.float32), np.float32([[-1], [9]]), [[0], [9]]),
        (spaces.Box(0, 9, (1,), np.uint8), np.float32([[9.2], [3.6]]), [[9], [4]]),
        (spaces.Box(-1, 1, (), np.float32), np.float32([-2, 0.5]), [-1, 0.5]),
    ],
    ids=str,
)
def test_actions_become_elements_of_the_space(space: spaces.Space, thought: Any, taken: Any) -> None:
    actions = to_space(space, np.asarray(thought))
    assert all(space.contains(np.asarray(action, space.dtype)) for action in actions)
    np.testing.assert_allclose(actions, taken, rtol=1e-6)
    assert actions.dtype == (space.dtype if isinstance(space, spaces.Box) else np.int64)


def test_shapes_tell_one_from_a_batch() -> None:
    space = spaces.Dict({"a": spaces.Box(-1, 1, (2,), np.float32), "b": spaces.Box(-1, 1, (2,), np.float32)})
    one, batched = as_batch(space, {"a": [0.1, 0.2], "b": [0.3, 0.4]})
    assert not batched
    np.testing.assert_allclose(one, [[0.1, 0.2, 0.3, 0.4]], rtol=1e-6)
    two, batched = as_batch(space, {"a": np.float64([[0.1, 0.2], [1, 1]]), "b": np.float64([[0.3, 0.4], [1.0001, 1]])})
    assert batched
    np.testing.assert_allclose(two, [[0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (spaces.Box(0, 255, (8, 9, 3), np.uint8), "uint8 [8, 9, 3]"),
        (spaces.Box(0, 1, (8, 9, 3), np.bool_), "bool [8, 9, 3]"),
        (spaces.MultiBinary((8, 9, 3)), "bool [8, 9, 3]"),
        (spaces.Box(0, 1, (8, 9, 3), np.float32), "float32 [216]"),
        (spaces.Box(0, 255, (8, 9), np.uint8), "uint8 [8, 9, 1]"),
        (spaces.Box(0, 255, (8, 9), np.float32), "float32 [72]"),
        (spaces.Box(0, 255, (1, 128), np.uint8), "float32 [128]"),  # The memory of a console.
        (spaces.Box(0, 2, (3, 3), np.uint8), "float32 [9]"),  # A board.
    ],
)
def test_pictures_stay_pictures(space: spaces.Space, said: str) -> None:
    assert str(spec_of(space)) == said


@pytest.mark.parametrize(
    ("low", "high"), [(-2.0, 6.0), (-3.4028235e38, 3.4028235e38), (-1.7e308, 1.7e308), (0.0, 3.4028235e38)]
)
def test_bounds_as_large_as_floats_get_are_reached_and_nothing_overflows(low: float, high: float) -> None:
    largest = float(np.finfo(np.float32).max)
    with np.errstate(all="raise"):
        middle, half = middle_and_half(np.array([low]), np.array([high]))
        reached = [float((middle + half * np.float32(unit))[0]) for unit in (-1, 0, 1)]
    wanted = [max(low, -largest), np.clip(low, -largest, largest) / 2 + np.clip(high, -largest, largest) / 2]
    np.testing.assert_allclose(reached, [*wanted, min(high, largest)], rtol=1e-6)


def test_a_grey_picture_gets_an_axis_of_channels() -> None:
    grey, picture = spaces.Box(0, 255, (84, 80), np.uint8), np.arange(84 * 80, dtype=np.uint8).reshape(84, 80)
    one, batched = as_batch(grey, picture)
    np.testing.assert_array_equal(one, picture[None, ..., None])
    assert not batched
    many, batched = as_batch(grey, np.stack([picture, picture]))
    assert batched and many.shape == (2, 84, 80, 1)
