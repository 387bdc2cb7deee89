"""Convolutional networks for pictures: those of the Atari and MinAtar papers, a small one, a residual one."""

from __future__ import annotations

from typing import Any

from rlgen.errors import UserError
from rlgen.networks import SMALLEST_NATURE_PIXELS, SMALLEST_PICTURE_PIXELS, Options, Spec
from rlgen.networks.layers import convolution, dense, first, unfolded_convolution

# Dense layers draw their weights from seeds after those of any convolution.
DENSE_SEED = 50


def nature_cnn(inputs: Spec, options: Options) -> Any:
    """The network of Mnih et al. (2015): convolutions 32 8x8/4, 64 4x4/2, 64 3x3/1, then the dense layers."""
    tensor, x = _picture("nature_cnn", inputs, options, smallest=SMALLEST_NATURE_PIXELS)
    for number, (filters, kernel, stride) in enumerate([(32, 8, 4), (64, 4, 2), (64, 3, 1)]):
        x = convolution(x, filters, kernel, options, number=number, stride=stride, padding="valid")
    return _ended(tensor, x, options)


def small_cnn(inputs: Spec, options: Options) -> Any:
    """Two 3x3 convolutions, 16 and 32 filters, the second at half the size; for pictures of a few pixels."""
    tensor, x = _picture("small_cnn", inputs, options, smallest=SMALLEST_PICTURE_PIXELS)
    x = convolution(x, 16, 3, options, number=0)
    x = convolution(x, 32, 3, options, number=1, stride=2)
    return _ended(tensor, x, options)


def minatar_cnn(inputs: Spec, options: Options) -> Any:
    """The network of Young and Tian (2019), MinAtar: one convolution 16 3x3/1, then the dense layers (theirs: 128)."""
    tensor, x = _picture("minatar_cnn", inputs, options, smallest=3)
    return _ended(tensor, unfolded_convolution(x, 16, 3, options, number=0), options)


def residual(inputs: Spec, options: Options) -> Any:
    """The residual network of Espeholt et al. (2018), IMPALA: 16, 32 and 32 filters, two blocks each."""
    import keras

    tensor, x = _picture("residual", inputs, options, smallest=8)
    number = 0
    for filters in (16, 32, 32):
        x = convolution(x, filters, 3, options, number=number, activation=None)
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same", dtype=options.dtype)(x)
        for block in (number + 1, number + 3):
            y = keras.layers.Activation(options.activation, dtype=options.dtype)(x)
            y = convolution(y, filters, 3, options, number=block)
            y = convolution(y, filters, 3, options, number=block + 1, activation=None)
            x = keras.layers.Add(dtype=options.dtype)([x, y])
        number += 5
    return _ended(tensor, keras.layers.Activation(options.activation, dtype=options.dtype)(x), options)


def _picture(name: str, inputs: Spec, options: Options, *, smallest: int) -> tuple[Any, Any]:
    if not inputs.picture or min(inputs.shape[:2]) < smallest:
        raise UserError(
            f"The network '{name}' sees pictures [height, width, channels] of at least {smallest} x {smallest} pixels; "
            f"these are {inputs}. Set network=auto for one that fits."
        )
    return first(inputs, options.dtype)


def _ended(tensor: Any, x: Any, options: Options) -> Any:
    import keras

    x = keras.layers.Flatten(dtype=options.dtype)(x)
    return keras.Model(tensor, dense(x, options.hidden_units, options, first_seed=options.seed + DENSE_SEED))
