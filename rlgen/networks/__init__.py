"""Networks by specification: one builder a kind, made to fit what they see.

A network is registered under the kind `network`: a function of a `Spec` and `Options` that returns a Keras model
from examples [N, *shape] of that type to features [N, F]. Whoever needs numbers out of it, a Q-value an action
or a logit a class, puts a linear layer on top (`build`). Pictures stay pictures: bytes reach the network as bytes.
Instead of a name there may stand a function of a user's own (`rlgen.networks.own`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rlgen import registry
from rlgen.errors import UserError
from rlgen.networks import memory, own
from rlgen.networks.layers import Activation, dense, initializer, small_initializer
from rlgen.networks.mirror import Mirror, on_host
from rlgen.spec import Spec

__all__ = [
    "Activation",
    "Options",
    "Spec",
    "Mirror",
    "body",
    "build",
    "build_pair",
    "has_batch_normalization",
    "has_convolutions",
    "dense",
    "fitting",
    "from_numbers",
    "head",
    "initializer",
    "linear",
    "memory",
    "mixes_examples",
    "on_host",
    "own",
    "replace",
    "small_initializer",
]

# The convolutions of Mnih et al. (2015) leave nothing of a smaller picture.
SMALLEST_NATURE_PIXELS = 36
# Of those with less there is nothing to go over.
SMALLEST_PICTURE_PIXELS = 2
# Asked of a user's own network where no hidden layers say how many.
FEATURES = 64


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


replace = dataclasses.replace


def fitting(name: str, inputs: Spec) -> str:
    """`name` with "auto" decided: dense for vectors, convolutions for pictures, as large as they have room for."""
    if name != "auto":
        return name
    if not inputs.picture or min(inputs.shape[:2]) < SMALLEST_PICTURE_PIXELS:
        return "dense"
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
    if (function := own.find(kind)) is not None:
        features = options.hidden_units[-1] if options.hidden_units else FEATURES
        return own.made(function, kind, inputs, features, seed=options.seed)
    model = registry.load(kind, ("network",))(inputs, options)
    shape = tuple(getattr(model, "output_shape", ()))
    if len(shape) != 2 or shape[1] is None:
        raise UserError(
            f"The network '{kind}' has to put out features [N, F], two axes with a fixed number of features; for "
            f"{inputs} it puts out {list(shape) or type(model).__name__}."
        )
    return model


def head(features: int, hidden_units: Sequence[int], outputs: int, options: Options, *, first_seed: int) -> Any:
    """The Keras model from features, [N, features], over dense layers to a linear one, float32 [N, outputs].

    Args:
        features: numbers it sees.
        hidden_units: of the dense layers.
        outputs: of the linear layer.
        options: activation, initialiser and precision.
        first_seed: of the first layer; the others' follow.
    """
    import keras

    first = keras.Input((features,), dtype="float32")
    x = dense(first, hidden_units, options, first_seed=first_seed)
    return keras.Model(first, linear(outputs, options, seed=first_seed + len(hidden_units))(x))


def linear(outputs: int, options: Options, *, seed: int) -> Any:
    """A linear layer, the last one of a network. It is float32 in any precision: losses are."""
    import keras

    initial = options.initialize("linear", seed)
    return keras.layers.Dense(outputs, kernel_initializer=initial, dtype="float32")


def build(name: str, inputs: Spec, outputs: int, options: Options, *, activation: str = "linear") -> Any:
    """As `body`, with one more layer on top, linear unless told otherwise: [N, *shape] to float32 [N, outputs].

    A user's own function makes the whole of it.
    """
    import keras

    if (function := own.find(name)) is not None:
        whole = own.made(function, name, inputs, outputs, seed=options.seed)
        return whole if activation == "linear" else keras.Sequential([whole, keras.layers.Activation(activation)])
    features = body(name, inputs, options)
    last = linear(outputs, options, seed=options.seed + 99)
    last.activation = keras.activations.get(activation)
    return keras.Model(features.input, last(features.output))


def build_pair(name: str, inputs: tuple[Spec, Spec], outputs: int, options: Options) -> Any:
    """The Keras model of an observation and an action, [[N, *shape], [N, A]] to float32 [N, outputs].

    A vector and the action are one vector; a picture goes through its convolutions and the first of the hidden
    layers before the action joins it, or, where there is one hidden layer alone, through its convolutions: without a
    layer behind it the action would add the same to the value of every picture.
    """
    import keras

    observation, action = inputs
    second = keras.Input((action.size,), dtype="float32")
    if not observation.picture:
        first = keras.Input(observation.shape, dtype=observation.dtype)
        pair = keras.layers.Concatenate(dtype="float32")([first, second])
        x = body(name, Spec((observation.size + action.size,)), options)(pair)
    else:
        before = options.hidden_units[: min(1, len(options.hidden_units) - 1)]
        features = body(name, observation, replace(options, hidden_units=before))
        joined = keras.layers.Concatenate(dtype="float32")([features.output, second])
        after = options.hidden_units[len(before) :]
        first, x = features.input, dense(joined, after, options, first_seed=options.seed + 1)
    return keras.Model([first, second], linear(outputs, options, seed=options.seed + 99)(x))


def from_numbers(model: Any) -> tuple[Any, Any] | None:
    """A model of bytes as two: from bytes to numbers, and from numbers on. None where no layer of its own does that."""
    import keras

    scaling = next((layer for layer in model.layers if type(layer).__name__ == "Rescaling"), None)
    if scaling is None or len(model.inputs) != 1:
        return None
    return scaling, keras.Model(scaling.output, model.output)


def has_convolutions(models: Iterable[Any]) -> bool:
    """Whether any of the models has convolutions; what is no Keras model has none."""
    return _has("Conv", models)


def has_batch_normalization(models: Iterable[Any]) -> bool:
    """Whether any of the models has it."""
    return _has("BatchNorm", models)


def mixes_examples(models: Iterable[Any]) -> bool:
    """Whether in training what a model says of an example depends on the other ones of its batch."""
    return has_batch_normalization(models) or _has("Minibatch", models)


def _has(word: str, models: Iterable[Any]) -> bool:
    """Whether the name of a layer's type has the word in it."""
    layers = (layer for model in models if hasattr(model, "layers") for layer in model._flatten_layers())
    return any(word in type(layer).__name__ for layer in layers)
