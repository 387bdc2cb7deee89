"""What autoencoders share: an encoder and a decoder, dense or convolutional, and how both are told and trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf

from rlgen import learning, networks
from rlgen.config import another_default, option
from rlgen.data.model import Model
from rlgen.errors import UserError
from rlgen.generative import nets
from rlgen.schedules import Schedule
from rlgen.spec import Spec


@dataclass(frozen=True, kw_only=True)
class CoderConfig(nets.FiltersConfig):
    """What every autoencoder can be told."""

    network: Literal["auto", "dense", "convolutional"] = option(
        "auto", "Encoder and decoder; auto: convolutional for pictures, dense for other data."
    )
    hidden_units: tuple[int, ...] = option(
        (512, 256), "Units of each hidden layer of a dense encoder; the decoder's are the same, backwards.", at_least=1
    )
    activation: networks.Activation = option("relu", "Activation of those layers.")
    filters: int = another_default(nets.FiltersConfig, "filters", 32)
    most_filters: int = another_default(nets.FiltersConfig, "most_filters", 256)
    kernel_size: int = option(4, "Pixels along a side of each kernel.", at_least=2, at_most=16)
    optimizer: learning.PlainOptimizer = option(
        "adam", "Adam, RMSprop, Adagrad or plain gradient descent, with Keras' defaults."
    )
    learning_rate: Schedule = option(Schedule.parse(1e-3), "The optimizer's step size, over batches.", at_least=0)


class Number(keras.layers.Layer):
    """One number that may learn, as a layer, so that it is saved and trained as those are."""

    def __init__(self, value: float, *, learns: bool) -> None:
        """Begin with `value`."""
        super().__init__(dtype="float32")
        self.value = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(value), trainable=learns, name="value"
        )
        self.built = True

    def read(self) -> Any:
        """The number, float32 scalar."""
        return tf.convert_to_tensor(self.value)


def convolutional(model: Model) -> bool:
    """Whether a model's coders are.

    Raises:
        UserError: they are to be, and its examples are no pictures.
    """
    c: Any = model.config
    if c.network == "convolutional" and not model.inputs.picture:
        raise UserError(
            f"network=convolutional sees pictures, and the examples of '{model.problem}' are {model.inputs}: set "
            "network=dense."
        )
    return bool(c.network == "convolutional" or (c.network == "auto" and model.inputs.picture))


def encoder(model: Model, outputs: int, classes: int = 0) -> Any:
    """From examples, and their classes where there are any, to numbers, float32 [N, outputs]; see `encoded`."""
    c: Any = model.config
    if not convolutional(model):
        options = model.options("encoder", c.hidden_units, c.activation)
        return networks.build("dense", Spec((model.inputs.size + classes,)), outputs, options)
    layers = _layers(model, leak=nets.LEAK)
    with model.seeded("encoder"):
        picture, features = nets.features(model.inputs.shape, c.filters, c.most_filters, layers)
        given = keras.Input((classes,), dtype="float32")
        last = keras.layers.Dense(outputs, kernel_initializer=layers.weights(), dtype="float32")
        if not classes:
            return keras.Model(picture, last(features))
        return keras.Model([picture, given], last(keras.layers.Concatenate(dtype="float32")([features, given])))


def encoded(net: Any, x: Any, given: Any, *, training: bool) -> Any:
    """What an encoder says of examples [N, ...] and of what is given of them, [N, classes] or None."""
    shape = net.inputs[0].shape[1:]
    if len(shape) == 1:
        flat = tf.reshape(x, (-1, shape[0] if given is None else shape[0] - given.shape[1]))
        return net(flat if given is None else tf.concat([flat, given], 1), training=training)
    pictures = tf.reshape(x, (-1, *shape))
    return net(pictures if given is None else [pictures, given], training=training)


def decoder(model: Model, inputs: int, output: str) -> Any:
    """From numbers [N, inputs] to examples, flat or in their shape, the last layer's activation `output`."""
    c: Any = model.config
    if not convolutional(model):
        options = model.options("decoder", c.hidden_units[::-1], c.activation)
        return networks.build("dense", Spec((inputs,)), model.inputs.size, options, activation=output)
    with model.seeded("decoder"):
        return nets.generator(inputs, model.inputs.shape, c.filters, c.most_filters, _layers(model), output)


def activated(x: Any, output: str) -> Any:
    """What a last layer that is linear would have put out with the activation `output`."""
    return keras.activations.get(output)(x)


def _layers(model: Model, leak: float = 0.0) -> nets.Layers:
    c: Any = model.config
    return nets.Layers(kernel=c.kernel_size, initialization="he", leak=leak, dtype=model.dtype)


def recurrent(model: Model, code_size: int, units: int) -> tuple[Any, Any]:
    """LSTMs that read a picture row by row, and write one: encoder [N, *shape] to [N, code_size], and decoder.

    Raises:
        UserError: examples have no rows.
    """
    if not model.inputs.picture:
        raise UserError(
            f"network=recurrent reads pictures row by row, and the examples of '{model.problem}' are {model.inputs}."
        )
    height, width, channels = model.inputs.shape
    picture, code = keras.Input(model.inputs.shape, dtype="float32"), keras.Input((code_size,), dtype="float32")
    x = keras.layers.Reshape((height, width * channels), dtype="float32")(picture)
    x = keras.layers.LSTM(units, return_sequences=True, dtype="float32")(x)
    encoder = keras.Model(picture, keras.layers.LSTM(code_size, dtype="float32")(x))
    y = keras.layers.RepeatVector(height, dtype="float32")(code)
    y = keras.layers.LSTM(units, return_sequences=True, dtype="float32")(y)
    rows = keras.layers.TimeDistributed(keras.layers.Dense(width * channels, dtype="float32"), dtype="float32")(y)
    return encoder, keras.Model(code, keras.layers.Reshape(model.inputs.shape, dtype="float32")(rows))
