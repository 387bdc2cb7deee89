"""The nets of adversarial models that a tutorial and a book print, layer by layer; docs/books.md says who.

They are called as those of `rlgen.generative.nets`, whose widths and switches they have no use for: of `layers` the
precision counts alone. Weights are drawn as Keras does by default, but where the listing says otherwise.
"""

from __future__ import annotations

from typing import Any

import keras

from rlgen.errors import UserError
from rlgen.generative import nets
from rlgen.generative.nets import Layers


def tutorial_generator(
    latent_size: int, shape: tuple[int, ...], filters: int, most: int, layers: Layers, output: str
) -> Any:
    """TensorFlow's DCGAN tutorial: 2,330,944 weights for 28 x 28 pixels in grey and 100 latent numbers."""
    z = keras.Input((latent_size,), dtype="float32")
    rows, columns = _quarter(shape)
    x = keras.layers.Dense(rows * columns * 256, use_bias=False, dtype=layers.dtype)(z)
    x = _tutorial_end(x, layers)
    x = keras.layers.Reshape((rows, columns, 256), dtype=layers.dtype)(x)
    for width, stride in ((128, 1), (64, 2)):
        x = keras.layers.Conv2DTranspose(width, 5, stride, "same", use_bias=False, dtype=layers.dtype)(x)
        x = _tutorial_end(x, layers)
    last = keras.layers.Conv2DTranspose(shape[2], 5, 2, "same", use_bias=False, activation=output, dtype="float32")
    return keras.Model(z, last(x))


def tutorial_discriminator(shape: tuple[int, ...], filters: int, most: int, layers: Layers) -> Any:
    """The tutorial's: 212,865 weights for 28 x 28 pixels in grey; no batch normalisation, but dropout."""
    x = picture = keras.Input(shape, dtype="float32")
    for width in (64, 128):
        x = keras.layers.Conv2D(width, 5, 2, "same", dtype=layers.dtype)(x)
        x = keras.layers.LeakyReLU(0.3, dtype=layers.dtype)(x)
        x = keras.layers.Dropout(0.3, dtype=layers.dtype)(x)
    x = keras.layers.Flatten(dtype=layers.dtype)(x)
    return nets.judged(picture, x, keras.layers.Dense(1, dtype="float32"), layers)


def wgan_generator(
    latent_size: int, shape: tuple[int, ...], filters: int, most: int, layers: Layers, output: str
) -> Any:
    """Dua (2022), chapter 10: 851,713 weights for 28 x 28 pixels in grey and 50 latent numbers."""
    z = keras.Input((latent_size,), dtype="float32")
    rows, columns = _quarter(shape)
    x = keras.layers.Dense(rows * columns * 128, kernel_initializer=_narrow(), dtype=layers.dtype)(z)
    x = keras.layers.LeakyReLU(0.2, dtype=layers.dtype)(x)
    x = keras.layers.Reshape((rows, columns, 128), dtype=layers.dtype)(x)
    for _ in range(2):
        x = keras.layers.Conv2DTranspose(128, 4, 2, "same", kernel_initializer=_narrow(), dtype=layers.dtype)(x)
        x = _wgan_end(x, layers)
    last = keras.layers.Conv2D(
        shape[2], 7, padding="same", kernel_initializer=_narrow(), activation=output, dtype="float32"
    )
    return keras.Model(z, last(x))


def wgan_critic(shape: tuple[int, ...], filters: int, most: int, layers: Layers) -> Any:
    """Dua's critic: 70,337 weights for 28 x 28 pixels in grey."""
    x = picture = keras.Input(shape, dtype="float32")
    for _ in range(2):
        x = keras.layers.Conv2D(64, 4, 2, "same", kernel_initializer=_narrow(), dtype=layers.dtype)(x)
        x = _wgan_end(x, layers)
    x = keras.layers.Flatten(dtype=layers.dtype)(x)
    return nets.judged(picture, x, keras.layers.Dense(1, dtype="float32"), layers)


NETS = {
    "tutorial": nets.Pair(tutorial_generator, tutorial_discriminator),
    "book_wgan": nets.Pair(wgan_generator, wgan_critic),
}


def _quarter(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns that doubled twice are the picture's.

    Raises:
        UserError: there are none.
    """
    (rows, columns), times = nets.start(shape)
    if times < 2:
        raise UserError(
            f"The nets of the tutorial and the book double their pictures twice, and {shape[0]} x {shape[1]} pixels "
            "are doubled once: set generator=auto and discriminator=auto."
        )
    return rows * 2 ** (times - 2), columns * 2 ** (times - 2)


def _tutorial_end(x: Any, layers: Layers) -> Any:
    # Sampling goes by the averages of batch normalisation; with Keras' own momentum, .99, they would lag behind.
    x = keras.layers.BatchNormalization(momentum=0.9, dtype=layers.dtype)(x)
    return keras.layers.LeakyReLU(0.3, dtype=layers.dtype)(x)


def _wgan_end(x: Any, layers: Layers) -> Any:
    x = keras.layers.BatchNormalization(momentum=0.9, dtype=layers.dtype)(x)
    return keras.layers.LeakyReLU(0.2, dtype=layers.dtype)(x)


def _narrow() -> Any:
    return keras.initializers.RandomNormal(0.0, 0.02)
