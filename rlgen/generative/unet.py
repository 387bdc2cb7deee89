"""The nets of pix2pix, as deep as the pictures are large: U-Net and PatchGAN; Isola et al. (CVPR 2017), 6.1."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Literal

import keras

from rlgen import networks
from rlgen.generative import nets

KERNEL = 4
# Innermost layers of the decoder that have dropout.
DROPPED = 3

Normalization = Literal["batch", "instance", "none"]


@dataclass(frozen=True)
class Layers:
    """How the layers of both nets are made.

    Attributes:
        normalization: over the batch, over each picture by itself, or none.
        dropout: share that is dropped, in the decoder.
        dtype: Keras' dtype policy; the last layer is float32.
    """

    normalization: Normalization = "batch"
    dropout: float = 0.5
    dtype: str = "float32"

    def normalized(self, x: Any) -> Any:
        """With the authors' epsilon and momentum; a picture of one pixel has nothing to be normalised by itself."""
        gain = keras.initializers.RandomNormal(1.0, 0.02)
        if self.normalization == "batch":
            return keras.layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, gamma_initializer=gain, dtype=self.dtype
            )(x)
        if self.normalization == "instance":
            return keras.layers.GroupNormalization(-1, epsilon=1e-5, gamma_initializer=gain, dtype=self.dtype)(x)
        return x

    def down(self, x: Any, filters: int, *, norm: bool = True, stride: int = 2) -> Any:
        """A convolution, to half the rows and columns; with stride 1, to one less."""
        # Keras would pad the other side alone where a kernel of 4 moves by 1.
        padded = x if stride == 2 else keras.layers.ZeroPadding2D(1, dtype=self.dtype)(x)
        x = self._convolution(keras.layers.Conv2D, filters, norm, stride, "same" if stride == 2 else "valid")(padded)
        return self.normalized(x) if norm else x

    def up(self, x: Any, filters: int, *, drop: bool) -> Any:
        """A transposed convolution, to twice the rows and columns."""
        x = self.normalized(self._convolution(keras.layers.Conv2DTranspose, filters, True, 2, "same")(x))
        return keras.layers.Dropout(self.dropout, dtype=self.dtype)(x) if drop and self.dropout else x

    def leaky(self, x: Any) -> Any:
        """The ReLU of encoder and discriminator."""
        return keras.layers.LeakyReLU(nets.LEAK, dtype=self.dtype)(x)

    def last(self, kind: Any, filters: int, **more: Any) -> Any:
        """The layer at the end of a net."""
        weights = keras.initializers.RandomNormal(0.0, 0.02)
        return kind(filters, KERNEL, kernel_initializer=weights, dtype="float32", **more)

    def _convolution(self, kind: Any, filters: int, norm: bool, stride: int, padding: str) -> Any:
        return kind(
            filters,
            KERNEL,
            strides=stride,
            padding=padding,
            # What normalisation takes off again need not be added.
            use_bias=not norm or self.normalization == "none",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
            dtype=self.dtype,
        )


def depth(shape: tuple[int, ...]) -> int:
    """How often the rows and columns of a picture can be halved: of 256 x 256 eight times, down to one pixel.

    Args:
        shape: of the picture, (height, width, channels).

    Raises:
        UserError: it cannot be halved until it is small; the message has the nearest sizes that can.
    """
    nets.start(shape)
    rows, columns, times = shape[0], shape[1], 0
    while rows % 2 == columns % 2 == 0:
        rows, columns, times = rows // 2, columns // 2, times + 1
    return times


def generator(shape: tuple[int, ...], channels: int, filters: int, most: int, layers: Layers, output: str) -> Any:
    """The U-Net of Isola et al. (2017), for any size: [N, *shape] to [N, height, width, channels].

    Convolutions of stride 2 halve the picture until nothing can be halved, transposed ones double it, and each of these
    sees, beside what comes from below, what the encoder had at its size.
    """
    widths = nets.widths(depth(shape), filters, most)
    _require_room(shape[2], widths, channels)
    x = picture = keras.Input(shape, dtype="float32")
    skips: list[Any] = []
    for i, width in enumerate(widths):
        x = layers.down(x if i == 0 else layers.leaky(x), width, norm=0 < i < len(widths) - 1)
        skips.append(x)
    skips.pop()
    for i, width in enumerate(reversed(widths[:-1])):
        x = layers.up(keras.layers.ReLU(dtype=layers.dtype)(x), width, drop=i < DROPPED)
        x = keras.layers.Concatenate(dtype=layers.dtype)([x, skips.pop()])
    x = keras.layers.ReLU(dtype=layers.dtype)(x)
    last = layers.last(keras.layers.Conv2DTranspose, channels, strides=2, padding="same", activation=output)
    return keras.Model(picture, last(x))


def patch_discriminator(
    shape: tuple[int, ...], given: tuple[int, ...], halvings: int, filters: int, most: int, layers: Layers
) -> Any:
    """The PatchGAN of Isola et al. (2017): pictures and what they were made of, to a logit for each patch.

    [N, *shape] and [N, *given] to [N, rows, columns, 1]. A logit sees 16, 34, 70, 142 pixels along a side with 1, 2, 3,
    4 `halvings`, and a single one with 0.
    """
    picture, seen = keras.Input(shape, dtype="float32"), keras.Input(given, dtype="float32")
    x = keras.layers.Concatenate(dtype="float32")([seen, picture])
    if not halvings:
        return _pixel_discriminator([picture, seen], x, filters, layers)
    widths = [min(filters * 2**i, most) for i in range(halvings + 1)]
    for i, width in enumerate(widths):
        x = layers.leaky(layers.down(x, width, norm=i > 0, stride=2 if i < halvings else 1))
    x = keras.layers.ZeroPadding2D(1, dtype="float32")(x)
    return keras.Model([picture, seen], layers.last(keras.layers.Conv2D, 1, padding="valid")(x))


def _pixel_discriminator(inputs: list[Any], x: Any, filters: int, layers: Layers) -> Any:
    weights = [keras.initializers.RandomNormal(0.0, 0.02) for _ in range(3)]
    x = keras.layers.Conv2D(filters, 1, kernel_initializer=weights[0], dtype=layers.dtype)(x)
    x = keras.layers.Conv2D(2 * filters, 1, kernel_initializer=weights[1], dtype=layers.dtype)(layers.leaky(x))
    x = layers.leaky(layers.normalized(x))
    return keras.Model(inputs, keras.layers.Conv2D(1, 1, kernel_initializer=weights[2], dtype="float32")(x))


def patches(side: int, halvings: int) -> int:
    """Logits along a side of so many pixels."""
    return side if not halvings else side // 2**halvings - 2


def receptive_field(halvings: int) -> int:
    """Pixels along a side that a logit sees."""
    field = 1
    strides = [2] * halvings + [1, 1] if halvings else []
    for stride in reversed(strides):
        field = (field - 1) * stride + KERNEL
    return field


def _require_room(channels: int, widths: list[int], made: int) -> None:
    """Check that the weights of a U-Net fit into memory."""
    encoder = sum(a * b for a, b in itertools.pairwise([channels, *widths]))
    # What a layer of the decoder sees beside what comes from below is as wide.
    decoder = sum(2 * a * b for a, b in itertools.pairwise([*reversed(widths), made]))
    weights = KERNEL**2 * (encoder + decoder)
    networks.memory.require_room_for_weights(weights, advice="Make filters or most_filters smaller")
