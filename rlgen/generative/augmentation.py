"""Changes of all that a discriminator sees, each with a probability, through which gradients flow; and their control.

Karras et al., "Training Generative Adversarial Networks with Limited Data" (NeurIPS 2020), section 2 and appendix B:
the changes are so made that a generator cannot hide behind them while their probability stays below 1. All that moves
pixels is one affine map, and one look at each pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from rlgen import draws

Group = Literal["blit", "geometry", "colour", "cutout"]

# Standard deviations and bounds of the paper's appendix B; scales are 2 to the power of what is drawn.
SHIFT, SCALE, STRETCH, FRACTION = 0.125, 0.2, 0.2, 0.125
BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.5, 1.0
CUTOUT = 0.5
# Columns of draws that a picture needs: a coin and two numbers for each of the twelve changes.
CHANGES = 12
LUMA = np.full((3, 1), 1 / np.sqrt(3), np.float32)


def changed(x: Any, probability: Any, seed: Any, groups: Sequence[Group]) -> Any:
    """Pictures, each changed by each of the groups' changes with a probability.

    Args:
        x: numbers about 0, float32 [N, H, W, 1 or 3].
        probability: of each change, scalar in [0, 1]; at 0 nothing is changed, to the bit.
        seed: a stateless seed, int32 [2].
        groups: `blit` (flips, quarter turns, whole shifts), `geometry` (scales, turns, stretches, parts of pixels),
            `colour` (brightness, contrast, negative, hue, saturation), `cutout` (half of the picture's side is grey).
    """
    numbers = tf.reshape(draws.uniform((x.shape[0], 3 * CHANGES), seed), (x.shape[0], CHANGES, 3))
    on, numbers = numbers[:, :, 0] < probability, 2 * numbers[:, :, 1:] - 1
    if "blit" in groups or "geometry" in groups:
        x = warped(x, *_map(x.shape, on, numbers, groups))
    if "colour" in groups:
        x = _coloured(x, on, numbers)
    return _cut_out(x, on[:, 11], numbers[:, 11]) if "cutout" in groups else x


def steered(probability: Any, real_signs: Any, target: float, examples: int, batch: int) -> Any:
    """The probability after a batch: up where D is surer of real pictures than the target, else down, in [0, 1].

    Args:
        probability: before, scalar.
        real_signs: mean of the sign of D's logits of real pictures, scalar in [-1, 1].
        target: of that; the paper's is 0.6.
        examples: real pictures that it takes from 0 to 1.
        batch: real pictures in this one.
    """
    return tf.clip_by_value(probability + tf.sign(real_signs - target) * (batch / examples), 0.0, 1.0)


def warped(x: Any, matrix: Any, shift: Any) -> Any:
    """Pictures [N, H, W, C] seen at matrix @ place + shift, places in pixels from the middle, reflected at the edges.

    Args:
        x: float32.
        matrix: [N, 2, 2], of (row, column).
        shift: [N, 2], pixels.
    """
    count, height, width, channels = x.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2], np.float32)
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1).reshape(-1, 2) - middle
    places = tf.einsum("nij,pj->npi", matrix, tf.constant(grid, tf.float32)) + (shift + middle)[:, None]
    rows, columns = (_reflected(places[:, :, i], side) for i, side in enumerate((height, width)))
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = rows - top, columns - left
    flat = tf.reshape(x, (count, height * width, channels))
    seen = []
    for i, j, weight in (
        (0, 0, (1 - down) * (1 - right)),
        (0, 1, (1 - down) * right),
        (1, 0, down * (1 - right)),
        (1, 1, down * right),
    ):
        row = tf.minimum(tf.cast(top, tf.int32) + i, height - 1)
        column = tf.minimum(tf.cast(left, tf.int32) + j, width - 1)
        seen.append(tf.gather(flat, row * width + column, axis=1, batch_dims=1) * weight[:, :, None])
    return tf.reshape(tf.add_n(seen), x.shape)


def _reflected(place: Any, side: int) -> Any:
    """A place along an axis, folded into the picture."""
    return (side - 1) - tf.abs(tf.math.floormod(place, 2.0 * (side - 1)) - (side - 1))


def _map(shape: Any, on: Any, numbers: Any, groups: Sequence[Group]) -> tuple[Any, Any]:
    """The affine map of each picture, as `warped` takes it."""
    first = numbers[:, :, 0]
    sides = tf.constant([shape[1], shape[2]], tf.float32)
    one = tf.ones_like(first[:, 0])
    matrix, shift = tf.tile(tf.eye(2)[None], (shape[0], 1, 1)), tf.zeros((shape[0], 2))
    if "blit" in groups:
        flip = tf.where(on[:, 0] & (first[:, 0] < 0), -1.0, 1.0)
        # Of a picture that is no square quarter turns would leave a part outside: it gets half turns.
        turns = tf.floor(2 * (first[:, 1] + 1)) * (1.0 if shape[1] == shape[2] else 2.0)
        angle = tf.where(on[:, 1], tf.math.floormod(turns, 4.0), 0.0)
        matrix = _diagonal(one, flip) @ _quarter_turns(angle)
        shift = tf.where(on[:, 2, None], tf.round(numbers[:, 2] * SHIFT * sides), 0.0)
    if "geometry" in groups:
        scale = tf.where(on[:, 3], _power(first[:, 3], SCALE), 1.0)
        stretch = tf.where(on[:, 4], _power(first[:, 4], STRETCH), 1.0)
        before, after = (tf.where(on[:, i], np.pi * first[:, i], 0.0) for i in (5, 6))
        matrix = matrix @ _turn(before) @ _diagonal(scale * stretch, scale / stretch) @ _turn(after)
        shift += tf.where(on[:, 7, None], numbers[:, 7] * FRACTION * sides, 0.0)
    return matrix, shift


def _coloured(x: Any, on: Any, numbers: Any) -> Any:
    """Brighter, of more contrast, negative, of another hue, more or less colourful."""
    first, second = numbers[:, :, 0], numbers[:, :, 1]
    amount = tf.where(on[:, 8], BRIGHTNESS * _normal(first[:, 8]), 0.0)
    contrast = tf.where(on[:, 8], _power(second[:, 8], CONTRAST), 1.0)
    negative = tf.where(on[:, 9] & (first[:, 9] < 0), -1.0, 1.0)
    factor = tf.reshape(contrast, (-1, 1, 1, 1))
    if x.shape[-1] == 1:
        return x * factor * tf.reshape(negative, (-1, 1, 1, 1)) + tf.reshape(amount, (-1, 1, 1, 1))
    hue = tf.where(on[:, 10], np.pi * first[:, 10], 0.0)
    saturation = tf.where(on[:, 10], _power(second[:, 10], SATURATION), 1.0)
    grey = tf.constant(LUMA @ LUMA.T)
    # About the grey axis: along it the brightness, across it the colour.
    cross = tf.constant(np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.sqrt(3, dtype=np.float32))
    cosine, sine = (tf.reshape(each, (-1, 1, 1)) for each in (saturation * tf.cos(hue), saturation * tf.sin(hue)))
    matrix = cosine * tf.eye(3) + (tf.reshape(negative, (-1, 1, 1)) - cosine) * grey + sine * cross
    # Grey that stays itself, to the bit, where nothing is changed.
    matrix = tf.where((on[:, 9] | on[:, 10])[:, None, None], matrix, tf.eye(3)[None])
    return tf.einsum("nhwc,ndc->nhwd", x, matrix) * factor + tf.reshape(amount, (-1, 1, 1, 1))


def _cut_out(x: Any, on: Any, center: Any) -> Any:
    """A rectangle of half the sides, anywhere, grey."""
    inside = []
    for i, side in enumerate(x.shape[1:3]):
        middle = (center[:, i] + 1) / 2 * side
        inside.append(tf.abs(tf.range(side, dtype=tf.float32)[None] + 0.5 - middle[:, None]) < CUTOUT * side / 2)
    box = inside[0][:, :, None] & inside[1][:, None, :] & on[:, None, None]
    return tf.where(box[..., None], 0.0, x)


def _normal(uniform: Any) -> Any:
    """Standard normal numbers of uniform ones in [-1, 1)."""
    return np.sqrt(2) * tf.math.erfinv(tf.clip_by_value(uniform, -0.999999, 0.999999))


def _power(uniform: Any, deviation: float) -> Any:
    """2 to the power of a normal number."""
    return tf.exp(np.log(2) * deviation * _normal(uniform))


def _diagonal(rows: Any, columns: Any) -> Any:
    zero = tf.zeros_like(rows)
    return tf.stack([tf.stack([rows, zero], -1), tf.stack([zero, columns], -1)], -2)


def _turn(angle: Any) -> Any:
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return tf.stack([tf.stack([cosine, -sine], -1), tf.stack([sine, cosine], -1)], -2)


def _quarter_turns(count: Any) -> Any:
    """Turns by so many right angles, of whole numbers alone."""
    return tf.round(_turn(np.pi / 2 * count))
