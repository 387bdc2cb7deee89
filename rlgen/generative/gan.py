"""The generative adversarial network of Goodfellow et al. (2014), with dense nets, compiled whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import networks, pictures, registry, runtime
from rlgen.algorithm import Algorithm, Evaluation, Split
from rlgen.config import Config, option
from rlgen.config import Config as AnyConfig
from rlgen.data import Dataset
from rlgen.errors import UserError
from rlgen.metrics.coverage import coverage
from rlgen.metrics.modes import modes

Array = npt.NDArray[np.float32]
Output = Literal["linear", "tanh", "sigmoid"]

# XLA on a CPU draws by Philox, the default, ten times slower than by Threefry.
RANDOM = "threefry"
SCALARS = ("loss/generator", "loss/discriminator", "prob/real", "prob/fake", "train/grad_norm")
DRAWS = ("real", "latent", "generator_latent", "real_noise", "fake_noise", "generator_noise")
REFERENCE_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class GANConfig(Config):
    """What a dense GAN can be told."""

    latent_size: int = option(2, "numbers in a latent vector", at_least=1)
    latent_distribution: Literal["normal", "uniform"] = option(
        "normal", "of each latent number: standard normal, or uniform in [-1, 1]"
    )
    generator_hidden_units: tuple[int, ...] = option(
        (128, 128, 128), "units of each hidden layer, generator", at_least=1
    )
    discriminator_hidden_units: tuple[int, ...] = option(
        (128, 128), "units of each hidden layer, discriminator", at_least=1
    )
    activation: networks.Activation = option("tanh", "of the hidden layers of both nets")
    output_activation: Output | None = option(
        None, "of the generator's last layer; none: 'tanh' for images, 'linear' for other data"
    )
    generator_learning_rate: float = option(5e-4, "Adam's step size, generator", above=0)
    discriminator_learning_rate: float = option(1e-3, "Adam's step size, discriminator", above=0)
    learning_rate_half_life: float | None = option(
        None,
        "generator updates in which both learning rates halve, again and again; none: they stay",
        above=0,
    )
    beta_1: float = option(0.5, "decay of Adam's mean of gradients, both nets, per update", at_least=0, below=1)
    batch_size: int = option(128, "real, and as many generated, examples in an update", at_least=1)
    discriminator_updates: int = option(1, "discriminator updates per generator update", at_least=1)
    label_smoothing: float = option(
        0.0, "what the discriminator's target for real examples falls short of 1", at_least=0, below=1
    )
    instance_noise: float = option(
        1.0,
        "standard deviation of the noise on all that D sees at first, in units of the data; 0: none",
        at_least=0,
    )
    instance_noise_half_life: float = option(
        600.0, "generator updates in which that noise halves, again and again", above=0
    )
    average_decay: float = option(
        0.999,
        "decay per generator update of the averaged weights that sampling uses; 0: no averaging",
        at_least=0,
        below=1,
    )
    evaluation_samples: int = option(2500, "samples in each set an evaluation draws", at_least=10)


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


def halving(update: Any, first: float, half_life: float | None) -> Any:
    """What `first` has become after `update` generator updates: first * 2**(-update / half_life); float32."""
    if half_life is None:
        return tf.constant(first, tf.float32)
    return first * 2.0 ** (-tf.cast(update, tf.float32) / half_life)


def averaged(old: Any, new: Any, decay: float) -> Any:
    """One step of an exponential moving average."""
    return decay * old + (1 - decay) * new


def to_output(x: Any, output: Output) -> Any:
    """Data as the generator's last layer can reach it: [0, 1] becomes [-1, 1] for tanh."""
    return 2 * x - 1 if output == "tanh" else x


def from_output(x: Array, output: Output) -> Array:
    """The inverse of `to_output`, for samples."""
    return np.float32(0.5) * (x + 1) if output == "tanh" else x


class GAN(Algorithm):
    """Dense GAN: a generator and a discriminator that play against each other, on any data set.

    Paper: Goodfellow et al., "Generative Adversarial Networks" (NeurIPS 2014), algorithm 1 with the
    non-saturating loss. One step is one generator update.
    """

    Config = GANConfig
    problem_kind = "dataset"
    default_problem = "ring"
    step_unit = "generator updates"
    score = "eval/quality"
    default_steps = 20_000
    reseedable = True

    def __init__(self, *, problem: str, config: AnyConfig, seed: int, engine: str = "auto") -> None:
        """Build both nets and their optimizers; `Algorithm.__init__` says what is raised."""
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        c = self.config
        self.dataset: Dataset = registry.load(problem, ("dataset",))()
        self.output: Output = c.output_activation or ("tanh" if self._images else "linear")
        size = int(np.prod(self.dataset.shape))
        self.generator = self._generator(size)
        self.average = self._generator(size)
        self.discriminator = networks.mlp(
            inputs=size,
            hidden_units=c.discriminator_hidden_units,
            outputs=1,
            activation=c.activation,
            seed=runtime.derive_seed(seed, "discriminator"),
        )
        self.generator_optimizer = keras.optimizers.Adam(c.generator_learning_rate, beta_1=c.beta_1)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer = keras.optimizers.Adam(c.discriminator_learning_rate, beta_1=c.beta_1)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False, name="updates")
        self.seeds = runtime.Seeds(seed, *DRAWS)
        self.chunk_steps = 500

    @property
    def _images(self) -> bool:
        return len(self.dataset.shape) == 3

    def _generator(self, size: int) -> Any:
        """Two calls give two nets with the same weights, for the seed is the same."""
        seed = runtime.derive_seed(self.seed, "generator")
        net = networks.mlp(
            inputs=self.config.latent_size,
            hidden_units=self.config.generator_hidden_units,
            outputs=size,
            activation=self.config.activation,
            seed=seed,
        )
        net.layers[-1].activation = keras.activations.get(self.output)
        return net

    # Training: everything below runs inside one compiled call.

    @cached_property
    def _data(self) -> Any:
        """The training examples, float32 [N, size], on the device."""
        x = flat(self.dataset.split("train").x)
        if self.output != "linear" and (x.min() < 0 or x.max() > 1):
            raise UserError(
                f"output_activation={self.output!r} needs data in [0, 1]; '{self.problem}' goes from "
                f"{x.min():g} to {x.max():g}. Set output_activation=linear."
            )
        return tf.constant(to_output(x, self.output))

    @cached_property
    def _advance(self) -> Any:
        """The compiled function: the number of steps, int32, to the means of `SCALARS` over them."""
        data = self._data

        def advance(steps: Any) -> Any:
            def step(i: Any, update: Any, sums: Any) -> tuple[Any, Any, Any]:
                return i + 1, update + 1, sums + self._step(data, update)

            start = (tf.constant(0), self.updates.read_value(), tf.zeros(len(SCALARS)))
            _, update, sums = tf.while_loop(lambda i, *_: i < steps, step, start)
            self.updates.assign(update)
            return sums / tf.cast(steps, tf.float32)

        return tf.function(advance, jit_compile=True, input_signature=[tf.TensorSpec((), tf.int32)])

    def _step(self, data: Any, update: Any) -> Any:
        """Algorithm 1: k updates of D, each on a fresh batch of real x and of z, then one of G on fresh z.

        D ascends log D(x) + log(1 - D(G(z))); G ascends log D(G(z)) instead of descending log(1 - D(G(z))).
        The averaged generator follows. Returns the `SCALARS`, float32 [5].
        """
        self._set_learning_rates(update)
        k = self.config.discriminator_updates
        for j in range(k):
            draw = update * k + j
            x = self._real(data, draw)
            fake = self.generator(self._latent("latent", draw), training=True)
            d_loss, prob_real, prob_fake = self._update_discriminator(
                self._noisy(x, "real_noise", draw, update), self._noisy(fake, "fake_noise", draw, update)
            )
        g_loss, g_norm = self._update_generator(self._latent("generator_latent", update), update)
        for mean, weight in zip(self.average.variables, self.generator.variables, strict=True):
            mean.assign(averaged(mean, weight, self.config.average_decay))
        return tf.stack([g_loss, d_loss, prob_real, prob_fake, g_norm])

    def _set_learning_rates(self, update: Any) -> None:
        c = self.config
        # The schedule follows our own counter: an optimizer's would count its own updates, k to one.
        for optimizer, first in (
            (self.generator_optimizer, c.generator_learning_rate),
            (self.discriminator_optimizer, c.discriminator_learning_rate),
        ):
            optimizer.learning_rate.assign(halving(update, first, c.learning_rate_half_life))

    def _update_discriminator(self, x: Any, fake: Any) -> tuple[Any, Any, Any]:
        """One update on real and generated examples; the loss, mean D(x) and mean D(G(z))."""
        variables = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            # One pass over both halves: one large product is cheaper than two.
            logits = self.discriminator(tf.concat([x, fake], axis=0), training=True)[:, 0]
            real_logits, fake_logits = tf.split(logits, 2)
            loss = discriminator_loss(real_logits, fake_logits, self.config.label_smoothing)
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, tf.reduce_mean(tf.sigmoid(real_logits)), tf.reduce_mean(tf.sigmoid(fake_logits))

    def _update_generator(self, z: Any, update: Any) -> tuple[Any, Any]:
        """One update on latent vectors; the loss and the norm of its gradient."""
        variables = self.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            fake = self._noisy(self.generator(z, training=True), "generator_noise", update, update)
            loss = generator_loss(self.discriminator(fake, training=True)[:, 0])
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self.generator_optimizer.apply(gradients, variables)
        return loss, tf.linalg.global_norm(gradients)

    def _real(self, data: Any, draw: Any) -> Any:
        """A batch of real examples [batch, size], drawn with replacement."""
        seed = self.seeds.draw("real", draw)
        rows = tf.random.stateless_uniform((self.config.batch_size,), seed, 0, len(data), tf.int32, alg=RANDOM)
        return tf.gather(data, rows)

    def _noisy(self, x: Any, purpose: str, draw: Any, update: Any) -> Any:
        """What D gets to see of `x`."""
        c = self.config
        if not c.instance_noise:
            return x
        noise = tf.random.stateless_normal(x.shape, self.seeds.draw(purpose, draw), alg=RANDOM)
        return x + halving(update, c.instance_noise, c.instance_noise_half_life) * noise

    def _latent(self, purpose: str, draw: Any) -> Any:
        """A batch of latent vectors z, [batch, latent_size]."""
        shape, seed = (self.config.batch_size, self.config.latent_size), self.seeds.draw(purpose, draw)
        if self.config.latent_distribution == "normal":
            return tf.random.stateless_normal(shape, seed, alg=RANDOM)
        return tf.random.stateless_uniform(shape, seed, -1.0, 1.0, alg=RANDOM)

    def train(self, steps: int) -> dict[str, float]:
        """Advance `steps` generator updates; the scalars are means over them."""
        means = self._advance(tf.constant(steps, tf.int32)).numpy()
        updates, k = int(self.updates.numpy()), self.config.discriminator_updates
        return {
            **{name: float(mean) for name, mean in zip(SCALARS, means, strict=True)},
            "train/learning_rate": float(self.generator_optimizer.learning_rate.numpy()),
            "counters/updates": updates,
            "counters/images": updates * k * self.config.batch_size,
        }

    def state(self) -> Mapping[str, Any]:
        """Everything a resume needs; see `Algorithm.state`."""
        return {
            **self.inference_state(),
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "seeds": self.seeds.variable,
        }

    def inference_state(self) -> Mapping[str, Any]:
        """The averaged generator, which samples, and how far it has come."""
        return {"average": self.average, "updates": self.updates}

    # Using the result.

    def sample(self, n: int, seed: int) -> Array:
        """`n` samples of the averaged generator, float32 [n, *shape of an example]; images in [0, 1]."""
        return self._decode(self._latent_points(n, seed))

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Means over `episodes` independent sets of `evaluation_samples` samples.

        `eval/coverage` and `eval/density` compare as many samples as real examples, at most 1,000, with the
        held-out part; where the data know their centers, `eval/modes` and `eval/high_quality` come on top.
        The score `eval/quality` is `Modes.balanced` where there are centers and the coverage elsewhere.
        The picture `eval/samples` shows the first set.
        """
        real = unit(self.dataset.split(split).x)
        sets = [self.sample(self.config.evaluation_samples, runtime.derive_seed(seed, i)) for i in range(episodes)]
        rows = [self._measure(real, samples) for samples in sets]
        scalars = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        return Evaluation(scalars=scalars, episodes=episodes, images=self._picture(real, sets[0]))

    def frames(self, *, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
        """A loop of 6 seconds: samples along a circle in latent space, each frame a fair set of samples."""
        count = 1000 if self.dataset.shape == (2,) else 64
        first, second = (self._latent_normal(count, seed, name) for name in ("first", "second"))
        draw = self._painter(unit(self.dataset.split("validation").x))
        for angle in np.linspace(0, 2 * np.pi, 180, endpoint=False, dtype=np.float32):
            # With both ends standard normal, so is every point of the circle.
            yield draw(self._decode(self._distributed(np.cos(angle) * first + np.sin(angle) * second)))

    def _measure(self, real: Array, samples: Array) -> dict[str, float]:
        count = min(len(real), len(samples), REFERENCE_LIMIT)
        near = coverage(real[:count], samples[:count])
        scalars = {"eval/quality": near.coverage, "eval/coverage": near.coverage, "eval/density": near.density}
        # Not in the contract of a data set: only mixtures know them.
        centers, std = getattr(self.dataset, "centers", None), getattr(self.dataset, "std", None)
        if centers is not None and std is not None:
            found = modes(samples, centers, std)
            scalars["eval/quality"] = found.balanced
            scalars.update({"eval/modes": float(found.covered), "eval/high_quality": found.high_quality})
        return scalars

    def _picture(self, real: Array, samples: Array) -> dict[str, npt.NDArray[np.uint8]]:
        """`eval/samples`, or nothing for data that is neither planar nor images."""
        if self.dataset.shape != (2,) and not self._images:
            return {}
        return {"eval/samples": self._painter(real)(samples)}

    def _painter(self, real: Array) -> Callable[[Array], npt.NDArray[np.uint8]]:
        if self.dataset.shape == (2,):
            return pictures.Scatter(real[:2000]).draw
        if self._images:
            return lambda samples: pictures.grid(samples[:64])
        raise UserError(f"Examples of shape {self.dataset.shape} cannot be drawn: only images and points in the plane.")

    def _decode(self, z: Array) -> Array:
        """Latent vectors [n, latent_size] to examples [n, *shape], by the averaged generator."""
        x = from_output(np.asarray(self.average(z, training=False)), self.output)
        return x.reshape(-1, *self.dataset.shape)

    def _latent_points(self, n: int, seed: int) -> Array:
        return self._distributed(self._latent_normal(n, seed))

    def _latent_normal(self, n: int, *purpose: int | str) -> Array:
        random = runtime.generator(self.seed, "sample", *purpose)
        return random.standard_normal((n, self.config.latent_size), np.float32)

    def _distributed(self, normal: Array) -> Array:
        """Standard normal numbers as the latent distribution wants them, uniform through the normal's CDF."""
        if self.config.latent_distribution == "normal":
            return normal
        return np.asarray(tf.math.erf(normal / np.sqrt(2, dtype=np.float32)))


def unit(x: npt.NDArray[Any]) -> Array:
    """Examples as float32; bytes 0 to 255 become 0 to 1."""
    return (x / np.float32(255) if x.dtype == np.uint8 else x).astype(np.float32)


def flat(x: npt.NDArray[Any]) -> Array:
    """Examples [N, ...] as float32 [N, size]; bytes 0 to 255 become 0 to 1."""
    return unit(x).reshape(len(x), -1)
