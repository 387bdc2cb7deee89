"""A multi-layer perceptron, or any network with dense layers on top, and its simplest case, a linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from rlgen import networks
from rlgen.config import another_default, option
from rlgen.supervised.config import LayersConfig, SupervisedConfig
from rlgen.supervised.descent import OptimizerName
from rlgen.supervised.layers import Layers
from rlgen.supervised.model import SupervisedModel


@dataclass(frozen=True, kw_only=True)
class MLPConfig(LayersConfig):
    """What an MLP can be told."""

    network: str = option(
        "dense",
        "What sees the examples before the dense layers, by its name in `rlgen list --kind network`, or the whole net, "
        "package.module:function; auto: convolutions for pictures, else dense.",
    )
    hidden_units: tuple[int, ...] = option((128, 128), "Units of each hidden dense layer.", at_least=1)
    input_dropout_rate: float = option(0.0, "Share of an example's numbers dropped in training.", at_least=0, below=1)
    optimizer: OptimizerName = another_default(SupervisedConfig, "optimizer", "adamw")
    weight_decay: float = another_default(SupervisedConfig, "weight_decay", 1e-2)
    dropout_rate: float = another_default(LayersConfig, "dropout_rate", 0.2)

    presets: ClassVar = {
        "book-hands-on-ml": {
            "about": "Geron (2019), chapter 10, for Fashion-MNIST: 266,610 weights, SGD; 51,570 batches are 30 epochs.",
            "hidden_units": (300, 100),
            "optimizer": "sgd",
            "learning_rate": 1e-2,
            "momentum": 0.0,
            "weight_decay": 0.0,
            "batch_size": 32,
            "dropout_rate": 0.0,
            "initializer": "glorot_uniform",
        },
        "book-hands-on-ml-dropout": {
            "about": "The same book's chapter 11: ELU, dropout of a fifth of everything, Nadam, pixels standardised. "
            "Judge it with monte_carlo_passes=100 too.",
            "hidden_units": (300, 100),
            "activation": "elu",
            "initializer": "he_normal",
            "optimizer": "nadam",
            "weight_decay": 0.0,
            "batch_size": 32,
            "dropout_rate": 0.2,
            "input_dropout_rate": 0.2,
            "standardize": True,
        },
        "book-mastering-tensorflow": {
            "about": "The second book, chapter 3, for Fashion-MNIST: 64-64, RMSprop; 2,577 batches are 3 epochs.",
            "hidden_units": (64, 64),
            "optimizer": "rmsprop",
            "weight_decay": 0.0,
            "dropout_rate": 0.0,
            "initializer": "glorot_uniform",
        },
    }


class MLP(SupervisedModel):
    """MLP: dense layers, dropout and AdamW, on any data set with targets; a CNN with `network=auto`.

    AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019). One step is one batch; each epoch
    is a new permutation of the training examples.
    """

    Config = MLPConfig
    default_steps = 3000

    def network(self) -> Any:
        """Dense layers on what the examples are, or on what convolutions see of them."""
        c = self.config
        if networks.own.find(c.network):
            # The layers of a user's own network are the user's, dropout included.
            return networks.build(c.network, self.inputs, self.task.outputs, self.options("net", (), "relu"))
        made: Layers = c.layers(self.dtype)
        body = networks.body(c.network, self.inputs, self.options("net", (), "relu"))
        seen = made.dropped(body.output, c.input_dropout_rate)
        return keras.Model(body.input, made.last(made.dense(seen, c.hidden_units), self.task.outputs))


@dataclass(frozen=True, kw_only=True)
class LinearConfig(SupervisedConfig):
    """What a linear model can be told."""


class Linear(SupervisedModel):
    """Linear or logistic regression by gradient descent: one layer, on any data set with targets.

    With classes it is softmax regression, with numbers least squares.
    """

    Config = LinearConfig
    default_steps = 3000

    def network(self) -> Any:
        """One dense layer."""
        body = networks.body("dense", self.inputs, self.options("net", (), "relu"))
        return keras.Model(body.input, Layers(dtype=self.dtype).last(body.output, self.task.outputs))
