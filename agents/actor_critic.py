"""Policy and value networks, and the NumPy twin of the policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen.networks import numpy_dense

Floats = npt.NDArray[np.float32]


class ActorCritic(keras.Model):
    """Observations [N, D] to policy parameters [N, outputs] and state values [N].

    Either two networks, the value's with other layers if `value_units` says so, or one trunk with two heads.
    Weights start orthogonal: gain sqrt(2) in the hidden layers, .01 before the policy, so that it begins nearly
    uniform, and 1 before the value.
    """

    def __init__(
        self,
        *,
        observation_size: int,
        outputs: int,
        hidden_units: Sequence[int],
        activation: str,
        shared: bool,
        seed: int,
        value_units: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.activation = activation
        self.policy_trunk = _trunk(hidden_units, activation, seed)
        self.value_trunk = [] if shared else _trunk(value_units or hidden_units, activation, seed + 100)
        self.policy_head = _dense(outputs, None, 0.01, seed + 200)
        self.value_head = _dense(1, None, 1.0, seed + 300)
        self(tf.zeros((1, observation_size)))

    def call(self, observation: Any) -> tuple[Any, Any]:
        """(policy parameters, values)."""
        x = _run(self.policy_trunk, observation)
        value = self.value_head(_run(self.value_trunk, observation) if self.value_trunk else x)
        return self.policy_head(x), value[:, 0]

    def policy(self, observation: Any) -> Any:
        """Policy parameters alone, [N, outputs]."""
        return self.policy_head(_run(self.policy_trunk, observation))

    def value(self, observation: Any) -> Any:
        """Values alone, [N]."""
        return self.value_head(_run(self.value_trunk or self.policy_trunk, observation))[:, 0]

    @property
    def value_variables(self) -> list[Any]:
        """What the value alone learns with."""
        return [v for layer in (*self.value_trunk, self.value_head) for v in layer.trainable_variables]

    def numpy_policy(self) -> NumpyPolicy:
        """The policy of today's weights, in NumPy."""
        layers = [*self.policy_trunk, self.policy_head]
        return NumpyPolicy([w.numpy() for layer in layers for w in (layer.kernel, layer.bias)], self.activation)


class NumpyPolicy:
    """Policy parameters without a call into TensorFlow."""

    def __init__(self, weights: Sequence[Floats], activation: str) -> None:
        self._weights, self._activation = weights, activation

    def __call__(self, observation: Floats) -> Floats:
        """[N, outputs], of observations [N, D]."""
        x = numpy_dense(observation, self._weights[:-2], self._activation)
        return np.asarray(x @ self._weights[-2] + self._weights[-1], np.float32)


def _trunk(units: Sequence[int], activation: str, seed: int) -> list[Any]:
    return [_dense(width, activation, np.sqrt(2), seed + i) for i, width in enumerate(units)]


def _dense(width: int, activation: str | None, gain: float, seed: int) -> Any:
    initializer = keras.initializers.Orthogonal(gain=gain, seed=seed)
    return keras.layers.Dense(width, activation=activation, kernel_initializer=initializer)


def _run(layers: Sequence[Any], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x
