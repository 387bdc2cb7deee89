"""What supervised models share: targets of any kind, their losses, predictions, evaluation and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import data, learning, pictures, registry
from rlgen.algorithm import Evaluation, Split
from rlgen.config import option
from rlgen.data import Arrays, Target
from rlgen.data.feed import Batch
from rlgen.data.model import Model, ModelConfig
from rlgen.errors import UserError
from rlgen.metrics.accuracy import accuracy
from rlgen.metrics.cross_entropy import cross_entropy
from rlgen.schedules import Schedule

Array = npt.NDArray[np.float32]

MISTAKES_SHOWN = 30
PICTURES_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class SupervisedConfig(ModelConfig):
    """What every supervised model can be told."""

    learning_rate: Schedule = option(Schedule.parse(1e-3), "The optimizer's step size, over batches.", at_least=0)
    label_smoothing: float = option(
        0.0, "Probability the target moves from the right class to all classes alike.", at_least=0, below=1
    )


def smoothed_cross_entropy(logits: Any, labels: Any, label_smoothing: float = 0.0) -> Any:
    """Mean cross-entropy in nats, from logits, against labels smoothed towards the uniform distribution.

    Source: Szegedy et al., "Rethinking the Inception Architecture" (CVPR 2016), section 7.

    Args:
        logits: [..., classes].
        labels: int32 [...].
        label_smoothing: s; the target is (1 - s) for the right class plus s / classes for each.
    """
    classes = logits.shape[-1]
    target = (1 - label_smoothing) * tf.one_hot(labels, classes) + label_smoothing / classes
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))


class SupervisedModel(Model):
    """Base of supervised models: a network from examples to targets, judged on what it never saw.

    A subclass says in `build` the network (`self.net`, with `self.outputs` numbers for an example) and its optimizer
    (`self.optimizer`). Classes are learned by cross-entropy and scored by accuracy; numbers and pictures by the
    squared error, numbers in units of the training part's standard deviations.
    """

    Config: ClassVar[type[SupervisedConfig]] = SupervisedConfig
    default_problem = "digits"
    score = "eval/accuracy"
    used: tuple[str, ...] = ("net",)
    learned = ("optimizer",)
    target: Target
    net: Any
    optimizer: Any

    def check_data(self) -> None:
        """Refuse data without targets."""
        if self.dataset.target is None:
            raise UserError(
                f"{type(self).__name__} learns from examples with targets, and '{self.problem}' has none. "
                f"Data sets with targets: {', '.join(_with_targets())}."
            )
        self.target = self.dataset.target
        if self.target.numbers:
            # Kept with the weights: predictions are made where the data are not.
            self.target_mean = np.zeros(self.target.spec.shape, np.float32)
            self.target_std = np.ones(self.target.spec.shape, np.float32)
            self.used = (*self.used, "target_mean", "target_std")
        if not self.target.classes:
            self.score, self.higher_is_better = "eval/mean_squared_error", False

    @property
    def outputs(self) -> int:
        """Numbers that the network puts out for one example: logits, or the target itself."""
        return self.target.spec.size * max(1, len(self.target.classes))

    def call(self, x: Any, update: Any) -> Any:
        """What the network says of examples in training, inside the program."""
        return self.net(x, training=True)

    def step(self, batch: Batch, update: Any) -> Mapping[str, Any]:
        """One update of the network on a batch."""
        with tf.GradientTape() as tape:
            outputs = self._shaped(self.call(batch.x, update))
            loss = self.loss(outputs, batch.y)
        norm = learning.descend(tape, loss, self.net.trainable_variables, self.optimizer)
        scalars = {"train/loss": loss, "train/grad_norm": norm}
        if self.target.classes:
            right = tf.argmax(outputs, axis=-1, output_type=tf.int32) == batch.y
            scalars["train/accuracy"] = tf.reduce_mean(tf.cast(right, tf.float32))
        return scalars

    def loss(self, outputs: Any, targets: Any) -> Any:
        """Cross-entropy of logits [N, ..., classes], or the mean squared error, float32 scalar."""
        if self.target.classes:
            return smoothed_cross_entropy(outputs, targets, self.config.label_smoothing)
        return tf.reduce_mean(tf.square(outputs - targets))

    def seen(self, batch: Batch) -> Batch:
        """Numbers to predict in standard deviations from their mean, so that one step size serves all units."""
        if not self.target.numbers:
            return batch
        return batch._replace(y=(batch.y - self.target_mean) / self.target_std)

    def check_training(self, arrays: Arrays) -> None:
        """Note mean and standard deviation of the numbers to predict, each [*shape of a target]."""
        if self.target.numbers:
            y = np.asarray(arrays.y)
            self.target_mean[...] = y.mean(axis=0)
            self.target_std[...] = np.maximum(y.std(axis=0), np.float32(1e-6))

    def _shaped(self, outputs: Any) -> Any:
        """The network's outputs in the shape of the targets, with an axis of classes where there are classes."""
        classes = [len(self.target.classes)] if self.target.classes else []
        return tf.reshape(tf.cast(outputs, tf.float32), [-1, *self.target.spec.shape, *classes])

    # Using the result.

    def predict(self, x: npt.ArrayLike) -> Array:
        """What the network says of examples: probability of each class, [N, classes], or the target itself.

        For a single example the first axis is left out.

        Args:
            x: one example, of the data set's shape, or a batch [N, *shape], scaled as the data set is.

        Raises:
            UserError: another shape.
        """
        examples, shape = np.asarray(x), self.dataset.spec.shape
        single = examples.shape == shape
        if not single and examples.shape[1:] != shape:
            raise UserError(f"'{self.problem}' has examples of shape {shape}; {examples.shape} is no batch of them.")
        found: Array = self.in_batches(self._answer, examples[None] if single else examples)
        return found[0] if single else found

    def _answer(self, x: npt.NDArray[Any]) -> Any:
        raw = data.scaled(x.astype(self.dataset.spec.dtype, copy=False))
        outputs = self._shaped(self.net(raw, training=False))
        if self.target.classes:
            return tf.nn.softmax(outputs)
        mean, std = (self.target_mean, self.target_std) if self.target.numbers else (0.0, 1.0)
        return mean + std * outputs

    def evaluate(self, *, episodes: int, seed: int, split: Split) -> Evaluation:
        """One pass over the held-out part; nothing in it is random.

        Classes: `eval/accuracy` and `eval/loss`, and the pictures `eval/confusion` and, of pictures,
        `eval/mistakes`. All else: `eval/mean_squared_error`, in the square of the target's unit; where the target
        is a picture, `eval/examples` has examples, targets and predictions side by side.
        """
        arrays = self.held_out(split)
        predictions, targets = self.predict(arrays.x), np.asarray(arrays.y)
        if self.target.classes:
            scalars = _judged(targets, predictions)
        else:
            error = np.square(predictions.astype(np.float64) - data.scaled(targets)).mean()
            scalars = {"eval/mean_squared_error": float(error)}
        return Evaluation(scalars=scalars, episodes=1, images=self.images(arrays, predictions))

    def images(self, arrays: Arrays, predictions: Array) -> dict[str, npt.NDArray[np.uint8]]:
        """The pictures of an evaluation, of held-out examples and what `predict` says of them."""
        drawable = self.dataset.spec.picture and self.dataset.spec.shape[-1] in (1, 3)
        if self.target.label:
            labels, guesses, names = np.asarray(arrays.y), predictions.argmax(axis=1), self.target.classes
            images = {"eval/confusion": pictures.confusion(labels, guesses, len(names))}
            if drawable:
                wrong = np.flatnonzero(guesses != labels)[:MISTAKES_SHOWN]
                captions = [f"{names[labels[i]]} as {names[guesses[i]]}" for i in wrong]
                images["eval/mistakes"] = pictures.captioned(arrays.x[wrong], captions)
            return images
        if not (drawable and self.target.spec.shape == self.dataset.spec.shape):
            return {}
        shown = (arrays.x, np.asarray(arrays.y), predictions)
        columns = [pictures.to_uint8(data.scaled(part[:PICTURES_SHOWN])) for part in shown]
        rows = np.stack(columns, axis=1).reshape(-1, *self.dataset.spec.shape)
        return {"eval/examples": pictures.grid(rows, columns=len(columns))}


def _judged(labels: npt.NDArray[Any], probabilities: Array) -> dict[str, float]:
    """Accuracy and cross-entropy of labels [N, ...] and probabilities [N, ..., classes]."""
    flat, chances = labels.reshape(-1), probabilities.reshape(-1, probabilities.shape[-1])
    return {"eval/accuracy": accuracy(flat, chances), "eval/loss": cross_entropy(flat, chances)}


def _with_targets() -> list[str]:
    """Names of the registered data sets that have targets; one that cannot be imported is passed over."""
    names = []
    for plugin in registry.available("dataset"):
        try:
            if getattr(plugin.load(), "target", None) is not None:
                names.append(plugin.name)
        except UserError:
            continue
    return names
