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
    return _dropping(shape, layers, leak=0.3, dropout=0.3)


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


def hands_on_generator(
    latent_size: int, shape: tuple[int, ...], filters: int, most: int, layers: Layers, output: str
) -> Any:
    """Geron (2019), chapter 17: 840,705 weights for 28 x 28 pixels in grey and 100 latent numbers."""
    z = keras.Input((latent_size,), dtype="float32")
    rows, columns = _quarter(shape)
    x = keras.layers.Dense(rows * columns * 128, dtype=layers.dtype)(z)
    x = keras.layers.Reshape((rows, columns, 128), dtype=layers.dtype)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, dtype=layers.dtype)(x)
    x = keras.layers.Conv2DTranspose(64, 5, 2, "same", activation="selu", dtype=layers.dtype)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, dtype=layers.dtype)(x)
    last = keras.layers.Conv2DTranspose(shape[2], 5, 2, "same", activation=output, dtype="float32")
    return keras.Model(z, last(x))


def hands_on_discriminator(shape: tuple[int, ...], filters: int, most: int, layers: Layers) -> Any:
    """Geron's: 212,865 weights for 28 x 28 pixels in grey; dropout in place of batch normalisation."""
    return _dropping(shape, layers, leak=0.2, dropout=0.4)


NETS = {
    "book_hands_on_ml": nets.Pair(hands_on_generator, hands_on_discriminator),
    "tutorial": nets.Pair(tutorial_generator, tutorial_discriminator),
    "book_wgan": nets.Pair(wgan_generator, wgan_critic),
}


def _dropping(shape: tuple[int, ...], layers: Layers, *, leak: float, dropout: float) -> Any:
    """Two convolutions of stride 2, leaky ReLU and dropout."""
    x = picture = keras.Input(shape, dtype="float32")
    for width in (64, 128):
        x = keras.layers.Conv2D(width, 5, 2, "same", dtype=layers.dtype)(x)
        x = keras.layers.LeakyReLU(leak, dtype=layers.dtype)(x)
        x = keras.layers.Dropout(dropout, dtype=layers.dtype)(x)
    x = keras.layers.Flatten(dtype=layers.dtype)(x)
    return nets.judged(picture, x, keras.layers.Dense(1, dtype="float32"), layers)


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


def convolutional_coders(shape: tuple[int, ...], dtype: str) -> tuple[Any, Any]:
    """Geron (2019), chapter 17: 46,529 weights for 28 x 28 pixels in grey, codes of 576 numbers.

    Raises:
        UserError: other pictures; the listing makes no others.
    """
    if shape != (28, 28, 1):
        raise UserError(f"network=book_convolutional is for pictures of 28 x 28 pixels in grey, not {list(shape)}.")
    x = picture = keras.Input(shape, dtype="float32")
    for filters in (16, 32, 64):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="selu", dtype=dtype)(x)
        x = keras.layers.MaxPooling2D(2, dtype=dtype)(x)
    code = keras.Input((576,), dtype="float32")
    y = keras.layers.Reshape((3, 3, 64), dtype=dtype)(code)
    for filters, padding in ((32, "valid"), (16, "same")):
        y = keras.layers.Conv2DTranspose(filters, 3, 2, padding, activation="selu", dtype=dtype)(y)
    y = keras.layers.Conv2DTranspose(1, 3, 2, "same", dtype="float32")(y)
    return keras.Model(picture, keras.layers.Flatten(dtype="float32")(x)), keras.Model(code, y)


# How both adversarial models of Geron's are trained: Keras' own RMSprop, the last weights.
HANDS_ON_TRAINING: dict[str, Any] = {
    "batch_size": 32,
    "optimizer": "rmsprop",
    "rho": 0.9,
    "generator_learning_rate": 1e-3,
    "discriminator_learning_rate": 1e-3,
    "ema_decay": 0.0,
}
_STACKED = {
    "network": "dense",
    "hidden_units": (100,),
    "activation": "selu",
    "code_size": 30,
    "code_activation": "selu",
    "loss": "cross_entropy",
    "batch_size": 32,
    "optimizer": "sgd",
    "learning_rate": 1.5,
}
# For Fashion-MNIST, and the last one for MNIST.
AUTOENCODER_PRESETS: dict[str, dict[str, Any]] = {
    "book-hands-on-ml": {"about": "Geron (2019), chapter 17: the stacked one, 784-100-30-100-784.", **_STACKED},
    "book-hands-on-ml-tied": {"about": "The same with tied kernels.", **_STACKED, "tied": True},
    "book-hands-on-ml-convolutional": {
        "about": "The same book's convolutional one.",
        **_STACKED,
        "network": "book_convolutional",
        "code_activation": "linear",
        "learning_rate": 1.0,
    },
    "book-hands-on-ml-recurrent": {
        "about": "The same book's recurrent one: LSTMs of 100 and 30 units.",
        **_STACKED,
        "network": "recurrent",
        "code_activation": "linear",
        "learning_rate": 0.1,
    },
    "book-hands-on-ml-denoising": {
        "about": "The stacked one on examples of which half is left out.",
        **_STACKED,
        "input_dropout": 0.5,
        "learning_rate": 1.0,
    },
    "book-hands-on-ml-sparse": {
        "about": "The same book's sparse one: codes of 300 numbers, their absolute values in the loss.",
        **_STACKED,
        "code_size": 300,
        "code_activation": "sigmoid",
        "sparsity": "l1",
        "sparsity_weight": 1e-3,
        "learning_rate": 1.0,
    },
    "book-hands-on-ml-sparse-kl": {
        "about": "The same with the divergence of mean activations from 0.1.",
        **_STACKED,
        "code_size": 300,
        "code_activation": "sigmoid",
        "sparsity": "kl",
        "sparsity_weight": 0.05,
        "learning_rate": 1.0,
    },
    "book-mastering-tensorflow": {
        "about": "Dua (2022), chapter 3, for MNIST: 784-64-784, Adam.",
        "network": "dense",
        "hidden_units": (),
        "code_size": 64,
        "code_activation": "relu",
        "batch_size": 128,
    },
}
