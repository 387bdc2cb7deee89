"""Discs, squares and triangles in colours that tell nothing: pictures with a class for each pixel, made and exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.data.pixels import check_size
from rlgen.errors import UserError
from rlgen.spec import Spec

SIZES: dict[Part, int] = {"train": 800, "validation": 100, "test": 100}
SEED = 0
LEAST_SIDE = 16
CLASSES = ("background", "disc", "square", "triangle")
MOST_SHAPES = 3
# Of a disc, in sides of the picture; a square and a triangle have the area of the disc, for size is to tell nothing.
RADII = (0.14, 0.22)
HALF_SIDE = math.sqrt(math.pi) / 2
INNER_RADIUS = math.sqrt(math.pi / math.sqrt(27))
# How far the tips of a triangle are from its middle, which is farther than anything else reaches.
REACH = 2 * INNER_RADIUS
# Colours and places by chance, of which a shape has the one that is least like those there are: it is to be seen.
OFFERED = 6
# Of the background: between which two it is grey, how much of a colour it has, and the height of its ripples.
GREYS, TINT, WAVE = (0.3, 0.7), 0.12, 0.1
AT_ONCE = 100  # Pictures drawn at a time, which bounds the memory.

Floats = npt.NDArray[np.float32]


class Shapes(Dataset):
    """Pictures with 1 to 3 discs, squares and triangles, and for each pixel what it shows; made, for segmentation.

    `x` is uint8 [N, size, size, 3], the target int32 [N, size, size] of 0 background, 1 disc, 2 square, 3 triangle; 800
    to train, 100 to validate, 100 to test. Shapes lie turned at will on a dull gradient with ripples, whole, later ones
    on top. Their colours are drawn without regard to the class, and for a given radius all three have the same area, so
    that only the form tells them apart. Another `size` shows the same scenes. Drawn here, after no published set.
    """

    target: Target

    def __init__(self, *, size: int = 32, noise: float = 0.08) -> None:
        """Choose how large and how noisy.

        Args:
            size: pixels along either side, at least 16.
            noise: standard deviation of what is added to each channel of each pixel, where white is 1.

        Raises:
            UserError: no such size, or noise that is not in 0 to 1.
        """
        check_size(size, 3)
        if size < LEAST_SIDE or not 0 <= noise <= 1:
            raise UserError(
                f"size={size}, noise={noise}: take a size of at least {LEAST_SIDE}, for in less all forms look alike, "
                "and noise of 0 to 1."
            )
        self.spec = Spec((size, size, 3), "uint8")
        self.target = Target(Spec((size, size), "int32"), CLASSES)
        self._noise = noise
        kept = sum(SIZES.values()) * (self.spec.bytes + self.target.spec.bytes)
        needs = {"pictures and masks": kept, "drawing them": AT_ONCE * self.spec.size * 16}
        runtime.require_memory(needs, advice="Make size smaller")

    def split(self, part: Part) -> Arrays:
        """The pictures of one part and their masks; every call gives the same."""
        scenes, noise = (runtime.generator(SEED, "shapes", part, purpose) for purpose in ("scenes", "noise"))
        drawn = [_draw(scenes, noise, self.spec.shape[0], self._noise) for _ in range(SIZES[part] // AT_ONCE)]
        return Arrays(np.concatenate([x for x, _ in drawn]), np.concatenate([y for _, y in drawn]))


def _draw(
    scenes: np.random.Generator, noises: np.random.Generator, size: int, noise: float
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """`AT_ONCE` pictures and their masks."""
    middles = ((np.arange(size) + 0.5) / size).astype(np.float32)
    down, right = middles[:, None], middles[None, :]
    picture, colours = _backgrounds(scenes, down, right)
    places = np.zeros((AT_ONCE, 0, 2), np.float32)
    mask = np.zeros((AT_ONCE, size, size), np.int32)
    shown = scenes.integers(1, MOST_SHAPES + 1, AT_ONCE)
    for number in range(MOST_SHAPES):
        kind = scenes.integers(1, len(CLASSES), AT_ONCE)
        places, colours = _with_another(scenes, places), _with_another(scenes, colours)
        inside = _inside(scenes, kind, places[:, -1], down, right) & _each(number < shown)
        np.copyto(mask, _each(kind), where=inside, casting="same_kind")
        np.copyto(picture, colours[:, None, None, -1], where=inside[..., None])
    picture += np.float32(noise) * noises.standard_normal(picture.shape, np.float32)
    return np.rint(picture.clip(0, 1) * 255).astype(np.uint8), mask


def _backgrounds(random: np.random.Generator, down: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Gradients between two dull colours with ripples on them, [N, size, size, 3], and those colours, [N, 2, 3]."""
    tints = random.uniform(-TINT, TINT, (AT_ONCE, 2, 3))
    ends = (random.uniform(*GREYS, (AT_ONCE, 2, 1)) + tints).astype(np.float32)
    along, across = _turned(random.uniform(0, 2 * np.pi, AT_ONCE), down - 0.5, right - 0.5)
    share = (along / math.sqrt(2) + 0.5)[..., None]
    picture = ends[:, None, None, 0] * (1 - share) + ends[:, None, None, 1] * share
    first, second = random.uniform(10, 40, (2, AT_ONCE)).astype(np.float32)
    start = random.uniform(0, 2 * np.pi, AT_ONCE).astype(np.float32)
    ripples = np.sin(_each(first) * along + _each(start)) * np.cos(_each(second) * across)
    return picture + np.float32(WAVE) * ripples[..., None], ends


def _inside(
    random: np.random.Generator, kind: npt.NDArray[np.int64], place: Floats, down: Floats, right: Floats
) -> npt.NDArray[np.bool_]:
    """Which pixels have their middle in a shape of its kind, of any size and angle, [N, size, size].

    `place` [N, 2], in 0 to 1, says where it is of all places where it is whole.
    """
    radius = random.uniform(*RADII, (AT_ONCE, 1)).astype(np.float32)
    middle = REACH * radius + place * (1 - 2 * REACH * radius)
    angle = random.uniform(0, 2 * np.pi, AT_ONCE)
    u, v = _turned(angle, down - _each(middle[:, 0]), right - _each(middle[:, 1]))
    square = np.maximum(np.abs(u), np.abs(v)) / HALF_SIDE
    triangle = np.maximum(u, np.abs(v) * (math.sqrt(3) / 2) - u / 2) / INNER_RADIUS
    distance = np.choose(_each(kind - 1), [np.hypot(u, v), square, triangle])
    return distance <= radius[..., None]


def _with_another(random: np.random.Generator, seen: Floats) -> Floats:
    """Points [N, K, D], and behind them of some by chance, in 0 to 1, the one that is farthest from any of them."""
    offered = random.uniform(0, 1, (AT_ONCE, OFFERED, seen.shape[-1])).astype(np.float32)
    nearest = np.linalg.norm(offered[:, :, None] - seen[:, None], axis=-1).min(axis=-1, initial=np.inf)
    chosen = offered[np.arange(AT_ONCE), nearest.argmax(axis=-1)]
    return np.concatenate([seen, chosen[:, None]], axis=1)


def _turned(angle: npt.NDArray[np.float64], down: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Coordinates along a direction and across it, [N, size, size] both."""
    sine: Floats = _each(np.sin(angle).astype(np.float32))
    cosine: Floats = _each(np.cos(angle).astype(np.float32))
    return cosine * right + sine * down, cosine * down - sine * right


def _each(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One number for each picture, [N, 1, 1]."""
    return values[:, None, None]
