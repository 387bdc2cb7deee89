"""What adversarial models share: two nets that play against each other, one compiled step of the game, its health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import keras
import tensorflow as tf

from rlgen import learning, networks
from rlgen.config import option
from rlgen.data.feed import Batch
from rlgen.errors import UserError
from rlgen.generative import regularisers
from rlgen.generative.losses import LOSSES, LossName
from rlgen.generative.model import GenerativeConfig, GenerativeModel
from rlgen.schedules import Schedule
from rlgen.spec import Spec


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig(GenerativeConfig):
    """What every adversarial model can be told; losses and regularisers go together freely."""

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
    loss: LossName = option("non_saturating", "What both nets descend.")
    label_smoothing: float = option(
        0.0, "What the discriminator's target for real examples falls short of 1.", at_least=0, below=1
    )
    gradient_penalty: float = option(
        0.0, "Weight of (|gradient of D between real and generated examples| - 1)^2 in D's loss.", at_least=0
    )
    r1: float = option(0.0, "Twice the weight of |gradient of D at real examples|^2 in D's loss.", at_least=0)
    weight_clip: float = option(
        0.0, "Bound that all weights of D are clipped to after its updates; 0: none.", at_least=0
    )
    optimizer: Literal["adam", "rmsprop"] = option(
        "adam", "Of both nets: Adam, or RMSprop with decay 0.99 and no momentum."
    )
    generator_learning_rate: Schedule = option(
        Schedule.parse(5e-4), "The optimizer's step size for the generator, over generator updates.", at_least=0
    )
    discriminator_learning_rate: Schedule = option(
        Schedule.parse(1e-3), "The optimizer's step size for the discriminator, over generator updates.", at_least=0
    )
    beta_1: float = option(0.5, "Decay of Adam's mean of gradients, both nets, per update.", at_least=0, below=1)
    beta_2: float = option(0.999, "Decay of Adam's mean of squared gradients, likewise.", at_least=0, below=1)
    discriminator_updates: int = option(1, "Discriminator updates per generator update.", at_least=1, at_most=64)
    instance_noise: Schedule = option(
        Schedule.parse(0),
        "Standard deviation of the noise on all that D sees, in units of the data, over generator updates.",
        at_least=0,
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.label_smoothing and not LOSSES[self.loss].smooths:
            able = ", ".join(name for name, loss in LOSSES.items() if loss.smooths)
            raise UserError(
                f"label_smoothing={self.label_smoothing:g} moves a target that loss={self.loss} has not: set it to 0, "
                f"or loss to one of {able}."
            )


class AdversarialModel(GenerativeModel):
    """Base of adversarial models: algorithm 1 of Goodfellow et al. (2014), with any loss and any regulariser.

    A subclass is its configuration's defaults, or its nets too. One step is one generator update.

    Attributes:
        discriminator: tells real examples from generated ones; a critic where the loss is Wasserstein's.
    """

    Config: ClassVar[type[AdversarialConfig]] = AdversarialConfig
    step_unit = "generator updates"
    default_steps = 20_000
    learned = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")
    draws: tuple[str, ...] = ("latent", "generator_latent", "real_noise", "fake_noise", "generator_noise")
    order = "replacement"

    discriminator: Any

    def build(self) -> None:
        """Make both nets and their optimizers."""
        super().build()
        c = self.config
        self.discriminator = self.discriminator_net()
        # In batch normalisation real examples would show in the logits of generated ones, and the reverse.
        self._apart = networks.has_batch_normalization([self.discriminator])
        self._check_regularisers()
        if c.gradient_penalty:
            self.draws = (*type(self).draws, "alpha")
        if c.weight_clip:
            # Before the first gradient as well: it would come from weights that no later one may have.
            regularisers.clip(self.discriminator.trainable_variables, c.weight_clip)
        self.generator_optimizer = self.scheduled(
            self._optimizer(c.generator_learning_rate(0)), c.generator_learning_rate, self.generator
        )
        self.discriminator_optimizer = self.scheduled(
            self._optimizer(c.discriminator_learning_rate(0)), c.discriminator_learning_rate, self.discriminator
        )

    def generator_net(self) -> Any:
        """From latent vectors to examples as vectors."""
        c = self.config
        options = self.options("generator", c.generator_hidden_units, c.activation)
        return networks.build(c.generator, Spec((c.latent_size,)), self.inputs.size, options, activation=self.output)

    def discriminator_net(self) -> Any:
        """From examples, as vectors or in their shape, to a logit, [N, 1]."""
        c = self.config
        options = self.options("discriminator", c.discriminator_hidden_units, c.activation)
        return networks.build(c.discriminator, Spec((self.inputs.size,)), 1, options)

    @property
    def examples_per_update(self) -> int:
        """Every discriminator update gets real examples of its own."""
        return int(self.config.batch_size * self.config.discriminator_updates)

    @property
    def examples_at_once(self) -> int:
        """A batch of real examples and one of generated ones, however many updates there are."""
        return min(self.examples_per_update, 2 * int(self.config.batch_size))

    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """Algorithm 1: k updates of D, each on a fresh batch of real x and of z, then one of G on fresh z."""
        k = self.config.discriminator_updates
        for j, x in enumerate(tf.split(self._as_seen(batch.x), k)):
            draw = update * k + j
            fake = self._as_seen(self.generator(self.latent("latent", draw), training=True))
            x, fake = self._noisy(x, "real_noise", draw, update), self._noisy(fake, "fake_noise", draw, update)
            scalars = self._update_discriminator(x, fake, draw)
        return {**self._update_generator(self.latent("generator_latent", update), update), **scalars}

    def penalties(self, x: Any, fake: Any, draw: Any) -> dict[str, tuple[float, Any]]:
        """What D's loss has on top: the name of a scalar to (weight, value)."""
        c, terms = self.config, {}
        if c.gradient_penalty:
            alpha = self.random.uniform("alpha", draw, x.shape[:1])
            value = regularisers.gradient_penalty(self._logits, x, fake, alpha)
            terms["loss/gradient_penalty"] = c.gradient_penalty, value
        if c.r1:
            terms["loss/r1"] = c.r1 / 2, regularisers.r1(self._logits, x)
        return terms

    def _update_discriminator(self, x: Any, fake: Any, draw: Any) -> dict[str, Any]:
        """One update on real and generated examples: the loss, and how well it tells them apart."""
        c = self.config
        with tf.GradientTape() as tape:
            real_logits, fake_logits = self._both_logits(x, fake)
            loss = LOSSES[c.loss].discriminator(real_logits, fake_logits, c.label_smoothing)
            terms = self.penalties(x, fake, draw)
            total = loss
            for weight, value in terms.values():
                total += weight * value
        weights = self.discriminator.trainable_variables
        norm = learning.descend(tape, total, weights, self.discriminator_optimizer)
        if c.weight_clip:
            regularisers.clip(weights, c.weight_clip)
        scalars = {
            "loss/discriminator": loss,
            **{name: value for name, (_, value) in terms.items()},
            "train/critic_gap": tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits),
            "train/discriminator_grad_norm": norm,
        }
        if LOSSES[c.loss].probabilities:
            scalars["prob/real"] = tf.reduce_mean(tf.sigmoid(real_logits))
            scalars["prob/fake"] = tf.reduce_mean(tf.sigmoid(fake_logits))
        return scalars

    def _update_generator(self, z: Any, update: Any) -> dict[str, Any]:
        """One update on latent vectors: the loss and the norm of its gradient."""
        with tf.GradientTape() as tape:
            fake = self._as_seen(self.generator(z, training=True))
            logits = self._logits(self._noisy(fake, "generator_noise", update, update))
            loss = LOSSES[self.config.loss].generator(logits)
        norm = learning.descend(tape, loss, self.generator.trainable_variables, self.generator_optimizer)
        return {"loss/generator": loss, "train/grad_norm": norm}

    def _both_logits(self, x: Any, fake: Any) -> tuple[Any, Any]:
        """Logits of real and of generated examples, [N] each."""
        if self._apart:
            return self._logits(x), self._logits(fake)
        # One pass over both halves: one large product is cheaper than two.
        real_logits, fake_logits = tf.split(self._logits(tf.concat([x, fake], axis=0)), 2)
        return real_logits, fake_logits

    def _logits(self, x: Any) -> Any:
        return self.discriminator(x, training=True)[:, 0]

    def _as_seen(self, x: Any) -> Any:
        """Examples in the shape that D sees: dense nets see vectors, whatever the shape of an example."""
        return tf.reshape(x, [-1, *self.discriminator.input_shape[1:]])

    def _noisy(self, x: Any, purpose: str, draw: Any, update: Any) -> Any:
        """What D gets to see of `x`."""
        noise = self.config.instance_noise
        if noise == Schedule.parse(0):
            return x
        return x + noise(update) * self.random.normal(purpose, draw, x.shape)

    def _optimizer(self, learning_rate: float) -> Any:
        c = self.config
        if c.optimizer == "adam":
            return keras.optimizers.Adam(learning_rate, beta_1=c.beta_1, beta_2=c.beta_2)
        return keras.optimizers.RMSprop(learning_rate, rho=0.99)

    def _check_regularisers(self) -> None:
        c = self.config
        if self._apart and (c.gradient_penalty or c.r1):
            field = "gradient_penalty" if c.gradient_penalty else "r1"
            raise UserError(
                f"{field}={getattr(c, field):g} wants the gradient of each example by itself, and batch normalisation "
                f"in the discriminator mixes them: take it out, or set {field}=0."
            )
