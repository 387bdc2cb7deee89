"""Pictures of what an agent sees, and of what in them its values depend on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import networks
from rlgen.pictures import Picture, beside

STATES = 4  # That are shown, a row each.
# Of what is marked: red over grey.
MARK = np.array([255, 60, 40], np.float32)

Pictures = npt.NDArray[Any]


def some(observations: Pictures) -> Pictures:
    """A few of the observations, [STATES, H, W, C], as far from each other as they are."""
    return observations[np.linspace(0, len(observations) - 1, STATES).astype(int)]


def planes(observations: Pictures) -> Picture:
    """Observations [N, H, W, C], a row each; channels side by side, stacked pictures oldest first, colours whole."""
    pixels = _bytes(observations)
    channels = pixels.shape[-1]
    colours = 3 if channels % 3 == 0 else 1
    parts = [pixels[..., i : i + colours] for i in range(0, channels, colours)]
    return beside(*parts)


def marked(observations: Pictures, *maps: npt.NDArray[np.float32]) -> Picture:
    """The newest picture of each observation, and beside it what each map, [N, H, W], weighs, in red.

    A map is scaled by the largest of its numbers over all observations, so that rows can be compared.
    """
    newest = np.repeat(_bytes(observations)[..., -1:], 3, -1).astype(np.float32)
    parts = [newest]
    for weights in maps:
        share = (weights / max(float(weights.max()), 1e-12))[..., None]
        parts.append((1 - share) * newest * 0.6 + share * MARK)
    return beside(*(np.clip(part, 0, 255).astype(np.uint8) for part in parts))


def saliency(
    body: Any, heads: Sequence[Callable[[Any], Any]], observations: Pictures, *, blur: int = 5
) -> list[npt.NDArray[np.float32]]:
    """How strongly what each head makes of features depends on each pixel: |d head / d pixel|, [N, H, W].

    The largest over the channels, and the mean over a neighbourhood of `blur` pixels: single pixels flicker. Source:
    Simonyan et al. (2014), as Wang et al. (2016) draw values and advantages.

    Args:
        body: the network from observations to features.
        heads: features to a number of each example, [N].
        observations: [N, H, W, C].
        blur: pixels.

    Returns:
        Nothing where bytes do not become numbers inside `body` in a layer of its own.
    """
    inside = networks.from_numbers(body)
    if inside is None:
        return []
    scaled, rest = inside
    numbers = tf.cast(scaled(tf.constant(observations)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(numbers)
        features = rest(numbers)
        totals = [tf.reduce_sum(head(features)) for head in heads]
    sizes = (tf.reduce_max(tf.abs(tape.gradient(total, numbers)), -1, keepdims=True) for total in totals)
    return [np.asarray(tf.nn.avg_pool2d(size, blur, 1, "SAME")[..., 0], np.float32) for size in sizes]


def _bytes(observations: Pictures) -> Picture:
    return observations.astype(np.uint8) * 255 if observations.dtype == np.bool_ else observations
