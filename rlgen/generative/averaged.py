"""What models with a generator share: its last layer in the range of the data, and the average of it that is used."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, learning
from rlgen.config import option
from rlgen.data import Arrays
from rlgen.data.config import ModelConfig
from rlgen.data.feed import Batch
from rlgen.data.model import Model
from rlgen.errors import UserError
from rlgen.spec import Spec

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class AveragedConfig(ModelConfig):
    """What every model with a generator can be told."""

    # Fields that only say what is reported; a run may go on with others.
    changeable: ClassVar[tuple[str, ...]] = ("metrics", "metric_features")

    output_activation: Literal["auto", "linear", "tanh", "sigmoid"] = option(
        "auto", "Activation of the generator's last layer; auto: tanh for pictures, linear for other data."
    )
    ema_decay: float = option(
        0.999,
        "Decay per update of the averaged weights used in the end, (1 + n) / (10 + n) at most after n of them; "
        "0: the last weights.",
        at_least=0,
        below=1,
    )
    metrics: tuple[str, ...] = option(
        (), "Metrics that evaluations report as well, by their names in `rlgen list --kind metric`."
    )
    metric_features: str = option(
        "auto",
        "What metrics see of examples, by its name in `rlgen list --kind extractor`; auto: a classifier's last hidden "
        "layer for pictures with classes, else the numbers themselves.",
    )


def to_output(x: Any, output: str) -> Any:
    """Data as the generator's last layer can reach it: [0, 1] becomes [-1, 1] for tanh."""
    return 2 * x - 1 if output == "tanh" else x


def from_output(x: Array, output: str) -> Array:
    """The inverse of `to_output`, for what was generated."""
    return (x + 1) * np.float32(0.5) if output == "tanh" else x


class AveragedModel(Model):
    """Base of models that generate: a generator learns, and the average of its weights is what is used.

    A subclass says `generator_net`, adds in `build` what else it needs, and its `step` trains `self.generator`.
    `self.average` follows by itself.

    Attributes:
        output: activation of the generator's last layer, "auto" decided.
        generator: the network that learns.
        average: the exponential moving average of its weights, statistics of normalisation included.
    """

    Config: ClassVar[type[AveragedConfig]] = AveragedConfig
    used: tuple[str, ...] = ("average",)
    learned: tuple[str, ...] = ("generator",)

    generator: Any
    average: Any

    @abc.abstractmethod
    def generator_net(self) -> Any:
        """A generator, whose last layer has the activation `self.output`; two calls give the same weights."""

    @property
    def made(self) -> Spec:
        """What is generated, as the data set says it: its examples, unless a subclass says otherwise."""
        return self.dataset.spec

    def build(self) -> None:
        """Make the generator and its average."""
        auto = "tanh" if self.made.picture else "linear"
        self.output = auto if self.config.output_activation == "auto" else self.config.output_activation
        self.generator, self.average = self.generator_net(), self.generator_net()
        self.average.set_weights(self.generator.get_weights())

    def check_training(self, arrays: Arrays) -> None:
        """Refuse data that the generator's output cannot reach."""
        self.check_reached(arrays.x)

    def check_reached(self, x: npt.NDArray[Any]) -> None:
        """Refuse values that the generator's output cannot reach."""
        x = data.scaled(x)
        if self.output != "linear" and (x.min() < 0 or x.max() > 1):
            raise UserError(
                f"output_activation={self.output} needs data in [0, 1]; '{self.problem}' goes from "
                f"{x.min():g} to {x.max():g}. Set output_activation=linear."
            )

    def seen(self, batch: Batch) -> Batch:
        """Examples in the range of the generator's output."""
        return batch._replace(x=to_output(batch.x, self.output))

    def after_step(self, update: Any) -> None:
        """The average follows the generator."""
        self.follow(self.average, self.generator, update)

    def follow(self, average: Any, net: Any, update: Any) -> None:
        """Let an average of a net take in what the net has become, inside the program."""
        # Of n updates no average should reach further back than that, or what was drawn at first would be in it.
        done = tf.cast(update, tf.float32)
        decay = tf.minimum(self.config.ema_decay, (1 + done) / (10 + done))
        learning.follow(average, net, 1 - decay)
