"""Networks that value actions, and their NumPy twins. Dueling lives here: every network returns Q alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen.networks import numpy_dense, small_initializer

Dueling = Literal["none", "mean", "max", "sum", "batch_mean"]
Floats = npt.NDArray[np.float32]


def combine_streams(value: Any, advantage: Any, dueling: str) -> Any:
    """Q = V + A minus the mean (or max) of A over the actions of each state, [N, A].

    Without the subtraction V and A are not identified. Source: Wang et al. (2016), equations 8 and 9.

    Two mistakes are there to be reproduced (docs/books.md): "sum" subtracts nothing, "batch_mean" the mean over
    all states at once, so that what a state is worth depends on which others it came with.
    """
    if dueling == "sum":
        return value + advantage
    if dueling == "batch_mean":
        return value + advantage - tf.reduce_mean(advantage)
    reduce = tf.reduce_mean if dueling == "mean" else tf.reduce_max
    return value + advantage - reduce(advantage, axis=-1, keepdims=True)


class QNetwork(keras.Model):
    """Observations [N, D] to action values [N, A].

    A trunk of dense layers ends in one linear layer, or, dueling, in two streams: one gives the value of the
    state, the other the advantage of each action, and Q is put together from both.
    """

    def __init__(
        self,
        *,
        observation_size: int,
        actions: int,
        hidden_units: Sequence[int],
        stream_units: Sequence[int],
        activation: str,
        dueling: Dueling,
        seed: int,
    ) -> None:
        super().__init__()
        self.activation, self.dueling = activation, dueling

        def dense(units: Sequence[int], outputs: int | None, first_seed: int) -> list[Any]:
            widths = [*units, *([] if outputs is None else [outputs])]
            return [
                keras.layers.Dense(
                    width,
                    activation=None if i == len(units) else activation,
                    kernel_initializer=small_initializer(first_seed + i),
                )
                for i, width in enumerate(widths)
            ]

        if dueling == "none":
            self.trunk, self.value_stream = [], []
            self.action_stream = dense([*hidden_units, *stream_units], actions, seed)
        else:
            self.trunk = dense(hidden_units, None, seed)
            self.value_stream = dense(stream_units, 1, seed + 100)
            self.action_stream = dense(stream_units, actions, seed + 200)
        self(tf.zeros((1, observation_size)))

    def call(self, observation: Any) -> Any:
        """Q, [N, A]."""
        x = _run(self.trunk, observation)
        advantage = _run(self.action_stream, x)
        if self.dueling == "none":
            return advantage
        return combine_streams(_run(self.value_stream, x), advantage, self.dueling)

    def numpy_twin(self) -> NumpyQ:
        """The same function of today's weights, in NumPy."""
        parts = (self.trunk, self.value_stream, self.action_stream)
        weights = [[w.numpy() for layer in part for w in (layer.kernel, layer.bias)] for part in parts]
        return NumpyQ(weights, self.activation, self.dueling)


class NumpyQ:
    """A `QNetwork`'s values without a call into TensorFlow, which would cost more than the network."""

    def __init__(self, weights: Sequence[Sequence[Floats]], activation: str, dueling: Dueling) -> None:
        self._trunk, self._value, self._action = weights
        self._activation, self._dueling = activation, dueling

    def __call__(self, observation: Floats) -> Floats:
        """Q, [N, A], of observations [N, D]."""
        x = numpy_dense(observation, self._trunk, self._activation)
        advantage = self._stream(x, self._action)
        if self._dueling == "none":
            return advantage
        value = self._stream(x, self._value)
        if self._dueling == "sum":
            return np.asarray(value + advantage, np.float32)
        # "batch_mean" too: the post acts on one observation at a time, a batch whose mean is that of its state.
        reduce = np.max if self._dueling == "max" else np.mean
        return np.asarray(value + advantage - reduce(advantage, axis=-1, keepdims=True), np.float32)

    def _stream(self, x: Floats, weights: Sequence[Floats]) -> Floats:
        last = numpy_dense(x, weights[:-2], self._activation) @ weights[-2] + weights[-1]
        return np.asarray(last, np.float32)


def _run(layers: Sequence[Any], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x
