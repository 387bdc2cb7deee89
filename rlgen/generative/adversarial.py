"""What adversarial models of examples share: a generator from latent vectors, and dense nets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import tensorflow as tf

from rlgen import networks
from rlgen.config import option
from rlgen.data.feed import Batch
from rlgen.generative.game import Game, GameConfig
from rlgen.generative.model import GenerativeConfig, GenerativeModel
from rlgen.spec import Spec


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig(GameConfig, GenerativeConfig):
    """What every adversarial model can be told."""

    generator: str = option(
        "dense", "The generator: dense, or package.module:function, whose last layer gets the output's activation."
    )
    discriminator: str = option("dense", "The discriminator: dense, or package.module:function.")
    generator_hidden_units: tuple[int, ...] = option(
        (128, 128, 128), "Units of each hidden layer of the generator.", at_least=1
    )
    discriminator_hidden_units: tuple[int, ...] = option(
        (128, 128), "Units of each hidden layer of the discriminator.", at_least=1
    )
    activation: networks.Activation = option("tanh", "Activation of the hidden layers of both nets.")


class AdversarialModel(Game, GenerativeModel):
    """Base of adversarial models: the game of Goodfellow et al. (2014), the generator making examples of noise.

    A subclass is its configuration's defaults, or its nets too.
    """

    Config: ClassVar[type[AdversarialConfig]] = AdversarialConfig
    default_steps = 20_000
    draws: tuple[str, ...] = ("latent", "generator_latent")
    order = "replacement"

    def generator_net(self) -> Any:
        """From latent vectors to examples as vectors."""
        c = self.config
        options = self.options("generator", c.generator_hidden_units, c.activation)
        return networks.build(c.generator, self.latent_spec, self.inputs.size, options, activation=self.output)

    def discriminator_net(self) -> Any:
        """From examples, as vectors or in their shape, and their classes where they count, to a logit, [N, 1].

        With classes the logit is higher by what the last layer has for the class that is given: the projection of
        Miyato and Koyama (ICLR 2018), equation 3. Ten numbers more beside a picture's would not be heard.
        """
        c, size = self.config, self.inputs.size
        options = self.options("discriminator", c.discriminator_hidden_units, c.activation)
        net = networks.build(c.discriminator, Spec((size,)), 1 + self.class_count, options)
        if not c.conditional:
            return net
        x, given = keras.Input((size,), dtype="float32"), keras.Input((self.class_count,), dtype="float32")
        logits = net(x)
        return keras.Model([x, given], logits[:, :1] + keras.layers.Dot(1, dtype="float32")([logits[:, 1:], given]))

    def given(self, batch: Batch) -> Any:
        """The class of each example, float32 [N, classes], where it counts."""
        return self.one_hot(batch.y) if self.config.conditional else None

    @property
    def given_size(self) -> int:
        """The number of classes."""
        return self.class_count

    def generated(self, purpose: str, draw: Any, given: Any) -> Any:
        """Of latent vectors, and the classes that are given."""
        z = self.latent(purpose, draw)
        return self.generator(z if given is None else tf.concat([z, given], axis=1), training=True)
