"""The generative adversarial network of Goodfellow et al. (2014), with dense nets, compiled whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from rlgen import learning, networks
from rlgen.config import option
from rlgen.data.feed import Batch
from rlgen.generative.model import GenerativeConfig, GenerativeModel
from rlgen.schedules import Schedule
from rlgen.spec import Spec


@dataclass(frozen=True, kw_only=True)
class GANConfig(GenerativeConfig):
    """What a dense GAN can be told."""

    batch_size: int = option(128, "Real, and as many generated, examples in an update.", at_least=1)
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
    generator_learning_rate: Schedule = option(
        Schedule.parse(5e-4), "Adam's step size for the generator, over generator updates.", at_least=0
    )
    discriminator_learning_rate: Schedule = option(
        Schedule.parse(1e-3), "Adam's step size for the discriminator, over generator updates.", at_least=0
    )
    beta_1: float = option(0.5, "Decay of Adam's mean of gradients, both nets, per update.", at_least=0, below=1)
    discriminator_updates: int = option(1, "Discriminator updates per generator update.", at_least=1, at_most=64)
    label_smoothing: float = option(
        0.0, "What the discriminator's target for real examples falls short of 1.", at_least=0, below=1
    )
    instance_noise: Schedule = option(
        Schedule.parse("exponential:start=1,factor=0.5,every=600"),
        "Standard deviation of the noise on all that D sees, in units of the data, over generator updates.",
        at_least=0,
    )


def discriminator_loss(real_logits: Any, fake_logits: Any, label_smoothing: float = 0.0) -> Any:
    """Binary cross-entropy of the discriminator: -mean log D(x) - mean log(1 - D(G(z))).

    With one-sided smoothing s the target of real examples is 1 - s (Salimans et al., 2016). From logits,
    through softplus, so that no logarithm meets a zero.

    Args:
        real_logits: of real examples, [N].
        fake_logits: of generated ones, [N].
        label_smoothing: s.
    """
    real = (1 - label_smoothing) * tf.nn.softplus(-real_logits) + label_smoothing * tf.nn.softplus(real_logits)
    return tf.reduce_mean(real) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def generator_loss(fake_logits: Any) -> Any:
    """The generator's non-saturating loss, -mean log D(G(z)), from logits [N]; Goodfellow et al., section 3."""
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


class GAN(GenerativeModel):
    """Dense GAN: a generator and a discriminator that play against each other, on any data set.

    Paper: Goodfellow et al., "Generative Adversarial Networks" (NeurIPS 2014), algorithm 1 with the
    non-saturating loss. One step is one generator update.
    """

    Config = GANConfig
    step_unit = "generator updates"
    default_steps = 20_000
    learned = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")
    draws = ("latent", "generator_latent", "real_noise", "fake_noise", "generator_noise")
    order = "replacement"

    def build(self) -> None:
        """Make both nets and their optimizers."""
        super().build()
        c = self.config
        options = self.options("discriminator", c.discriminator_hidden_units, c.activation)
        self.discriminator = networks.build(c.discriminator, Spec((self.inputs.size,)), 1, options)
        self.generator_optimizer = self.scheduled(
            keras.optimizers.Adam(c.generator_learning_rate(0), beta_1=c.beta_1),
            c.generator_learning_rate,
            self.generator,
        )
        self.discriminator_optimizer = self.scheduled(
            keras.optimizers.Adam(c.discriminator_learning_rate(0), beta_1=c.beta_1),
            c.discriminator_learning_rate,
            self.discriminator,
        )

    def generator_net(self) -> Any:
        """From latent vectors to examples as vectors."""
        c = self.config
        options = self.options("generator", c.generator_hidden_units, c.activation)
        return networks.build(c.generator, Spec((c.latent_size,)), self.inputs.size, options, activation=self.output)

    @property
    def examples_per_update(self) -> int:
        """Every discriminator update gets real examples of its own."""
        return int(self.config.batch_size * self.config.discriminator_updates)

    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """Algorithm 1: k updates of D, each on a fresh batch of real x and of z, then one of G on fresh z.

        D ascends log D(x) + log(1 - D(G(z))); G ascends log D(G(z)) instead of descending log(1 - D(G(z))).
        """
        k = self.config.discriminator_updates
        # Dense nets see vectors, whatever the shape of an example.
        for j, x in enumerate(tf.split(tf.reshape(batch.x, [-1, self.inputs.size]), k)):
            draw = update * k + j
            fake = self.generator(self.latent("latent", draw), training=True)
            scalars = self._update_discriminator(
                self._noisy(x, "real_noise", draw, update), self._noisy(fake, "fake_noise", draw, update)
            )
        return {**self._update_generator(self.latent("generator_latent", update), update), **scalars}

    def _update_discriminator(self, x: Any, fake: Any) -> dict[str, Any]:
        """One update on real and generated examples: the loss, mean D(x) and mean D(G(z))."""
        with tf.GradientTape() as tape:
            # One pass over both halves: one large product is cheaper than two.
            logits = self.discriminator(tf.concat([x, fake], axis=0), training=True)[:, 0]
            real_logits, fake_logits = tf.split(logits, 2)
            loss = discriminator_loss(real_logits, fake_logits, self.config.label_smoothing)
        learning.descend(tape, loss, self.discriminator.trainable_variables, self.discriminator_optimizer)
        return {
            "loss/discriminator": loss,
            "prob/real": tf.reduce_mean(tf.sigmoid(real_logits)),
            "prob/fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
        }

    def _update_generator(self, z: Any, update: Any) -> dict[str, Any]:
        """One update on latent vectors: the loss and the norm of its gradient."""
        with tf.GradientTape() as tape:
            fake = self._noisy(self.generator(z, training=True), "generator_noise", update, update)
            loss = generator_loss(self.discriminator(fake, training=True)[:, 0])
        norm = learning.descend(tape, loss, self.generator.trainable_variables, self.generator_optimizer)
        return {"loss/generator": loss, "train/grad_norm": norm}

    def _noisy(self, x: Any, purpose: str, draw: Any, update: Any) -> Any:
        """What D gets to see of `x`."""
        noise = self.config.instance_noise
        if noise == Schedule.parse(0):
            return x
        return x + noise(update) * self.random.normal(purpose, draw, x.shape)
