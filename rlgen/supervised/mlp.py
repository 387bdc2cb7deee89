"""A multi-layer perceptron that classifies, trained by AdamW on the cross-entropy, compiled whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import networks, pictures, registry, runtime
from rlgen.algorithm import Algorithm, Evaluation, Split
from rlgen.config import Config, option
from rlgen.config import Config as AnyConfig
from rlgen.data import Arrays, Dataset
from rlgen.errors import UserError
from rlgen.metrics.accuracy import accuracy
from rlgen.metrics.cross_entropy import cross_entropy

# XLA on a CPU draws by Philox, the default, ten times slower than by Threefry.
RANDOM = "threefry"
SCALARS = ("train/loss", "train/accuracy", "train/grad_norm")
MISTAKES_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class MLPConfig(Config):
    """What an MLP classifier can be told."""

    hidden_units: tuple[int, ...] = option((128, 128), "units of each hidden layer", at_least=1)
    activation: networks.Activation = option("relu", "of the hidden layers")
    learning_rate: float = option(1e-3, "AdamW's step size", above=0)
    weight_decay: float = option(
        1e-2,
        "share of each kernel taken off per update, times the learning rate; biases are spared",
        at_least=0,
    )
    dropout_rate: float = option(0.2, "share of each hidden layer's outputs set to 0 in training", at_least=0, below=1)
    label_smoothing: float = option(
        0.0, "probability the target moves from the right class to all classes alike", at_least=0, below=1
    )
    batch_size: int = option(64, "examples in a batch", at_least=1)


def smoothed_cross_entropy(logits: Any, labels: Any, label_smoothing: float = 0.0) -> Any:
    """Mean cross-entropy in nats, from logits, against labels smoothed towards the uniform distribution.

    Source: Szegedy et al., "Rethinking the Inception Architecture" (CVPR 2016), section 7.

    Args:
        logits: [N, classes].
        labels: int32 [N].
        label_smoothing: s; the target is (1 - s) for the right class plus s / classes for each.
    """
    classes = logits.shape[-1]
    target = (1 - label_smoothing) * tf.one_hot(labels, classes) + label_smoothing / classes
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))


def dropout(x: Any, rate: float, seed: Any) -> Any:
    """`x` with a share `rate` of its values set to 0 and the others scaled so that the mean stays.

    Args:
        x: activations, [N, units].
        rate: in [0, 1); 0 returns `x` itself.
        seed: of `tf.random.stateless_*`, int32 [2].
    """
    if rate == 0:
        return x
    kept = tf.random.stateless_uniform(x.shape, seed, alg=RANDOM) >= rate
    return tf.where(kept, x / (1 - rate), 0.0)


def epoch_order(seed: Any, count: int) -> Any:
    """The order of `count` examples in an epoch: a permutation, int32 [count], of a stateless seed alone."""
    keys = tf.random.stateless_uniform((count,), seed, alg=RANDOM)
    return tf.argsort(keys, stable=True)


class MLPClassifier(Algorithm):
    """MLP classifier: dense layers, dropout and AdamW, on any data set with labels.

    AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019); dropout: Srivastava
    et al. (JMLR 2014). One step is one batch; each epoch is a new permutation of the training examples.
    """

    Config = MLPConfig
    problem_kind = "dataset"
    default_problem = "digits"
    step_unit = "batches"
    score = "eval/accuracy"
    default_steps = 3000
    reseedable = True

    def __init__(self, *, problem: str, config: AnyConfig, seed: int, engine: str = "auto") -> None:
        """Build the net and its optimizer.

        Raises:
            UserError: the data set is unknown or has no labels.
        """
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.dataset: Dataset = registry.load(problem, ("dataset",))()
        if self.dataset.classes < 1:
            raise UserError(
                f"A classifier learns from labels, and '{problem}' has none. "
                f"Data sets with labels: {', '.join(_labelled())}."
            )
        c = self.config
        self.net = networks.mlp(
            inputs=int(np.prod(self.dataset.shape)),
            hidden_units=c.hidden_units,
            outputs=self.dataset.classes,
            activation=c.activation,
            seed=runtime.derive_seed(seed, "net"),
        )
        self.optimizer = keras.optimizers.AdamW(c.learning_rate, weight_decay=c.weight_decay)
        self.optimizer.exclude_from_weight_decay(var_names=["bias"])
        self.optimizer.build(self.net.trainable_variables)
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False, name="updates")
        self._dropouts = [f"dropout/{i}" for i in range(len(c.hidden_units))]
        self.seeds = runtime.Seeds(seed, "epoch_order", *self._dropouts)
        self.chunk_steps = 1000

    # Training: everything below runs inside one compiled call.

    @cached_property
    def _training(self) -> Arrays:
        arrays = self.dataset.split("train")
        if self.config.batch_size > len(arrays.x):
            raise UserError(
                f"batch_size={self.config.batch_size} is more than the {len(arrays.x)} training examples of "
                f"'{self.problem}'. Set batch_size to {len(arrays.x)} or less."
            )
        return Arrays(flat(arrays.x), arrays.y)

    @cached_property
    def _advance(self) -> Any:
        """The compiled function: the number of steps, int32, to the means of `SCALARS` over them."""
        data, labels = tf.constant(self._training.x), tf.constant(self._training.y)
        count, size = len(self._training.x), self.config.batch_size
        per_epoch = count // size

        def order_of(epoch: Any) -> Any:
            return epoch_order(self.seeds.draw("epoch_order", epoch), count)

        def advance(steps: Any) -> Any:
            def step(i: Any, update: Any, order: Any, sums: Any) -> tuple[Any, Any, Any, Any]:
                place = update % per_epoch
                # A place in the middle of an epoch keeps the order; sorting at every step would cost more
                # than learning does.
                order = tf.cond(place == 0, lambda: order_of(update // per_epoch), lambda: order)
                rows = tf.slice(order, [tf.cast(place, tf.int32) * size], [size])
                return (
                    i + 1,
                    update + 1,
                    order,
                    sums + self._step(tf.gather(data, rows), tf.gather(labels, rows), update),
                )

            first = self.updates.read_value()
            start = (tf.constant(0), first, order_of(first // per_epoch), tf.zeros(len(SCALARS)))
            _, update, _, sums = tf.while_loop(lambda i, *_: i < steps, step, start)
            self.updates.assign(update)
            return sums / tf.cast(steps, tf.float32)

        return tf.function(advance, jit_compile=True, input_signature=[tf.TensorSpec((), tf.int32)])

    def _step(self, x: Any, y: Any, update: Any) -> Any:
        """One AdamW update on a batch x [batch, size], y [batch]; the `SCALARS`, float32 [3]."""
        variables = self.net.trainable_variables
        with tf.GradientTape() as tape:
            logits = self._logits(x, update)
            loss = smoothed_cross_entropy(logits, y, self.config.label_smoothing)
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply(gradients, variables)
        right = tf.reduce_mean(tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == y, tf.float32))
        return tf.stack([loss, right, tf.linalg.global_norm(gradients)])

    def _logits(self, x: Any, update: Any) -> Any:
        """The net with dropout after each hidden layer; Keras' own layer would carry a random state."""
        *hidden, last = self.net.layers[1:]
        for layer, purpose in zip(hidden, self._dropouts, strict=True):
            x = dropout(layer(x), self.config.dropout_rate, self.seeds.draw(purpose, update))
        return last(x)

    def train(self, steps: int) -> dict[str, float]:
        """Advance `steps` batches; the scalars are means over them, with dropout on."""
        means = self._advance(tf.constant(steps, tf.int32)).numpy()
        updates = int(self.updates.numpy())
        return {
            **{name: float(mean) for name, mean in zip(SCALARS, means, strict=True)},
            "train/learning_rate": self.config.learning_rate,
            "counters/updates": updates,
            "counters/images": updates * self.config.batch_size,
        }

    def state(self) -> Mapping[str, Any]:
        """Everything a resume needs; an epoch's order follows from the seed and the number of updates."""
        return {**self.inference_state(), "optimizer": self.optimizer, "seeds": self.seeds.variable}

    def inference_state(self) -> Mapping[str, Any]:
        """The net, and how far it has come."""
        return {"net": self.net, "updates": self.updates}

    # Using the result.

    def predict(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Probability of each class, float32 [N, classes]; [classes] for a single example.

        Args:
            x: one example, of the data set's shape, or a batch [N, *shape], scaled as the data set is.

        Raises:
            UserError: another shape.
        """
        examples, shape = np.asarray(x), tuple(self.dataset.shape)
        single = examples.shape == shape
        if not single and examples.shape[1:] != shape:
            raise UserError(f"'{self.problem}' has examples of shape {shape}; {examples.shape} is no batch of them.")
        logits = self.net(flat(examples[None] if single else examples), training=False)
        probabilities: npt.NDArray[np.float32] = tf.nn.softmax(logits).numpy()
        return probabilities[0] if single else probabilities

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """Accuracy and cross-entropy on one pass over the held-out part; nothing in it is random.

        Pictures: `eval/confusion`, and for images `eval/mistakes` with the right and the chosen class.
        """
        arrays = self.dataset.split(split)
        labels = np.asarray(arrays.y)
        probabilities = self.predict(arrays.x)
        guesses = probabilities.argmax(axis=1)
        images = {"eval/confusion": pictures.confusion(labels, guesses, self.dataset.classes)}
        if len(self.dataset.shape) == 3:
            wrong = np.flatnonzero(guesses != labels)[:MISTAKES_SHOWN]
            captions = [f"{labels[i]} as {guesses[i]}" for i in wrong]
            images["eval/mistakes"] = pictures.captioned(arrays.x[wrong], captions)
        scalars = {
            "eval/accuracy": accuracy(labels, probabilities),
            "eval/loss": cross_entropy(labels, probabilities),
        }
        return Evaluation(scalars=scalars, episodes=1, images=images)


def flat(x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Examples [N, ...] as float32 [N, size]; bytes 0 to 255 become 0 to 1."""
    scaled = x / np.float32(255) if x.dtype == np.uint8 else x
    return scaled.reshape(len(x), -1).astype(np.float32)


def _labelled() -> list[str]:
    """Names of the registered data sets that have labels; one that cannot be imported is passed over."""
    names = []
    for plugin in registry.available("dataset"):
        try:
            if plugin.load().classes > 0:
                names.append(plugin.name)
        except UserError:
            continue
    return names
