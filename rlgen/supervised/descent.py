"""How the weights of supervised models move: optimizers, penalties and bounds of weights, and plateaus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import learning
from rlgen.schedules import Schedule

OptimizerName = Literal["adam", "adamw", "nadam", "sgd", "nesterov", "rmsprop"]


class MovingMomentum(keras.optimizers.SGD):
    """Gradient descent whose momentum is a variable; Keras' own has a number, compiled in.

    Sutskever et al., "On the importance of initialization and momentum in deep learning" (ICML 2013), in the form that
    keeps the weights at the point the gradient is taken at.
    """

    def __init__(self, learning_rate: float, momentum: float, *, nesterov: bool) -> None:
        """As Keras'; `moving` is the variable."""
        super().__init__(learning_rate, momentum=max(momentum, 1e-9), nesterov=nesterov)
        self.moving = tf.Variable(momentum, dtype=tf.float32, trainable=False)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable."""
        velocity = self.momentums[self._get_variable_index(variable)]
        momentum, rate = (keras.ops.cast(value, variable.dtype) for value in (self.moving, learning_rate))
        moved = momentum * velocity - rate * gradient
        self.assign(velocity, moved)
        self.assign_add(variable, momentum * moved - rate * gradient if self.nesterov else moved)


def make(kind: OptimizerName, learning_rate: Schedule, momentum: Schedule, weight_decay: float) -> Any:
    """An optimizer of Keras', not yet built.

    Args:
        kind: which; "adamw" is "adam", for the decay of weights is decoupled in all of them.
        learning_rate: its value at the start is taken.
        momentum: of gradient descent, and the decay of the gradient's mean (beta 1) in the family of Adam.
        weight_decay: share of each kernel that is taken off per update, times the learning rate; biases and what
            normalises are spared.
    """
    rate, beta = learning_rate(0), momentum(0)
    if kind in ("sgd", "nesterov"):
        nesterov = kind == "nesterov"
        if momentum.constant:
            optimizer = keras.optimizers.SGD(rate, momentum=beta, nesterov=nesterov)
        else:
            optimizer = MovingMomentum(rate, beta, nesterov=nesterov)
    elif kind == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate)
    else:
        optimizer = (keras.optimizers.Nadam if kind == "nadam" else learning.Adam)(rate, beta_1=beta)
        if not momentum.constant:
            optimizer.moving = optimizer.beta_1 = tf.Variable(beta, dtype=tf.float32, trainable=False)
    if weight_decay:
        optimizer.weight_decay = weight_decay
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def move_momentum(optimizer: Any, momentum: Schedule, clock: Any) -> None:
    """Let the momentum follow its schedule, inside a program."""
    if hasattr(optimizer, "moving"):
        optimizer.moving.assign(momentum(clock))


def penalty(kernels: Sequence[Any], l1: float, l2: float) -> Any:
    """l1 times the sum of |w| plus l2 times the sum of w squared, over all kernels; float32 scalar."""
    weights = [tf.convert_to_tensor(kernel) for kernel in kernels]
    absolute = l1 * tf.add_n([tf.reduce_sum(tf.abs(w)) for w in weights]) if l1 else 0.0
    squared = l2 * tf.add_n([tf.reduce_sum(tf.square(w)) for w in weights]) if l2 else 0.0
    return absolute + squared


def bound_norms(kernels: Sequence[Any], largest: float) -> None:
    """Scale the weights into each unit, or filter, down to the norm `largest` where theirs is larger.

    Srebro and Shraibman (2005); as a regulariser Srivastava et al. (JMLR 2014), 5.1.
    """
    for kernel in kernels:
        weights = tf.convert_to_tensor(kernel)
        norm = tf.sqrt(tf.reduce_sum(tf.square(weights), axis=range(len(kernel.shape) - 1), keepdims=True))
        kernel.assign(weights * tf.minimum(1.0, largest / tf.maximum(norm, 1e-12)))


class Plateau:
    """Makes the step size smaller when the score of the evaluations has not improved for some of them.

    Attributes:
        factor: what the step size is multiplied by, float32 variable.
    """

    def __init__(self, patience: int, factor: float, *, higher_is_better: bool) -> None:
        """Wait for `patience` evaluations without a better score, then multiply by `factor`, and wait anew."""
        self._patience, self._times, self._sign = patience, factor, 1 if higher_is_better else -1
        self.factor = tf.Variable(1.0, dtype=tf.float32, trainable=False, name="plateau")
        self._best, self._waited = -np.inf, 0

    def heed(self, score: float) -> None:
        """Take note of one more evaluation."""
        if self._sign * score > self._best:
            self._best, self._waited = self._sign * score, 0
            return
        self._waited += 1
        if self._waited >= self._patience:
            self.factor.assign(self.factor * self._times)
            self._waited = 0

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a checkpoint: the factor, and what it waits for."""
        known = np.isfinite(self._best)
        numbers = [self.factor.numpy(), self._best if known else 0.0, float(known), self._waited]
        return {"plateau": np.array(numbers, np.float64)}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        factor, best, known, waited = np.asarray(arrays["plateau"]).tolist()
        self.factor.assign(factor)
        self._best, self._waited = best if known else -np.inf, int(waited)
