"""Convolutional nets of adversarial models, as deep as the pictures are large: pure functions of sizes and switches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf

from rlgen import networks
from rlgen.config import option
from rlgen.data.config import ModelConfig
from rlgen.errors import UserError
from rlgen.generative.spectral import SpectralConv2D, SpectralDense

# The generator begins with this many rows, or columns if they are fewer, and doubles them.
STARTS = (4, 5, 6, 7)
SMALLEST, LARGEST = 8, 256
CHANNELS = (1, 3)
# Inside a root, whose slope at 0 would be infinite.
EPSILON = 1e-8
# Slope of the ReLU below 0, in what sees pictures.
LEAK = 0.2

Initialization = Literal["normal", "he"]


@dataclass(frozen=True, kw_only=True)
class FiltersConfig(ModelConfig):
    """How wide convolutional nets are."""

    filters: int = option(
        64,
        "Filters of the convolution next to the picture, both nets; every further one has twice as many.",
        at_least=1,
    )
    most_filters: int = option(512, "Where doubling them ends.", at_least=1)


@dataclass(frozen=True)
class Layers:
    """How the layers of a net are made.

    Attributes:
        kernel: pixels along a side.
        batch_norm: whether there is batch normalisation.
        leak: slope of the ReLU below 0.
        dropout: share that is dropped.
        initialization: of the weights.
        spectral: whether a discriminator's kernels are normalised.
        classes: that a discriminator is told of; 0: it is told nothing.
        group: examples of a batch whose deviation from each other a discriminator is told of; 0: it is told nothing.
        dtype: Keras' dtype policy; the last layer is float32.
    """

    kernel: int = 4
    batch_norm: bool = True
    leak: float = 0.0
    dropout: float = 0.0
    initialization: Initialization = "normal"
    spectral: bool = False
    classes: int = 0
    group: int = 0
    dtype: str = "float32"

    def weights(self) -> Any:
        """A new initialiser: one that is used twice gives the same weights twice."""
        if self.initialization == "he":
            return keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")
        return keras.initializers.RandomNormal(0.0, 0.02)

    def normalized(self, x: Any) -> Any:
        """Batch normalisation as in the authors' code; Keras' own defaults lag too far behind for sampling."""
        if not self.batch_norm:
            return x
        gain = keras.initializers.RandomNormal(1.0, 0.02)
        norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gain, dtype=self.dtype)
        return norm(x)

    def activated(self, x: Any) -> Any:
        """The ReLU, and dropout where there is any."""
        x = keras.layers.LeakyReLU(self.leak, dtype=self.dtype)(x)
        return keras.layers.Dropout(self.dropout, dtype=self.dtype)(x) if self.dropout else x

    def convolution(self, kind: Any, filters: int, *, bias: bool, dtype: str | None = None, **more: Any) -> Any:
        """A convolution of stride 2, or a transposed one."""
        return kind(
            filters,
            self.kernel,
            strides=2,
            padding="same",
            use_bias=bias,
            kernel_initializer=self.weights(),
            dtype=dtype or self.dtype,
            **more,
        )


class MinibatchDeviation(keras.layers.Layer):
    """One more channel that says how much the pictures of a group differ: Karras et al. (ICLR 2018), section 3.

    The standard deviation of each number over the group, its mean over all numbers.
    """

    def __init__(self, group: int, **more: Any) -> None:
        """Groups of so many pictures, or of the whole batch where it has fewer or cannot be divided."""
        super().__init__(**more)
        self._group = group

    def call(self, inputs: Any) -> Any:
        """[N, H, W, C] to [N, H, W, C + 1]."""
        count = tf.shape(inputs)[0]
        size = tf.where(tf.equal(count % self._group, 0), self._group, count)
        x = tf.cast(inputs, tf.float32)
        groups = tf.reshape(x, (size, -1, *inputs.shape[1:]))
        variance = tf.math.reduce_variance(groups, axis=0)
        deviation = tf.reduce_mean(tf.sqrt(variance + EPSILON), axis=[1, 2, 3])
        told = tf.tile(tf.reshape(deviation, (-1, 1, 1, 1)), (size, *inputs.shape[1:3], 1))
        return tf.concat([inputs, tf.cast(told, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """One channel more."""
        return (*input_shape[:-1], input_shape[-1] + 1)


def start(shape: tuple[int, ...]) -> tuple[tuple[int, int], int]:
    """What a picture is doubled from: ((rows, columns), how often); 28 x 28 is 7 x 7, twice.

    Args:
        shape: of the picture, (height, width, channels).

    Raises:
        UserError: nothing between 4 and 7 doubles to it; the message has the nearest sizes that can be reached.
    """
    height, width, channels = shape
    if channels not in CHANNELS:
        raise UserError(
            f"These pictures have {channels} channels, and the convolutional nets make 1 or 3: grey, or red, green and "
            "blue. Lay transparent ones on a colour first."
        )
    found = _start(height, width)
    if found is None:
        sizes = " or ".join(f"{rows} x {columns}" for rows, columns in nearest_sizes(height, width))
        raise UserError(
            f"Pictures of {height} x {width} pixels cannot be reached by doubling {STARTS[0]} to {STARTS[-1]} rows or "
            f"columns, up to {LARGEST}. The nearest that can: {sizes}. Scale them (images:FOLDER?size=N does), or set "
            "generator=dense and discriminator=dense."
        )
    return found


def nearest_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """The nearest sizes that can be reached, not larger and not smaller, where there are such; squares for squares."""
    square = height == width
    sides = range(SMALLEST, LARGEST + 1)
    sizes = [(a, b) for a in sides for b in ((a,) if square else sides) if _start(a, b)]

    def far(size: tuple[int, int]) -> int:
        return abs(size[0] - height) + abs(size[1] - width)

    below = [size for size in sizes if size[0] <= height and size[1] <= width]
    above = [size for size in sizes if size[0] >= height and size[1] >= width]
    return [min(some, key=far) for some in (below, above) if some] or [min(sizes, key=far)]


def _start(height: int, width: int) -> tuple[tuple[int, int], int] | None:
    times, (rows, columns) = 0, (height, width)
    while rows % 2 == columns % 2 == 0 and min(rows, columns) >= 2 * STARTS[0]:
        times, rows, columns = times + 1, rows // 2, columns // 2
    possible = times and min(rows, columns) in STARTS and max(height, width) <= LARGEST
    return ((rows, columns), times) if possible else None


def widths(times: int, filters: int, most: int) -> list[int]:
    """Filters of the layers from the picture inwards."""
    return [min(filters * 2**i, most) for i in range(times)]


def generator(latent_size: int, shape: tuple[int, ...], filters: int, most: int, layers: Layers, output: str) -> Any:
    """The DCGAN generator of Radford et al. (2016), figure 1, for any size: [N, latent_size] to [N, *shape].

    A dense layer makes a small picture of many channels, and transposed convolutions of stride 2 double it. A bias
    in front of batch normalisation would be taken off again, so there is none.
    """
    (rows, columns), times = start(shape)
    first, *others = reversed(widths(times, filters, most))
    _require_room((latent_size, rows * columns * first), (first, *others, shape[2]), layers)
    bias = not layers.batch_norm
    z = keras.Input((latent_size,), dtype="float32")
    dense = keras.layers.Dense(
        rows * columns * first, use_bias=bias, kernel_initializer=layers.weights(), dtype=layers.dtype
    )
    x = keras.layers.Reshape((rows, columns, first), dtype=layers.dtype)(dense(z))
    x = layers.activated(layers.normalized(x))
    for width in others:
        x = layers.convolution(keras.layers.Conv2DTranspose, width, bias=bias)(x)
        x = layers.activated(layers.normalized(x))
    last = layers.convolution(keras.layers.Conv2DTranspose, shape[2], bias=True, dtype="float32", activation=output)
    return keras.Model(z, last(x))


def discriminator(shape: tuple[int, ...], filters: int, most: int, layers: Layers) -> Any:
    """The generator's mirror: [N, *shape], and with `layers.classes` the class, [N, classes], to a logit, [N, 1]."""
    picture, x = features(shape, filters, most, layers)
    dense = SpectralDense if layers.spectral else keras.layers.Dense
    return judged(picture, x, dense(1, kernel_initializer=layers.weights(), dtype="float32"), layers, dense)


def features(shape: tuple[int, ...], filters: int, most: int, layers: Layers) -> tuple[Any, Any]:
    """Convolutions of stride 2 on pictures [N, *shape], but the first normalised: their input, and features [N, F]."""
    (rows, columns), times = start(shape)
    filters_of = widths(times, filters, most)
    _require_room((rows * columns * filters_of[-1], 1), (shape[2], *filters_of), layers)
    convolution = SpectralConv2D if layers.spectral else keras.layers.Conv2D
    x = picture = keras.Input(shape, dtype="float32")
    for i, width in enumerate(filters_of):
        bias = i == 0 or not layers.batch_norm
        x = layers.convolution(convolution, width, bias=bias)(x)
        x = layers.activated(x if i == 0 else layers.normalized(x))
    if layers.group:
        x = MinibatchDeviation(layers.group, dtype=layers.dtype)(x)
    return picture, keras.layers.Flatten(dtype=layers.dtype)(x)


def judged(picture: Any, features: Any, last: Any, layers: Layers, dense: Any = keras.layers.Dense) -> Any:
    """A discriminator, from its input and the features [N, F] before its `last` layer.

    With `layers.classes` it has a second input, [N, classes], and the logit is higher by what the features have in
    common with that class's row of weights: the projection of Miyato and Koyama (ICLR 2018), equation 3.
    """
    if not layers.classes:
        return keras.Model(picture, last(features))
    given = keras.Input((layers.classes,), dtype="float32")
    rows = dense(features.shape[1], use_bias=False, kernel_initializer=layers.weights(), dtype="float32")
    return keras.Model([picture, given], last(features) + keras.layers.Dot(1, dtype="float32")([features, rows(given)]))


@dataclass(frozen=True)
class Pair:
    """The builders of a generator and of its discriminator, called as `generator` and `discriminator` are."""

    generator: Callable[..., Any]
    discriminator: Callable[..., Any]


CONVOLUTIONAL = Pair(generator, discriminator)


def _require_room(dense: tuple[int, int], channels: tuple[int, ...], layers: Layers) -> None:
    """Check that the weights of a dense layer and of convolutions between these channels fit into memory."""
    pairs = zip(channels, channels[1:], strict=False)
    weights = dense[0] * dense[1] + layers.kernel**2 * sum(a * b for a, b in pairs)
    networks.memory.require_room_for_weights(weights, advice="Make filters, most_filters or kernel_size smaller")
