"""Policy and value networks, and the policy in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rlgen import networks
from rlgen.networks import Options
from rlgen.spec import Spec

POLICY_GAIN, VALUE_GAIN = 0.01, 1.0


class ActorCritic(keras.Model):
    """Observations [N, *shape] to policy parameters [N, outputs] and state values [N].

    Either two networks, the value's with other layers if `value_units` says so, or one body with two heads.
    Weights start orthogonal: gain sqrt(2) in the hidden layers, .01 before the policy, so that it begins nearly
    uniform, and 1 before the value.

    Attributes:
        policy_on_host: policy parameters, float32 [N, outputs], as a function of arrays, of today's weights.
    """

    def __init__(
        self,
        *,
        observation: Spec,
        outputs: int,
        network: str,
        options: Options,
        shared: bool = False,
        value_units: Sequence[int] = (),
    ) -> None:
        """Build both.

        Args:
            observation: what they see.
            outputs: parameters of the policy.
            network: what the bodies are made of, a name `rlgen.networks` knows.
            options: hidden layers, activation, seed and precision.
            shared: one body for both.
            value_units: of the value's hidden layers; empty: as the policy's.
        """
        super().__init__()
        options = networks.replace(options, initialize=lambda _, seed: _orthogonal(np.sqrt(2), seed))
        self.policy_body = networks.body(network, observation, options)
        self.value_body = None
        if not shared:
            units = tuple(value_units) or options.hidden_units
            apart = networks.replace(options, hidden_units=units, seed=options.seed + 100)
            self.value_body = networks.body(network, observation, apart)
        self.policy_head = _head(outputs, POLICY_GAIN, options.seed + 200)
        self.value_head = _head(1, VALUE_GAIN, options.seed + 300)
        self(tf.zeros((1, *observation.shape), observation.dtype))
        self.policy_on_host = networks.on_host(self.policy_body, self.policy_head)

    def call(self, observation: Any) -> tuple[Any, Any]:
        """(policy parameters, values)."""
        x = self.policy_body(observation)
        value = self.value_head(x if self.value_body is None else self.value_body(observation))
        return self.policy_head(x), value[:, 0]

    def policy(self, observation: Any) -> Any:
        """Policy parameters alone, [N, outputs]."""
        return self.policy_head(self.policy_body(observation))

    def value(self, observation: Any) -> Any:
        """Values alone, [N]."""
        body = self.policy_body if self.value_body is None else self.value_body
        return self.value_head(body(observation))[:, 0]

    @property
    def policy_variables(self) -> list[Any]:
        """What the policy learns with."""
        return [*self.policy_body.trainable_variables, *self.policy_head.trainable_variables]

    @property
    def value_variables(self) -> list[Any]:
        """What the value alone learns with."""
        own = [] if self.value_body is None else self.value_body.trainable_variables
        return [*own, *self.value_head.trainable_variables]


def _orthogonal(gain: float, seed: int) -> Any:
    return keras.initializers.Orthogonal(gain=gain, seed=seed)


def _head(outputs: int, gain: float, seed: int) -> Any:
    return keras.layers.Dense(outputs, kernel_initializer=_orthogonal(gain, seed), dtype="float32")
