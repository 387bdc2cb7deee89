"""What the kind of a target decides: how many numbers a net puts out, the loss of them, and what they say."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen.data import Target
from rlgen.errors import UserError
from rlgen.supervised.config import SupervisedConfig

Array = npt.NDArray[np.float32]


class Prediction(NamedTuple):
    """What a model says of examples.

    Attributes:
        mean: probability of each class, [N, ..., classes], or the target itself, [N, *shape].
        deviation: standard deviation of `mean`, of its shape; None where the model knows none.
    """

    mean: Any
    deviation: Any = None


def smoothed_cross_entropy(logits: Any, labels: Any, label_smoothing: float = 0.0, weights: Any = None) -> Any:
    """Mean cross-entropy in nats, from logits, against labels smoothed towards the uniform distribution.

    Source: Szegedy et al., "Rethinking the Inception Architecture" (CVPR 2016), section 7.

    Args:
        logits: [..., classes].
        labels: int32 [...].
        label_smoothing: s; the target is (1 - s) for the right class plus s / classes for each.
        weights: float32 [classes], what an example of each class counts; None: alike.
    """
    classes = logits.shape[-1]
    hot = tf.one_hot(labels, classes)
    target = (1 - label_smoothing) * hot + label_smoothing / classes
    losses = tf.nn.softmax_cross_entropy_with_logits(target, logits)
    return tf.reduce_mean(losses if weights is None else losses * tf.linalg.matvec(hot, weights))


class Task(abc.ABC):
    """A kind of target.

    Attributes:
        score: the evaluation scalar that tells which checkpoint is best.
        higher_is_better: its direction.
        used: names of arrays that a prediction needs; they are saved with the weights.
        says_means_alone: whether `symbolic` is all that `answer` says.
    """

    score: str
    higher_is_better = False
    used: tuple[str, ...] = ()
    says_means_alone: bool = True

    def __init__(self, target: Target, config: SupervisedConfig) -> None:
        """For targets like this one."""
        self.target, self.config = target, config

    @property
    def outputs(self) -> int:
        """Numbers that a net puts out for one example."""
        return self.target.spec.size

    def shaped(self, outputs: Any) -> Any:
        """A net's outputs in the shape of the targets, float32."""
        return tf.reshape(tf.cast(outputs, tf.float32), [-1, *self.target.spec.shape])

    def note(self, y: npt.NDArray[Any]) -> None:  # noqa: B027 - most tasks need to know nothing.
        """Note of the training part's targets, [N, *shape], what the loss needs."""

    def seen(self, y: Any) -> Any:
        """Targets as the loss takes them."""
        return y

    @abc.abstractmethod
    def loss(self, outputs: Any, y: Any) -> Any:
        """Of shaped outputs and seen targets, float32 scalar."""

    def scalars(self, outputs: Any, y: Any) -> Mapping[str, Any]:
        """What else training reports of a batch, by TensorBoard name."""
        return {}

    @abc.abstractmethod
    def answer(self, outputs: Any) -> Prediction:
        """What shaped outputs say, as tensors."""

    def symbolic(self, outputs: Any) -> Any:
        """The mean of `answer` of a net's outputs, for Keras' symbolic tensors."""
        raise NotImplementedError(f"{type(self).__name__} says more than a mean")


class Classes(Task):
    """One class for an example, or one for each of its pixels: cross-entropy."""

    score = "eval/accuracy"
    higher_is_better = True

    def __init__(self, target: Target, config: SupervisedConfig) -> None:
        """For these classes.

        Raises:
            UserError: another number of weights.
        """
        super().__init__(target, config)
        classes, given = target.classes, config.class_weights
        if given and len(given) != len(classes):
            raise UserError(
                f"class_weights has {len(given)} numbers, and there are {len(classes)} classes: {', '.join(classes)}."
            )
        self._weighs = bool(given) or config.balance_classes
        self._weights = tf.Variable(given or [1.0] * len(classes), dtype=tf.float32, trainable=False)

    @property
    def outputs(self) -> int:
        """A logit for each class of each target."""
        return self.target.spec.size * len(self.target.classes)

    def shaped(self, outputs: Any) -> Any:
        """Logits [N, ..., classes]."""
        return tf.reshape(tf.cast(outputs, tf.float32), [-1, *self.target.spec.shape, len(self.target.classes)])

    def note(self, y: npt.NDArray[Any]) -> None:
        """The shares of the classes, where they decide what each counts.

        Raises:
            UserError: there is one class alone.
        """
        counts = np.bincount(y.reshape(-1), minlength=len(self.target.classes))
        if np.count_nonzero(counts) < 2:
            only = self.target.classes[int(counts.argmax())]
            raise UserError(
                f"All training examples have the class '{only}': there is nothing to tell apart. Bring examples of "
                "another class, or predict something else."
            )
        if self.config.balance_classes:
            present = counts[counts > 0]
            self._weights.assign(np.where(counts > 0, present.sum() / (len(present) * np.maximum(counts, 1)), 0.0))

    def loss(self, outputs: Any, y: Any) -> Any:
        """Cross-entropy of logits."""
        return smoothed_cross_entropy(outputs, y, self.config.label_smoothing, self._weights if self._weighs else None)

    def scalars(self, outputs: Any, y: Any) -> Mapping[str, Any]:
        """The share of right answers."""
        right = tf.argmax(outputs, axis=-1, output_type=tf.int32) == y
        return {"train/accuracy": tf.reduce_mean(tf.cast(right, tf.float32))}

    def answer(self, outputs: Any) -> Prediction:
        """The probability of each class."""
        return Prediction(tf.nn.softmax(outputs))

    def symbolic(self, outputs: Any) -> Any:
        """The same."""
        return keras.ops.softmax(_reshaped(outputs, (*self.target.spec.shape, len(self.target.classes))))


def soft_dice_loss(chances: Any, labels: Any) -> Any:
    """1 less the Dice coefficient of probabilities, mean over the classes but the first; float32 scalar.

    Milletari et al., "V-Net" (2016), with sums over the whole batch: a class that a picture lacks costs nothing.

    Args:
        chances: probability of each class, [N, H, W, classes].
        labels: int32 [N, H, W].
    """
    hot = tf.one_hot(labels, chances.shape[-1])
    both, sizes = (tf.reduce_sum(part, axis=[0, 1, 2])[1:] for part in (chances * hot, chances + hot))
    return 1 - tf.reduce_mean((2 * both + 1) / (sizes + 1))


class Masks(Classes):
    """A class for each pixel: cross-entropy, and the soft Dice loss beside it."""

    score = "eval/dice"

    def __init__(self, target: Target, config: SupervisedConfig, *, dice_weight: float = 0.0) -> None:
        """For these classes; Dice counts `dice_weight`, cross-entropy the rest."""
        super().__init__(target, config)
        self.dice_weight = dice_weight

    def loss(self, outputs: Any, y: Any) -> Any:
        """Of logits [N, H, W, classes]."""
        entropy, weight = super().loss(outputs, y), self.dice_weight
        return (1 - weight) * entropy + weight * soft_dice_loss(tf.nn.softmax(outputs), y) if weight else entropy


class Pictures(Task):
    """A picture, or anything of two axes and more: squared error of numbers as they are."""

    score = "eval/mean_squared_error"

    def loss(self, outputs: Any, y: Any) -> Any:
        """The mean squared error."""
        return tf.reduce_mean(tf.square(outputs - y))

    def answer(self, outputs: Any) -> Prediction:
        """The outputs themselves."""
        return Prediction(outputs)

    def symbolic(self, outputs: Any) -> Any:
        """The same."""
        return _reshaped(outputs, self.target.spec.shape)


class Numbers(Pictures):
    """One number or several: squared error in units of the training part's standard deviations.

    So one step size serves all units. Mean and deviation are kept with the weights: predictions are made where the data
    are not.
    """

    used = ("target_mean", "target_std")

    def __init__(self, target: Target, config: SupervisedConfig) -> None:
        """For numbers of this shape."""
        super().__init__(target, config)
        # Variables: one compiled program serves all folds of a cross-validation, and each has statistics of its own.
        self.target_mean, self.target_std = (
            tf.Variable(value, dtype=tf.float32, trainable=False, name=name)
            for name, value in zip(self.used, (tf.zeros(target.spec.shape), tf.ones(target.spec.shape)), strict=True)
        )

    def note(self, y: npt.NDArray[Any]) -> None:
        """Mean and standard deviation, each [*shape of a target]."""
        self.target_mean.assign(y.mean(axis=0))
        self.target_std.assign(np.maximum(y.std(axis=0), np.float32(1e-6)))

    def seen(self, y: Any) -> Any:
        """In standard deviations from the mean."""
        return (y - self.target_mean) / self.target_std

    def answer(self, outputs: Any) -> Prediction:
        """In the targets' own unit."""
        return Prediction(self.target_mean + self.target_std * outputs)

    def symbolic(self, outputs: Any) -> Any:
        """The same, mean and deviation as they are now."""
        return super().symbolic(outputs) * self.target_std.numpy() + self.target_mean.numpy()


def _reshaped(outputs: Any, shape: tuple[int, ...]) -> Any:
    return keras.ops.reshape(keras.ops.cast(outputs, "float32"), (-1, *shape))


def of(target: Target, config: SupervisedConfig) -> Task:
    """The task that a target is."""
    if target.classes:
        return Classes(target, config) if target.label else Masks(target, config)
    return Numbers(target, config) if target.numbers else Pictures(target, config)
