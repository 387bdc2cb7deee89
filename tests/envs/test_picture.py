"""The wrapper `picture`: size, brightness, the order of the axes; and what it is not for."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from any_spaces import AnySpaces
from gymnasium import spaces

from rlgen.config import parse_overrides
from rlgen.envs.picture import in_grey, read_size, resized
from rlgen.errors import UserError
from rlgen.sources import wrapper


def drawn(*shape: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def wrapped(text: str, space: spaces.Space[Any]) -> gym.Env[Any, Any]:
    return wrapper(text).on_host(AnySpaces(space, spaces.Discrete(2)), None)


def shown(text: str, picture: npt.NDArray[Any], space: spaces.Space[Any] | None = None) -> npt.NDArray[Any]:
    """What becomes of one observation; it has to lie in the space that the wrapper says."""
    env = wrapped(text, space or spaces.Box(0, 255, picture.shape, np.uint8))
    seen = env.observation(picture)  # type: ignore[attr-defined]
    assert env.observation_space.contains(seen)
    return seen


def by_area(picture: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.float64]:
    """Each new pixel as the mean of the area that it covers, with the shares of those at its edges."""

    def shares(old: int, new: int) -> npt.NDArray[np.float64]:
        edges = np.arange(new + 1) * old / new
        low, high = edges[:-1, None], edges[1:, None]
        pixels = np.arange(old)
        return np.clip(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0, None) * new / old

    rows, columns = shares(picture.shape[0], height), shares(picture.shape[1], width)
    return np.einsum("ih,jw,hwc->ijc", rows, columns, picture.astype(np.float64))


@pytest.mark.parametrize("channels", [1, 3, 4, 7])
@pytest.mark.parametrize("size", [(5, 5), (4, 7), (10, 14)], ids=str)
def test_pixels_are_means_of_areas(channels: int, size: tuple[int, int]) -> None:
    picture = drawn(10, 14, channels)
    made = resized(picture, size)
    assert made.dtype == np.uint8 and made.shape == (*size, channels)
    np.testing.assert_allclose(made, by_area(picture, *size), atol=0.51)


@pytest.mark.parametrize("channels", [3, 4])
def test_brightness_is_weighed_as_the_eye_does(channels: int) -> None:
    picture = drawn(9, 8, channels)
    expected = picture[..., :3] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(in_grey(picture)[..., 0], expected, atol=0.51)
    alone = picture[..., :1]
    np.testing.assert_array_equal(in_grey(alone), alone)


def test_sizes() -> None:
    assert read_size("84") == (84, 84) and read_size("84x96") == (84, 96)
    for text in ("", "0", "84x", "x84", "-3", "8.5", "84X96", "99999", "big"):
        with pytest.raises(UserError, match=f"picture:{text} is no size.*picture:84x96"):
            read_size(text)


def test_all_of_it_at_once_is_one_after_another() -> None:
    first, last = drawn(3, 20, 30), drawn(3, 20, 30).transpose(1, 2, 0)
    np.testing.assert_array_equal(shown("picture?channels=first", first), last)
    np.testing.assert_array_equal(shown("picture:8x9", last), resized(last, (8, 9)))
    np.testing.assert_array_equal(shown("picture?grey=true", last), in_grey(last))
    both = shown("picture:8x9?grey=true&channels=first", first)
    np.testing.assert_array_equal(both, resized(in_grey(np.ascontiguousarray(last)), (8, 9)))
    assert both.shape == (8, 9, 1)
    np.testing.assert_array_equal(shown("picture", last), last)


def test_a_grey_picture_of_two_axes() -> None:
    picture = drawn(6, 8)
    for text in ("picture", "picture?grey=true", "picture?channels=first"):
        np.testing.assert_array_equal(shown(text, picture), picture[..., None])
    np.testing.assert_array_equal(shown("picture:3x4", picture), resized(picture[..., None], (3, 4)))


@pytest.mark.parametrize("kind", [spaces.MultiBinary, lambda shape: spaces.Box(0, 1, shape, np.bool_)])
def test_planes_are_turned_round_and_nothing_else(kind: Any) -> None:
    space, planes = kind((4, 10, 9)), drawn(4, 10, 9) > 127
    seen = shown("picture?channels=first", planes, space)
    np.testing.assert_array_equal(seen, planes.transpose(1, 2, 0))
    for text in ("picture:5?channels=first", "picture?grey=true&channels=first"):
        with pytest.raises(UserError, match="neither a mean nor a brightness: leave size and grey out"):
            wrapped(text, space)


def test_frames_are_stacked_around_it() -> None:
    texts = parse_overrides(["wrappers=picture:4?grey=true,frame_stack:3"])["wrappers"].split(",")
    env = AnySpaces(spaces.Box(0, 255, (8, 8, 3), np.uint8), spaces.Discrete(2))
    frames = [np.array(env.reset(seed=3)[0]), np.array(env.step(0)[0])]
    for text in texts:
        env = wrapper(text).on_host(env, None)
    one, two = (resized(in_grey(frame), (4, 4)) for frame in frames)
    np.testing.assert_array_equal(env.reset(seed=3)[0], np.concatenate([one, one, one], -1))
    np.testing.assert_array_equal(env.step(0)[0], np.concatenate([one, one, two], -1))


@pytest.mark.parametrize(
    ("text", "space", "words"),
    [
        ("picture", spaces.Box(-1, 1, (3,), np.float32), "three axes of bytes, and observations of Box"),
        ("picture", spaces.Dict({"camera": spaces.Box(0, 255, (8, 8, 3), np.uint8)}), "observations of Dict"),
        ("picture?grey=true", spaces.Box(0, 255, (8, 8, 12), np.uint8), "has 12.*put frame_stack behind picture"),
        ("picture?grey=true", spaces.Box(0, 255, (3, 8, 8), np.uint8), "has 8.*channels=first where channels come"),
    ],
)
def test_what_it_is_not_for(text: str, space: spaces.Space[Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        wrapped(text, space)


@pytest.mark.parametrize("text", ["picture:84?gray=true", "picture?channels=middle", "picture:84?grey=perhaps"])
def test_arguments_that_it_does_not_take(text: str) -> None:
    with pytest.raises(UserError, match=r"The wrapper 'picture'.*Write picture:<size>\?grey=False&channels=last"):
        wrapper(text)


def test_an_observation_of_another_shape_is_left_for_the_contract() -> None:
    env = wrapped("picture:4", spaces.Box(0, 255, (8, 8, 3), np.uint8))
    assert env.observation(drawn(8, 9, 3)).shape == (8, 9, 3)  # type: ignore[attr-defined]
