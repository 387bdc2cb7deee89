"""Networks by specification: one builder a kind, made to fit what they see.

A network is registered under the kind `network`: a function of a `Spec` and `Options` that returns a Keras model
from examples [N, *shape] of that type to features [N, F]. Whoever needs numbers out of it, a Q-value an action
or a logit a class, puts a linear layer on top (`build`). Pictures stay pictures: bytes reach the network as bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from rlgen import registry
from rlgen.errors import UserError
from rlgen.networks.layers import Activation, dense, initializer, small_initializer
from rlgen.networks.twin import Twin
from rlgen.spec import Spec

__all__ = [
    "Activation",
    "Options",
    "Spec",
    "Twin",
    "body",
    "build",
    "has_convolutions",
    "dense",
    "fitting",
    "initializer",
    "small_initializer",
]

# The convolutions of Mnih et al. (2015) leave nothing of a smaller picture.
SMALLEST_NATURE_PIXELS = 36


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What a builder is told beside what the network sees.

    Attributes:
        hidden_units: of the dense layers, which come last.
        activation: after every layer.
        seed: every layer's initial weights follow from it.
        initialize: (activation, seed) to a Keras initializer.
        dtype: Keras' dtype policy, given to every layer: a global one set elsewhere must not leak in.
    """

    hidden_units: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    seed: int = 0
    initialize: Callable[[str, int], Any] = initializer
    dtype: str = "float32"


def fitting(name: str, inputs: Spec) -> str:
    """`name` with "auto" decided: dense for vectors, convolutions for pictures, as large as they have room for."""
    if name != "auto":
        return name
    if not inputs.picture:
        return "mlp"
    return "nature_cnn" if min(inputs.shape[:2]) >= SMALLEST_NATURE_PIXELS else "small_cnn"


def body(name: str, inputs: Spec, options: Options) -> Any:
    """The Keras model from examples to features, [N, *shape] to [N, F].

    Args:
        name: of a network, or "auto".
        inputs: what it sees.
        options: what else decides it.

    Raises:
        UserError: there is no such network, or it does not fit: the message has the shape wanted and the one got.
    """
    kind = fitting(name, inputs)
    model = registry.load(kind, ("network",))(inputs, options)
    shape = tuple(getattr(model, "output_shape", ()))
    if len(shape) != 2 or shape[1] is None:
        raise UserError(
            f"The network '{kind}' has to put out features [N, F], two axes with a fixed number of features; for "
            f"{inputs} it puts out {list(shape) or type(model).__name__}."
        )
    return model


def build(name: str, inputs: Spec, outputs: int, options: Options) -> Any:
    """As `body`, with a linear layer on top: [N, *shape] to float32 [N, outputs]."""
    import keras

    features = body(name, inputs, options)
    initial = options.initialize("linear", options.seed + 99)
    # The last layer is float32 in any precision: losses are.
    last = keras.layers.Dense(outputs, kernel_initializer=initial, dtype="float32")
    return keras.Model(features.input, last(features.output))


def has_convolutions(models: Sequence[Any]) -> bool:
    """Whether any of the models has convolutions."""
    import keras

    layers = (layer for model in models for layer in model._flatten_layers())
    return any(isinstance(layer, keras.layers.Layer) and "Conv" in type(layer).__name__ for layer in layers)
