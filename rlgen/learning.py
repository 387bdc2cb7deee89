"""Where gradients are applied, and where slow copies follow fast ones: nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from rlgen import loops
from rlgen.schedules import Schedule
from rlgen.together import shards

OptimizerKind = Literal["adam", "rmsprop", "rmsprop_centered"]
PlainOptimizer = Literal["adam", "rmsprop", "adagrad", "sgd"]


def descend(
    tape: Any,
    loss: Any,
    variables: Sequence[Any],
    optimizer: Any,
    *,
    max_norm: float | None = None,
    max_value: float | None = None,
) -> Any:
    """One step of `optimizer` down the gradient of `loss`; the gradient's norm before it is scaled, float32 scalar.

    A norm that is not finite is for whoever reports it: the Trainer ends a run whose scalars or weights are not.

    Args:
        tape: the `tf.GradientTape` that watched the loss being computed.
        loss: float32 scalar.
        variables: those that learn; each has to have a part in the loss.
        optimizer: Keras', built with these variables.
        max_norm: gradients are scaled down to this global norm; None: never.
        max_value: before that, each of their numbers is cut to this size; None: never.

    Raises:
        ValueError: the loss does not depend on one of the variables.
    """
    gradients = tape.gradient(loss, list(variables))
    for variable, gradient in zip(variables, gradients, strict=True):
        if gradient is None:
            raise ValueError(f"The loss does not depend on '{getattr(variable, 'path', variable.name)}'.")
    return apply(gradients, variables, optimizer, max_norm=max_norm, max_value=max_value)


def apply(
    gradients: Sequence[Any],
    variables: Sequence[Any],
    optimizer: Any,
    *,
    max_norm: float | None = None,
    max_value: float | None = None,
) -> Any:
    """As `descend`, for gradients that are there already, in the order of `variables`; of shards it is their mean."""

    def step(*gradients: Any) -> Any:
        if max_value is not None:
            gradients = tuple(tf.clip_by_value(gradient, -max_value, max_value) for gradient in gradients)
        clipped, norm = clip_by_global_norm(gradients, max_norm)
        optimizer.apply(clipped, list(variables))
        return norm

    return shards.once(loops.elementwise(step), gradients)


def clip_by_global_norm(gradients: Sequence[Any], largest: float | None) -> tuple[list[Any], Any]:
    """Gradients scaled down to the global norm `largest` if theirs is larger (None: never); and theirs.

    As `tf.clip_by_global_norm`, but summed in two steps: XLA on a CPU adds up a whole tensor one number after
    another, and columns side by side. That was a quarter of an update of a 256-256 network. Without the ReLU,
    which changes nothing, the compiler would make one sum of the two.
    """
    squares = [tf.square(gradient) for gradient in gradients]
    columns = [tf.nn.relu(tf.reduce_sum(square, 0)) if square.shape.rank else square for square in squares]
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(column) for column in columns]))
    if largest is None:
        return list(gradients), norm
    scale = largest / tf.maximum(norm, largest)
    return [gradient * scale for gradient in gradients], norm


class Adam(keras.optimizers.Adam):
    """Keras' Adam to the bit, of fewer operations: Kingma and Ba (2015), with the step size of the end of section 2.

    That is computed once, not for every variable, so that programs are traced and compiled in two thirds of the time.
    """

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """As Keras', and before it the step size with the bias of both averages taken out."""
        step = tf.cast(self.iterations + 1, tf.float32)
        first, second = (1 - tf.pow(beta, step) for beta in (self.beta_1, self.beta_2))
        self._step_size = tf.cast(self.learning_rate, tf.float32) * tf.sqrt(second) / first
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's."""
        del learning_rate  # It is in the step size.
        place = self._get_variable_index(variable)
        mean, square = self._momentums[place].value, self._velocities[place].value
        mean = mean.assign_add((gradient - mean) * (1 - self.beta_1), read_value=True)
        square = square.assign_add((tf.square(gradient) - square) * (1 - self.beta_2), read_value=True)
        self.assign_sub(variable, mean * self._step_size / (tf.sqrt(square) + self.epsilon))


def make_optimizer(
    kind: OptimizerKind, learning_rate: Schedule, variables: Sequence[Any], *, epsilon: float | None = None
) -> Any:
    """An optimizer of Keras', built with the variables it will step.

    Args:
        kind: "adam"; "rmsprop", which is TensorFlow 1's: decay .99, epsilon 1e-5 inside the root, the average starting
            at ones; or "rmsprop_centered", that of Mnih et al. (2015): decay .95, the variance instead of the mean
            square, .01 inside the root.
        learning_rate: its value at the start is taken; `set_learning_rate` follows it from there.
        variables: those that learn.
        epsilon: what Adam adds to the root of the mean square, 1e-7 usually, and the others to what is under it.
    """
    rate = learning_rate(0)
    if kind == "adam":
        optimizer = Adam(rate, epsilon=epsilon or 1e-7)
    elif kind == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate, rho=0.99, epsilon=epsilon or 1e-5)
    else:
        optimizer = keras.optimizers.RMSprop(rate, rho=0.95, epsilon=epsilon or 0.01, centered=True)
    optimizer.build(list(variables))
    if kind == "rmsprop":
        for average in optimizer._velocities:
            average.assign(tf.ones(average.shape))
    return optimizer


def plain_optimizer(kind: PlainOptimizer, learning_rate: float) -> Any:
    """One of Keras' optimizers as it is by default, but for its step size; not yet built."""
    kept = keras.optimizers
    kinds = {"adam": Adam, "rmsprop": kept.RMSprop, "adagrad": kept.Adagrad, "sgd": kept.SGD}
    return kinds[kind](learning_rate)


def set_learning_rate(optimizer: Any, schedule: Schedule, clock: Any) -> None:
    """Let the step size follow its schedule. An optimizer's own counter would count its own updates alone."""
    if not schedule.constant:
        optimizer.learning_rate.assign(schedule(clock))


def follow(slow: Any, fast: Any, rate: Any) -> None:
    """slow <- rate * fast + (1 - rate) * slow: target networks (tau) and averaged ones (1 - decay).

    Weights move; what is no weight (the statistics of batch normalisation, counters) is copied.

    Args:
        slow: a Keras model or layer, or several of them in a list.
        fast: the same.
        rate: in (0, 1], a number or a tensor; the number 1 copies everything.
    """
    copies = isinstance(rate, (int, float)) and rate == 1
    for target, source in zip(_models(slow), _models(fast), strict=True):
        for to, of in zip(target.trainable_variables, source.trainable_variables, strict=True):
            to.assign(of if copies else rate * of + (1 - rate) * to)
        for to, of in zip(target.non_trainable_variables, source.non_trainable_variables, strict=True):
            to.assign(of)


def _models(models: Any) -> Sequence[Any]:
    return models if isinstance(models, (list, tuple)) else [models]
