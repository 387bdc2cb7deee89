"""A multi-layer perceptron, or another network that ends in dense layers, trained by AdamW, compiled whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from rlgen import networks
from rlgen.config import option
from rlgen.supervised.model import SupervisedConfig, SupervisedModel


@dataclass(frozen=True, kw_only=True)
class MLPConfig(SupervisedConfig):
    """What an MLP can be told."""

    network: str = option(
        "dense",
        "Network, by its name in `rlgen list --kind network`, or package.module:function; auto: convolutions for "
        "pictures, else dense.",
    )
    hidden_units: tuple[int, ...] = option((128, 128), "Units of each hidden dense layer.", at_least=1)
    activation: networks.Activation = option("relu", "Activation of the hidden layers.")
    weight_decay: float = option(
        1e-2,
        "Share of each kernel taken off per update, times the learning rate; biases are spared.",
        at_least=0,
    )
    dropout_rate: float = option(
        0.2, "Share of each hidden dense layer's outputs set to 0 in training.", at_least=0, below=1
    )


def dropout(x: Any, rate: float, coins: Any) -> Any:
    """`x` with a share `rate` of its values set to 0 and the others scaled so that the mean stays.

    Args:
        x: activations, [N, units].
        rate: in [0, 1).
        coins: uniform in [0, 1), of the shape of `x`.
    """
    return tf.where(coins >= rate, x / (1 - rate), tf.zeros((), x.dtype))


class MLP(SupervisedModel):
    """MLP: dense layers, dropout and AdamW, on any data set with targets; a CNN with `network=auto`.

    AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019); dropout: Srivastava
    et al. (JMLR 2014). One step is one batch; each epoch is a new permutation of the training examples.
    """

    Config = MLPConfig
    default_steps = 3000

    def build(self) -> None:
        """Make the net and its optimizer."""
        c = self.config
        self.net = networks.build(
            c.network, self.inputs, self.outputs, self.options("net", c.hidden_units, c.activation)
        )
        # The layers of a user's own network are the user's, dropout included.
        self.trunk, self.dense = (self.net, []) if networks.own.find(c.network) else split_off_dense(self.net)
        self.draws = tuple(f"dropout/{i}" for i in range(len(self.dense) - 1))
        optimizer = keras.optimizers.AdamW(c.learning_rate(0), weight_decay=c.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        self.optimizer = self.scheduled(optimizer, c.learning_rate, self.net)

    def call(self, x: Any, update: Any) -> Any:
        """The net with dropout after each hidden dense layer; Keras' own layer would carry a random state."""
        rate, x = self.config.dropout_rate, self.trunk(x, training=True)
        if not self.dense:
            return x
        *hidden, last = self.dense
        for layer, purpose in zip(hidden, self.draws, strict=True):
            x = layer(x)
            if rate:
                x = dropout(x, rate, self.random.uniform(purpose, update, x.shape))
        return last(x)


def split_off_dense(net: Any) -> tuple[Any, list[Any]]:
    """A net as (the model before its last dense layers, those dense layers, the output's included)."""
    dense: list[Any] = []
    for layer in reversed(net.layers):
        if not isinstance(layer, keras.layers.Dense):
            break
        dense.insert(0, layer)
    return keras.Model(net.input, dense[0].input), dense
