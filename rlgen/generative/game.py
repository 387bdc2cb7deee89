"""The game of two nets, generator and discriminator: one compiled step of it, any loss, any regulariser, its health."""

from __future__ import annotations

import abc
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
from rlgen.generative.averaged import AveragedModel
from rlgen.generative.losses import LOSSES
from rlgen.generative.sight import Sight, SightConfig
from rlgen.schedules import Schedule

# The name of a scalar to (weight, value): what a loss has on top.
Terms = dict[str, tuple[float, Any]]


@dataclass(frozen=True, kw_only=True)
class GameConfig(SightConfig):
    """What every game of two nets can be told; losses and regularisers go together freely."""

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
    optimizer: Literal["adam", "rmsprop"] = option("adam", "Of both nets: Adam, or RMSprop without momentum.")
    generator_learning_rate: Schedule = option(
        Schedule.parse(5e-4), "The optimizer's step size for the generator, over generator updates.", at_least=0
    )
    discriminator_learning_rate: Schedule = option(
        Schedule.parse(1e-3), "The optimizer's step size for the discriminator, over generator updates.", at_least=0
    )
    beta_1: float = option(0.5, "Decay of Adam's mean of gradients, both nets, per update.", at_least=0, below=1)
    beta_2: float = option(0.999, "Decay of Adam's mean of squared gradients, likewise.", at_least=0, below=1)
    rho: float = option(0.99, "Decay of RMSprop's mean of squared gradients, likewise.", at_least=0, below=1)
    discriminator_updates: int = option(1, "Discriminator updates per generator update.", at_least=1, at_most=64)
    same_draws: bool = option(
        False, "Update G on what it made for D's last update, which saves a pass, instead of on fresh draws."
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


class Game(AveragedModel):
    """Algorithm 1 of Goodfellow et al. (2014), with any loss and any regulariser. One step is one generator update.

    A subclass says both nets, and what G makes of what. What both are told beside (a class, a picture) is `given`.

    Attributes:
        discriminator: tells real examples from generated ones; a critic where the loss is Wasserstein's.
        game_weight: of the game in G's loss, beside its `wishes`.
    """

    Config: ClassVar[type[GameConfig]] = GameConfig
    step_unit = "generator updates"
    learned: tuple[str, ...] = (
        "generator",
        "discriminator",
        "generator_optimizer",
        "discriminator_optimizer",
    )
    draws: tuple[str, ...] = ()

    discriminator: Any
    game_weight: float = 1.0

    # What a game is about.

    @abc.abstractmethod
    def discriminator_net(self) -> Any:
        """From examples, and what is given where anything is, to a logit or several, [N, ..., 1]."""

    @abc.abstractmethod
    def generated(self, purpose: str, draw: Any, given: Any) -> Any:
        """As many examples as in a batch, in training, with the draws of `purpose` and the counter `draw`."""

    def real(self, batch: Batch) -> Any:
        """What D is to accept."""
        return batch.x

    def given(self, batch: Batch) -> Any:
        """What both nets are told of each example, in the order of the batch; None: nothing."""
        return None

    @property
    def given_size(self) -> int:
        """Numbers in that, where it is a vector."""
        return 0

    def penalties(self, x: Any, fake: Any, given: Any, draw: Any) -> Terms:
        """What D's loss has on top."""
        c, terms = self.config, Terms()

        def critic(examples: Any) -> Any:
            return self.logits(examples, given)

        if c.gradient_penalty:
            alpha = self.random.uniform("alpha", draw, x.shape[:1])
            value = regularisers.gradient_penalty(critic, x, fake, alpha)
            terms["loss/gradient_penalty"] = c.gradient_penalty, value
        if c.r1:
            terms["loss/r1"] = c.r1 / 2, regularisers.r1(critic, x)
        return terms

    def wishes(self, fake: Any, batch: Batch) -> Terms:
        """What G's loss has on top, of what it made for `batch`."""
        return {}

    def statistics(self) -> list[Any]:
        """What D's sight is steered by."""
        return [*super().statistics(), *self.sight.statistics]

    # How it is played.

    def build(self) -> None:
        """Make both nets and their optimizers."""
        super().build()
        c = self.config
        self.discriminator = self.discriminator_net()
        # In batch normalisation real examples would show in the logits of generated ones, and the reverse.
        self._apart = networks.mixes_examples([self.discriminator])
        self._check_regularisers()
        self.sight = Sight(
            c, made=self.made, seen=self.discriminator.inputs[0].shape[1:], given=self.given_size, problem=self.problem
        )
        self.learned = (*type(self).learned, *(["sight"] if self.sight.variables else []))
        self.draws = (*type(self).draws, *self.sight.draws, *(["alpha"] if c.gradient_penalty else []))
        if c.weight_clip:
            # Before the first gradient as well: it would come from weights that no later one may have.
            regularisers.clip(self.discriminator.trainable_variables, c.weight_clip)
        self.generator_optimizer = self.scheduled(
            self._optimizer(c.generator_learning_rate(0)), c.generator_learning_rate, self.generator
        )
        self.discriminator_optimizer = self.scheduled(
            self._optimizer(c.discriminator_learning_rate(0)), c.discriminator_learning_rate, self.discriminator
        )

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
        for j, part in enumerate(_parts(batch, k)):
            draw, given = update * k + j, self.given(part)
            with tf.GradientTape() as tape:
                made = self.generated("latent", draw, given)
            fake, told = self.sight.exchanged(tf.stop_gradient(made), given, self.random, draw)
            x = self.sight.of(self.real(part), "real", self.random, draw, update)
            fake = self.sight.of(fake, "fake", self.random, draw, update)
            scalars = self._update_discriminator(x, fake, given, told, draw)
        if not self.config.same_draws:
            with tf.GradientTape() as tape:
                made = self.generated("generator_latent", update, given)
        return {**self._update_generator(tape, made, part, update), **scalars}

    def _update_discriminator(self, x: Any, fake: Any, given: Any, told: Any, draw: Any) -> dict[str, Any]:
        """One update on real examples, `given` of them, and generated ones, `told` of them; how it went."""
        c = self.config
        with tf.GradientTape() as tape:
            real_logits, fake_logits = self._both_logits(x, fake, given, told)
            loss = LOSSES[c.loss].discriminator(real_logits, fake_logits, c.label_smoothing)
            terms = self.penalties(x, fake, given, draw)
            total = _total(loss, terms)
        weights = self.discriminator.trainable_variables
        norm = learning.descend(tape, total, weights, self.discriminator_optimizer)
        if c.weight_clip:
            regularisers.clip(weights, c.weight_clip)
        scalars = {
            "loss/discriminator": loss,
            **{name: value for name, (_, value) in terms.items()},
            "train/critic_gap": tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits),
            "train/discriminator_grad_norm": norm,
            **self.sight.steer(real_logits),
        }
        if LOSSES[c.loss].probabilities:
            scalars["prob/real"] = tf.reduce_mean(tf.sigmoid(real_logits))
            scalars["prob/fake"] = tf.reduce_mean(tf.sigmoid(fake_logits))
        return scalars

    def _update_generator(self, tape: Any, fake: Any, batch: Batch, update: Any) -> dict[str, Any]:
        """One update of G, whose `tape` saw it make `fake`: the loss and the norm of its gradient."""
        with tape:
            seen = self.sight.of(fake, "generator", self.random, update, update)
            loss = LOSSES[self.config.loss].generator(self.logits(seen, self.given(batch)))
            terms = self.wishes(fake, batch)
            total = _total(self.game_weight * loss, terms)
        norm = learning.descend(tape, total, self.generator.trainable_variables, self.generator_optimizer)
        return {"loss/generator": loss, **{name: value for name, (_, value) in terms.items()}, "train/grad_norm": norm}

    def logits(self, x: Any, given: Any) -> Any:
        """D's logits in training, [N, ...]."""
        return self.discriminator(x if given is None else [x, given], training=True)[..., 0]

    def _both_logits(self, x: Any, fake: Any, given: Any, told: Any) -> tuple[Any, Any]:
        """Logits of real examples, of which `given` is given, and of generated ones, of which `told`; [N, ...] each."""
        if self._apart:
            return self.logits(x, given), self.logits(fake, told)
        # One pass over both halves: one large product is cheaper than two.
        both = None if given is None else tf.concat([given, told], axis=0)
        real_logits, fake_logits = tf.split(self.logits(tf.concat([x, fake], axis=0), both), 2)
        return real_logits, fake_logits

    def _optimizer(self, learning_rate: float) -> Any:
        c = self.config
        if c.optimizer == "adam":
            return learning.Adam(learning_rate, beta_1=c.beta_1, beta_2=c.beta_2)
        return keras.optimizers.RMSprop(learning_rate, rho=c.rho)

    def _check_regularisers(self) -> None:
        c = self.config
        if networks.has_batch_normalization([self.discriminator]) and (c.gradient_penalty or c.r1):
            field = "gradient_penalty" if c.gradient_penalty else "r1"
            raise UserError(
                f"{field}={getattr(c, field):g} wants the gradient of each example by itself, and batch normalisation "
                f"in the discriminator mixes them: take it out, or set {field}=0."
            )


def _parts(batch: Batch, count: int) -> list[Batch]:
    """A batch in so many equal parts."""
    columns = [[None] * count if column is None else tf.split(column, count) for column in batch]
    return [Batch(*part) for part in zip(*columns, strict=True)]


def _total(loss: Any, terms: Terms) -> Any:
    """A loss and what it has on top, weighted."""
    for weight, value in terms.values():
        loss += weight * value
    return loss
