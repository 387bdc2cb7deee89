"""Layers of supervised models: dropout that is a function of a seed, and stacks of dense layers and convolutions."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import keras
import tensorflow as tf

from rlgen import draws, networks

Activation = Literal["relu", "leaky_relu", "elu", "selu", "swish", "tanh", "sigmoid"]
Initializer = Literal["auto", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal"]
DropoutKind = Literal["dropout", "alpha"]
Head = Literal["flatten", "average"]

# What SELU tends to for ever smaller numbers: minus scale times alpha (Klambauer et al. 2017).
SELU_FLOOR = -1.7580993408473766
LEAK = 0.2

_seed: contextvars.ContextVar[Any] = contextvars.ContextVar("dropout_seed", default=None)


@contextlib.contextmanager
def dropping(seed: Any) -> Iterator[None]:
    """Inside it dropout drops, by draws from `seed`, int32 [2]; everywhere else it does nothing.

    So a net is used in training and for Monte-Carlo dropout alike, and no random state has to be saved.
    """
    token = _seed.set(seed)
    try:
        yield
    finally:
        _seed.reset(token)


def dropout(x: Any, rate: float, coins: Any) -> Any:
    """`x` with a share `rate` of its values set to 0 and the others scaled so that the mean stays.

    Source: Srivastava et al. (JMLR 2014).

    Args:
        x: activations, [N, ...].
        rate: in [0, 1).
        coins: uniform in [0, 1), of the shape of `x`.
    """
    return tf.where(coins >= rate, x / (1 - rate), tf.zeros((), x.dtype))


def alpha_dropout(x: Any, rate: float, coins: Any) -> Any:
    """`x` with a share `rate` of its values set to SELU's floor, and all moved so that mean 0 and variance 1 stay.

    Source: Klambauer et al., "Self-Normalizing Neural Networks" (NeurIPS 2017), section 2. Arguments as `dropout`.
    """
    kept = 1 - rate
    scale = (kept * (1 + rate * SELU_FLOOR**2)) ** -0.5
    moved = tf.where(coins >= rate, x, tf.cast(SELU_FLOOR, x.dtype))
    return scale * moved - scale * rate * SELU_FLOOR


class Dropout(keras.layers.Layer):
    """Dropout inside of `dropping`, the identity outside of it."""

    def __init__(self, rate: float, *, kind: DropoutKind = "dropout", number: int = 0, **more: Any) -> None:
        """Drop a share `rate`; layers of one net have different numbers, or they would drop alike."""
        super().__init__(**more)
        self.rate, self.kind, self.number = rate, kind, number

    def call(self, inputs: Any) -> Any:
        """[N, ...] to the same."""
        seed = _seed.get()
        if seed is None:
            return inputs
        coins = draws.uniform(inputs.shape, seed + tf.constant([self.number, 0]))
        return (alpha_dropout if self.kind == "alpha" else dropout)(inputs, self.rate, coins)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The same."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What Keras makes a copy from."""
        return {**super().get_config(), "rate": self.rate, "kind": self.kind, "number": self.number}


@dataclass(frozen=True, kw_only=True)
class Layers:
    """How the layers of a net are made.

    Attributes:
        activation: after every layer but the last.
        initializer: of the kernels; auto: He for the ReLU family, LeCun for SELU, Glorot for the rest.
        batch_norm: whether there is batch normalisation before the activation.
        dropout_rate: share of a hidden dense layer's outputs that is dropped.
        dropout_kind: how.
        dtype: Keras' dtype policy; the last layer is float32.
    """

    activation: Activation = "relu"
    initializer: Initializer = "auto"
    batch_norm: bool = False
    dropout_rate: float = 0.0
    dropout_kind: DropoutKind = "dropout"
    dtype: str = "float32"
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    def weights(self) -> Any:
        """A new initialiser: one that is used twice gives the same weights twice."""
        kind = self.initializer
        if kind == "auto":
            kinds = {"selu": "lecun_normal", "tanh": "glorot_uniform", "sigmoid": "glorot_uniform"}
            kind = kinds.get(self.activation, "he_uniform")  # type: ignore[assignment]
        return keras.initializers.get(kind)

    def normalized(self, x: Any) -> Any:
        """Batch normalisation, where there is any.

        Keras' momentum of .99 lags so far behind that a short run is judged by statistics of its first batches.
        """
        if not self.batch_norm:
            return x
        return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=self.dtype)(x)

    def activated(self, x: Any) -> Any:
        """The activation, after batch normalisation where there is any."""
        return self.activation_of(self.normalized(x))

    def activation_of(self, x: Any) -> Any:
        """The activation alone."""
        if self.activation == "leaky_relu":
            return keras.layers.LeakyReLU(LEAK, dtype=self.dtype)(x)
        return keras.layers.Activation(self.activation, dtype=self.dtype)(x)

    def dropped(self, x: Any, rate: float | None = None) -> Any:
        """Dropout, of `dropout_rate` unless told otherwise, where there is any."""
        rate = self.dropout_rate if rate is None else rate
        if not rate:
            return x
        return Dropout(rate, kind=self.dropout_kind, number=next(self._numbers), dtype=self.dtype)(x)

    def dense(self, x: Any, units: Sequence[int]) -> Any:
        """Dense layers on [N, F], each with batch normalisation, activation and dropout.

        Raises:
            UserError: they would not fit into memory.
        """
        networks.memory.require_room(x.shape[-1], units)
        for width in units:
            # A bias in front of batch normalisation would be taken off again.
            bias = not self.batch_norm
            layer = keras.layers.Dense(width, use_bias=bias, kernel_initializer=self.weights(), dtype=self.dtype)
            x = self.dropped(self.activated(layer(x)))
        return x

    def convolution(self, x: Any, filters: int, kernel: int, *, stride: int = 1, activated: bool = True) -> Any:
        """A convolution on [N, H, W, C] that keeps the size but for its stride, and what follows it."""
        layer = keras.layers.Conv2D(
            filters,
            kernel,
            strides=stride,
            padding="same",
            use_bias=not self.batch_norm,
            kernel_initializer=self.weights(),
            dtype=self.dtype,
        )
        return self.activated(layer(x)) if activated else layer(x)

    def flat(self, x: Any, head: Head) -> Any:
        """[N, H, W, C] as features [N, F]: all numbers, or the mean of each channel (Lin et al. 2014)."""
        if head == "average":
            return keras.layers.GlobalAveragePooling2D(dtype=self.dtype)(x)
        return keras.layers.Flatten(dtype=self.dtype)(x)

    def last(self, x: Any, outputs: int) -> Any:
        """The linear layer at the end, float32 in any precision."""
        return keras.layers.Dense(outputs, kernel_initializer="glorot_uniform", dtype="float32")(x)


def whole_kernels(net: Any) -> list[Any]:
    """The kernels among the weights of a net: what penalties and bounds of weights are about."""
    return [variable for variable in net.trainable_variables if variable.path.endswith("kernel")]
