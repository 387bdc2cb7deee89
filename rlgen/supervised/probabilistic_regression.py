"""Regression that says how sure it is: a distribution for each example, by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf

from rlgen import data
from rlgen.algorithm import Evaluation, Split
from rlgen.config import option
from rlgen.data import Target
from rlgen.errors import UserError
from rlgen.supervised.regression import Regression, RegressionConfig
from rlgen.supervised.tasks import Numbers, Prediction, Task

Scale = Literal["input", "constant", "fixed"]

# Deviations below this share of the training part's would make the likelihood explode.
LEAST_SCALE = 1e-3


@dataclass(frozen=True, kw_only=True)
class ProbabilisticRegressionConfig(RegressionConfig):
    """What a probabilistic regression can be told."""

    scale: Scale = option(
        "input",
        "Standard deviation: learned for each example, or as one number, or fixed at that of the training targets.",
    )
    components: int = option(
        1, "Normal distributions that are mixed; with more than one, a mixture density.", at_least=1
    )

    presets: ClassVar = {
        "post-line": {
            "about": "The post on maximum likelihood, for `line`: linear mean and deviation, Adam at .05, 500 updates.",
            "hidden_units": (),
            "learning_rate": 0.05,
            "scale": "input",
            "standardize": False,
        },
    }

    def check(self) -> None:
        """Refuse a mixture without scales of its own."""
        super().check()
        if self.components > 1 and self.scale != "input":
            raise UserError(
                f"components={self.components}: a mixture's scales follow from the examples; set scale=input."
            )


class Likelihood(Numbers):
    """Numbers as draws from a distribution whose parameters a net puts out: the loss is its surprise.

    In units of the training part's deviations a net puts out, for each number and component, location, raw scale and
    the component's logit.
    """

    score = "eval/negative_log_likelihood"
    config: ProbabilisticRegressionConfig

    @property
    def outputs(self) -> int:
        """Three parameters of each component of each number."""
        return 3 * self.config.components * self.target.spec.size

    def shaped(self, outputs: Any) -> Any:
        """Parameters, [N, *shape, components, 3]."""
        return tf.reshape(tf.cast(outputs, tf.float32), [-1, *self.target.spec.shape, self.config.components, 3])

    def distribution(self, outputs: Any) -> Any:
        """TensorFlow Probability's distribution of the targets, in standard deviations, of shaped outputs."""
        import tensorflow_probability as tfp

        location, raw, logits = tf.unstack(outputs, axis=-1)
        scale = tf.ones_like(raw) if self.config.scale == "fixed" else LEAST_SCALE + tf.nn.softplus(raw)
        normals = tfp.distributions.Normal(location, scale)
        if self.config.components == 1:
            return tfp.distributions.Normal(location[..., 0], scale[..., 0])
        return tfp.distributions.MixtureSameFamily(tfp.distributions.Categorical(logits=logits), normals)

    def loss(self, outputs: Any, y: Any) -> Any:
        """Mean of -ln of the density, in nats."""
        return -tf.reduce_mean(self.distribution(outputs).log_prob(y))

    says_means_alone = False

    def answer(self, outputs: Any) -> Prediction:
        """Mean and standard deviation in the targets' own unit."""
        found = self.distribution(outputs)
        return Prediction(self.target_mean + self.target_std * found.mean(), self.target_std * found.stddev())


class ProbabilisticRegression(Regression):
    """Probabilistic regression: mean and deviation of each example, or a mixture, by maximum likelihood.

    Nix and Weigend (1994) for the deviation that follows from the example, Bishop, "Mixture Density Networks" (1994).
    """

    Config = ProbabilisticRegressionConfig
    default_problem = "line"
    score = Likelihood.score
    task: Likelihood

    def make_number_task(self, target: Target) -> Task:
        """The likelihood."""
        return Likelihood(target, self.config)

    def network(self) -> Any:
        """Dense layers; one scale for all examples is a bias without weights."""
        c, made = self.config, self.config.layers(self.dtype)
        examples, features = self.features(made)
        if c.scale == "input":
            return keras.Model(examples, made.last(features, self.task.outputs))
        location = made.last(features, self.target.spec.size)
        parameters = Parameters(learned=c.scale == "constant", dtype="float32")(location)
        return keras.Model(examples, parameters)

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """As the base; the surprise is the distribution's own, of a mixture too."""
        found = super().evaluate(episodes=episodes, seed=seed, split=split)
        if self.config.components == 1 or self.config.monte_carlo_passes:
            return found
        arrays = self.held_out(split)
        x = self._standardized(data.scaled(arrays.x))
        outputs = self.task.shaped(self.in_batches(self.net, np.asarray(x)))
        y = self.task.seen(tf.constant(np.asarray(arrays.y)))
        # A density in another unit: as many logarithms of the unit more.
        units = float(tf.reduce_mean(tf.math.log(self.task.target_std)))
        scalars = {**found.scalars, self.score: float(self.task.loss(outputs, y)) + units}
        return Evaluation(scalars, found.episodes, found.images, found.texts)


class Parameters(keras.layers.Layer):
    """Locations [N, K] as parameters of distributions, [N, 3 K]: beside each a scale for all, and a logit of 0."""

    def __init__(self, *, learned: bool, **more: Any) -> None:
        """With a scale that is learned, or not needed."""
        super().__init__(**more)
        self.learned = learned

    def build(self, input_shape: Any) -> None:
        """Make the raw scales."""
        self.raw = self.add_weight(shape=input_shape[1:], initializer="zeros", name="scale") if self.learned else None

    def call(self, inputs: Any) -> Any:
        """Put the parameters of each number side by side."""
        raw = tf.zeros_like(inputs) if self.raw is None else tf.broadcast_to(self.raw, tf.shape(inputs))
        parameters = tf.stack([inputs, raw, tf.zeros_like(inputs)], axis=-1)
        return tf.reshape(parameters, [-1, 3 * inputs.shape[1]])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Three times as many."""
        return (input_shape[0], 3 * input_shape[1])

    def get_config(self) -> dict[str, Any]:
        """What Keras makes a copy from."""
        return {**super().get_config(), "learned": self.learned}
