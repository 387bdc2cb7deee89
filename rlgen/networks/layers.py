"""What the builders are made of: initialisers, dense layers, and the way bytes become numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from rlgen.networks import memory
from rlgen.spec import Spec

Activation = Literal["relu", "tanh", "elu", "selu"]


def initializer(activation: str, seed: int) -> Any:
    """He for the ReLU family, LeCun for SELU, Glorot for the rest, with a seed of its own."""
    import keras

    kinds = {"relu": "HeUniform", "elu": "HeUniform", "selu": "LecunNormal"}
    return getattr(keras.initializers, kinds.get(activation, "GlorotUniform"))(seed=seed)


def small_initializer(activation: str, seed: int) -> Any:
    """Uniform within 1 / sqrt(inputs), whatever the activation.

    Values that are bootstrapped from the network's own must start small: with He's, DQN on CartPole passes
    475 in a third as many evaluations.
    """
    import keras

    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=seed)


def first(inputs: Spec, dtype: str) -> tuple[Any, Any]:
    """(the input, the same as numbers in [0, 1] or as they are): bytes become numbers inside the network."""
    import keras

    x = tensor = keras.Input(inputs.shape, dtype=inputs.dtype)
    if inputs.dtype == "uint8":
        x = keras.layers.Rescaling(1 / 255, dtype=dtype)(x)
    elif inputs.dtype == "bool":
        x = keras.layers.Rescaling(1.0, dtype=dtype)(x)
    return tensor, x


def dense(x: Any, units: Sequence[int], options: Any, *, first_seed: int | None = None) -> Any:
    """Dense layers on top of `x`, each initialised from its own seed as its activation wants it.

    Raises:
        UserError: they would not fit into memory.
    """
    import keras

    memory.require_room(x.shape[-1], units)
    seed = options.seed if first_seed is None else first_seed
    for i, width in enumerate(units):
        initial = options.initialize(options.activation, seed + i)
        x = keras.layers.Dense(width, activation=options.activation, kernel_initializer=initial, dtype=options.dtype)(x)
    return x


def convolution(x: Any, filters: int, kernel: int, options: Any, *, number: int, stride: int = 1, **more: Any) -> Any:
    """The `number`-th convolution of a network, `activation` after it unless told otherwise."""
    import keras

    settings = {"padding": "same", "activation": options.activation, **more}
    initial = options.initialize(options.activation, options.seed + number)
    layer = keras.layers.Conv2D(
        filters, kernel, strides=stride, kernel_initializer=initial, dtype=options.dtype, **settings
    )
    return layer(x)


def unfolded_convolution(x: Any, filters: int, kernel: int, options: Any, *, number: int) -> Any:
    """As `convolution` without padding, as one product of matrices: every neighbour of a pixel is a copy moved over it.

    The copies take kernel^2 times the memory. Of pictures of ten pixels that is little, and XLA, which is slow at
    convolutions, compiles the program whole.
    """
    import keras

    moved = [
        keras.layers.Cropping2D(((row, kernel - 1 - row), (column, kernel - 1 - column)), dtype=options.dtype)(x)
        for row in range(kernel)
        for column in range(kernel)
    ]
    neighbours = keras.layers.Concatenate(dtype=options.dtype)(moved)
    return dense(neighbours, (filters,), options, first_seed=options.seed + number)
