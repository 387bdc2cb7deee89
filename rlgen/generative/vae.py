"""The variational autoencoder of Kingma and Welling (2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, learning, networks, runtime
from rlgen.algorithm import Embedding, Evaluation, Split
from rlgen.config import another_default, option
from rlgen.data import Arrays, embedded
from rlgen.data.feed import Batch
from rlgen.errors import UserError
from rlgen.generative import coders, reconstruction, serving
from rlgen.generative.averaged import Array, to_output
from rlgen.generative.classes import Asked, labels_of
from rlgen.generative.model import GenerativeConfig, GenerativeModel
from rlgen.served import Served

LOG_2_PI = float(np.log(2 * np.pi))
# A latent number whose mean varies less than that from example to example says nothing: Burda et al. (2016), 5.2.
ACTIVE_VARIANCE = 0.01
# Held-out examples whose likelihood is estimated: each takes as many passes as there are importance samples.
LIKELIHOOD_LIMIT = 250


@dataclass(frozen=True, kw_only=True)
class VAEConfig(GenerativeConfig, coders.CoderConfig):
    """What a VAE can be told."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "about": "The authors' for MNIST: one hidden layer of 500 tanh units, Adagrad, batches of 100, no average.",
            "network": "dense",
            "hidden_units": (500,),
            "activation": "tanh",
            "latent_size": 20,
            "batch_size": 100,
            "optimizer": "adagrad",
            "learning_rate": 0.02,
            "ema_decay": 0.0,
        },
        "book-hands-on-ml": {
            "about": "Geron (2019), chapter 17, for Fashion-MNIST: dense layers of 150 and 100 SELU units, 10 latent "
            "numbers, RMSprop.",
            "network": "dense",
            "hidden_units": (150, 100),
            "activation": "selu",
            "latent_size": 10,
            "batch_size": 128,
            "optimizer": "rmsprop",
            "ema_decay": 0.0,
        },
    }

    judging: ClassVar[tuple[str, ...]] = (*GenerativeConfig.judging, "importance_samples")

    batch_size: int = another_default(GenerativeConfig, "batch_size", 128)
    latent_size: int = another_default(GenerativeConfig, "latent_size", 16)
    likelihood: Literal["auto", "bernoulli", "gaussian"] = option(
        "auto",
        "Of each number given z; auto: Bernoulli for pictures, whose grey counts as a probability, else Gaussian.",
    )
    variance: float | None = option(
        None, "Of the Gaussian likelihood, one for all numbers; none: it is learned.", above=0
    )
    beta: float = option(1.0, "Weight of the divergence in the loss: Higgins et al. (2017).", at_least=0)
    importance_samples: int = option(
        50, "Draws of z with which an evaluation estimates the likelihood of each example.", at_least=1, at_most=5000
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.latent_distribution != "normal":
            raise UserError("latent_distribution=uniform: the prior of a VAE is standard normal. Leave it out.")


class Bounds(NamedTuple):
    """What is known of the log likelihood of examples, means in nats per example.

    Attributes:
        elbo: the evidence lower bound, from one draw of z for each example.
        kl: the divergence of q(z|x) from the prior that is in it.
        log_likelihood: the tighter bound of importance sampling.
    """

    elbo: float
    kl: float
    log_likelihood: float


def bernoulli_log_likelihood(x: Any, logits: Any) -> Any:
    """log p(x) of numbers in [0, 1], each as the share of ones that it stands for, summed: [N, ...] to [N]."""
    each = -tf.nn.sigmoid_cross_entropy_with_logits(x, logits)
    return tf.reduce_sum(each, axis=list(range(1, len(each.shape))))


def gaussian_log_likelihood(x: Any, mean: Any, log_variance: Any) -> Any:
    """log p(x) of independent Gaussians, summed: [N, ...] to [N]."""
    each = -0.5 * (tf.square(x - mean) * tf.exp(-log_variance) + log_variance + LOG_2_PI)
    return tf.reduce_sum(each, axis=list(range(1, len(each.shape))))


def divergence(mean: Any, log_variance: Any) -> Any:
    """KL(N(mean, variance) || N(0, 1)), summed over latent numbers: [N, latent_size] to [N]; the paper's appendix B."""
    return 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - 1 - log_variance, axis=1)


class VAE(GenerativeModel):
    """VAE: an encoder says which latent vectors an example may come of, a decoder what an example they make.

    Paper: Kingma and Welling, "Auto-Encoding Variational Bayes" (ICLR 2014). Both ascend the evidence lower bound,
    E_q log p(x|z) - KL(q(z|x) || p(z)), with z = mean + deviation * noise, so that the gradient goes through the draw.

    Attributes:
        encoder: the network that learns to say q(z|x).
        average_encoder: the average of its weights, which is used.
        noise: the Gaussian likelihood's variance, where that is learned.
    """

    Config = VAEConfig
    default_problem = "digits"
    default_steps = 10_000
    step_unit = "batches"
    score = "eval/elbo"
    used: tuple[str, ...] = ("average", "average_encoder", "noise")
    learned = ("generator", "encoder", "optimizer")
    draws = ("noise",)

    def build(self) -> None:
        """Make encoder, decoder, and the optimizer of both."""
        super().build()
        c = self.config
        self.likelihood = c.likelihood
        if c.likelihood == "auto":
            self.likelihood = "bernoulli" if self.dataset.spec.picture else "gaussian"
        if c.output_activation == "auto":
            self.output = "sigmoid" if self.dataset.spec.picture else "linear"
        if self.likelihood == "bernoulli" and self.output != "sigmoid":
            raise UserError(
                f"output_activation={self.output} makes no probabilities, which likelihood=bernoulli wants: leave it "
                "out, or set likelihood=gaussian."
            )
        self.encoder, self.average_encoder = self.encoder_net(), self.encoder_net()
        self.average_encoder.set_weights(self.encoder.get_weights())
        self.noise = coders.Number(0.0 if c.variance is None else float(np.log(c.variance)), learns=c.variance is None)
        self.optimizer = self.scheduled(
            learning.plain_optimizer(c.optimizer, c.learning_rate(0)), c.learning_rate, *self._learning
        )

    @property
    def _learning(self) -> list[Any]:
        """What has weights that learn."""
        gaussian = self.likelihood == "gaussian" and self.config.variance is None
        return [self.encoder, self.generator, *([self.noise] if gaussian else [])]

    def generator_net(self) -> Any:
        """The decoder, from latent vectors to logits or means before their activation, [N, *shape] or [N, size]."""
        return coders.decoder(self, self.latent_spec.size, "linear")

    def encoder_net(self) -> Any:
        """From examples, and classes where they count, to mean and log variance of q(z|x), [N, 2 latent_size]."""
        return coders.encoder(self, 2 * self.config.latent_size, self.class_count)

    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """Algorithm 1 with one draw: up the evidence lower bound."""
        given = self.one_hot(batch.y) if self.config.conditional else None
        with tf.GradientTape() as tape:
            mean, log_variance = self._posterior(self.encoder, batch.x, given, training=True)
            epsilon = self.random.normal("noise", update, mean.shape)
            z = mean + tf.exp(0.5 * log_variance) * epsilon
            outputs = self.generator(z if given is None else tf.concat([z, given], 1), training=True)
            reconstruction_loss = -tf.reduce_mean(self._log_likelihood(batch.x, outputs))
            kl = tf.reduce_mean(divergence(mean, log_variance))
            # In nats per number the step size means the same for pictures of every size.
            loss = (reconstruction_loss + self.config.beta * kl) / self.inputs.size
        weights = [variable for part in self._learning for variable in part.trainable_variables]
        norm = learning.descend(tape, loss, weights, self.optimizer)
        return {"loss/reconstruction": reconstruction_loss, "loss/kl": kl, "train/grad_norm": norm}

    def after_step(self, update: Any) -> None:
        """Both averages follow."""
        super().after_step(update)
        self.follow(self.average_encoder, self.encoder, update)

    def _posterior(self, encoder: Any, x: Any, given: Any, *, training: bool) -> tuple[Any, Any]:
        """Mean and log variance of q(z|x), [N, latent_size] each."""
        mean, log_variance = tf.split(coders.encoded(encoder, x, given, training=training), 2, axis=1)
        return mean, log_variance

    def _log_likelihood(self, x: Any, outputs: Any) -> Any:
        """log p(x|z) in nats, [N]."""
        x, outputs = (tf.reshape(part, (-1, self.inputs.size)) for part in (x, outputs))
        if self.likelihood == "bernoulli":
            return bernoulli_log_likelihood(x, outputs)
        return gaussian_log_likelihood(x, coders.activated(outputs, self.output), self.noise.read())

    # Using the result.

    def examples_of(self, z: Any) -> Any:
        """The mean of p(x|z)."""
        return coders.activated(super().examples_of(z), self.output)

    def encode(self, x: npt.NDArray[Any], *, classes: Asked | None = None) -> tuple[Array, Array]:
        """Mean and standard deviation of q(z|x), float32 [N, latent_size] each.

        Args:
            x: examples [N, *shape], bytes or numbers as those that were learned from.
            classes: of a conditional model, the class of each.
        """
        if self.config.conditional and classes is None:
            raise UserError("This model was trained with conditional=true: say which class each example is of.")
        rows = np.concatenate([self._flat(x), self._given_rows(classes, len(x))], axis=1)
        at_once = networks.memory.at_once([self.average_encoder], most=1000)
        mean, deviation = np.split(self.in_batches(self._look, rows, size=at_once), 2, axis=1)
        return mean, deviation

    def _look(self, rows: Any) -> Any:
        """Mean and standard deviation side by side, [N, 2 latent_size], of what `encode` makes of examples."""
        rows, size = tf.convert_to_tensor(rows), self.inputs.size
        seen = rows[:, :size], rows[:, size:] if self.config.conditional else None
        mean, log_variance = self._posterior(self.average_encoder, *seen, training=False)
        return tf.concat([mean, tf.exp(0.5 * log_variance)], axis=1)

    def reconstruct(self, x: npt.NDArray[Any], *, classes: Asked | None = None) -> Array:
        """What the decoder makes of the means of q(z|x), float32 [N, *shape]; pictures in [0, 1]."""
        labels = None if classes is None else labels_of(classes, self.class_names)
        return self.decode(self.encode(x, classes=classes)[0], labels)

    def served(self) -> Mapping[str, Served]:
        """As the base, and of models without classes `encode` and `reconstruct`."""
        return {**super().served(), **({} if self.config.conditional else serving.coding(self, self._look))}

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """As the base, and what is known of held-out examples.

        `eval/elbo`, the score, `eval/kl` and `eval/log_likelihood`, nats per example, the last one by
        `importance_samples` draws for 250 of them; `eval/active_units`, latent numbers that say something;
        `eval/reconstruction_mse`, and beside it `eval/pca_mse`, that of as many principal components. The picture
        `eval/reconstructions` has held-out examples above what comes back of them.
        """
        found = super().evaluate(episodes=episodes, seed=seed, split=split)
        arrays = self.held_out(split)
        x, labels = data.scaled(arrays.x), arrays.y if self.config.conditional else None
        mean, deviation = self.encode(arrays.x, classes=labels)
        back = self.decode(mean, labels)
        scalars = {
            **{f"eval/{name}": value for name, value in self._bounds(arrays, mean, deviation, seed)._asdict().items()},
            "eval/active_units": float((mean.var(axis=0) > ACTIVE_VARIANCE).sum()),
            "eval/reconstruction_mse": reconstruction.squared_error(x, back),
            "eval/pca_mse": self._components.error(x),
        }
        images = {"eval/reconstructions": reconstruction.side_by_side(x, back)} if self.dataset.spec.picture else {}
        return replace(
            found,
            scalars={**found.scalars, **scalars},
            images={**found.images, **images},
            distributions={**found.distributions, "eval/codes": mean, "eval/code_deviations": deviation},
        )

    def embedding(self, *, seed: int) -> Embedding:
        """The means of q(z|x) of held-out examples."""
        arrays = self.held_out("validation").take(slice(embedded.MOST_EXAMPLES))
        labels = arrays.y if self.config.conditional else None
        return embedded.embedding("codes", self.encode(arrays.x, classes=labels)[0], arrays, self.dataset)

    def bounds(self, arrays: Arrays, seed: int) -> Bounds:
        """Of examples as the data set gives them, their classes with them where they count."""
        mean, deviation = self.encode(arrays.x, classes=arrays.y if self.config.conditional else None)
        return self._bounds(arrays, mean, deviation, seed)

    def _bounds(self, arrays: Arrays, mean: Array, deviation: Array, seed: int) -> Bounds:
        """The same, where q(z|x) is known."""
        x = self._flat(arrays.x)
        given = self._given_rows(arrays.y if self.config.conditional else None, len(x))
        random = runtime.generator(self.seed, "bounds", seed)
        at_once = networks.memory.at_once([self.average], most=1000)

        def log_weights(count: int) -> tuple[Array, Array]:
            """log p(x|z), and log p(z) - log q(z|x), of one draw of z for each of the first examples, [count] each."""
            epsilon = random.standard_normal((count, mean.shape[1]), np.float32)
            z = mean[:count] + deviation[:count] * epsilon
            ratio = 0.5 * np.sum(np.square(epsilon) - np.square(z), axis=1) + np.log(deviation[:count]).sum(axis=1)
            rows = np.concatenate([x[:count], z, given[:count]], axis=1)
            likelihood = self.in_batches(self._row_likelihood, rows, size=at_once)
            return likelihood, ratio.astype(np.float32)

        likelihood, _ = log_weights(len(x))
        kl = divergence(mean, 2 * np.log(deviation)).numpy()
        some = min(LIKELIHOOD_LIMIT, len(x))
        draws = np.stack([sum(log_weights(some)) for _ in range(self.config.importance_samples)])
        tight = tf.reduce_logsumexp(draws.astype(np.float64), axis=0) - np.log(len(draws))
        return Bounds(float((likelihood - kl).mean()), float(kl.mean()), float(tf.reduce_mean(tight)))

    def _flat(self, x: npt.NDArray[Any]) -> Array:
        """Examples as the encoder saw them in training, as vectors."""
        seen = to_output(data.scaled(np.asarray(x)).astype(np.float32), self.output)
        return np.asarray(seen.reshape(len(x), -1))

    def _given_rows(self, classes: Asked | None, count: int) -> Array:
        """The classes as both nets are told them, [count, classes]; no columns where they are not."""
        if classes is None:
            return np.zeros((count, 0), np.float32)
        return np.asarray(self.one_hot(labels_of(classes, self.class_names)))

    def _row_likelihood(self, rows: Any) -> Any:
        """log p(x|z) of rows of x, z and the class behind it."""
        x, z = rows[:, : self.inputs.size], rows[:, self.inputs.size :]
        return self._log_likelihood(x, self.average(z, training=False))

    @cached_property
    def _components(self) -> reconstruction.Components:
        """Fitted once: the training part does not change."""
        return reconstruction.Components(self.examples("train").x, self.config.latent_size)
