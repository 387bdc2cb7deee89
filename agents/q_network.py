"""Networks that value actions. Dueling lives here, and noise: every network returns values alone."""

from __future__ import annotations

import functools
import math
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops, networks
from rlgen.agents.noisy import NoisyWeights
from rlgen.networks import Mirror, Options
from rlgen.spec import Spec

Dueling = Literal["none", "mean", "max"]


def combine_streams(value: Any, advantage: Any, dueling: str) -> Any:
    """Q = V + A minus the mean (or max) of A over the actions of each state, [N, A, ...]; NumPy or TensorFlow.

    Without the subtraction V and A are not identified. Source: Wang et al. (2016), equations 8 and 9. Where an action
    has several numbers, each is put together for itself, as in Hessel et al. (2018).

    Args:
        value: [N, 1, ...].
        advantage: [N, A, ...].
        dueling: "mean" or "max".
    """
    on_host = isinstance(advantage, np.ndarray)
    mean, largest = (np.mean, np.max) if on_host else (tf.reduce_mean, tf.reduce_max)
    reduce = mean if dueling == "mean" else largest
    return value + advantage - reduce(advantage, axis=1, keepdims=True)


class QNetwork(keras.Model):
    """Observations [N, *shape] to action values [N, A], or to several numbers for each action, [N, A, *atoms].

    A body ends in one linear layer, or, dueling, in two streams, each with the last of the hidden layers as its own:
    one gives the value of the state, the other the advantage of each action, and Q is put together from both.
    """

    def __init__(
        self,
        *,
        observation: Spec,
        actions: int,
        network: str,
        dueling: str = "none",
        options: Options,
        stream_layers: int = 1,
        atoms: tuple[int, ...] = (),
        noisy_sigma: float | None = None,
    ) -> None:
        """Build it.

        Args:
            observation: what it sees.
            actions: A.
            network: what the body is made of, a name `rlgen.networks` knows.
            dueling: "none", or how the streams are combined.
            options: hidden layers, activation, seed and precision.
            stream_layers: how many of the hidden layers each dueling stream has as its own.
            atoms: shape of the numbers for one action: () is one number.
            noisy_sigma: of the noise on the weights of dense layers; None: there is none.
        """
        super().__init__()
        self.dueling, self.atoms = dueling, atoms
        count = len(options.hidden_units) - (0 if dueling == "none" else min(stream_layers, len(options.hidden_units)))
        shared, own = options.hidden_units[:count], options.hidden_units[count:]
        self.body = networks.body(network, observation, networks.replace(options, hidden_units=shared))
        features = self.body.output_shape[-1]
        first_seed = options.seed + (len(shared) if dueling == "none" else 200)
        numbers = math.prod(atoms)
        self.value_stream = None
        if dueling != "none":
            self.value_stream = networks.head(features, own, numbers, options, first_seed=options.seed + 100)
        self.action_stream = networks.head(features, own, actions * numbers, options, first_seed=first_seed)
        parts = [part for part in (self.body, self.action_stream, self.value_stream) if part is not None]
        self.noise: NoisyWeights | None = None
        if noisy_sigma is not None:
            self.noise = NoisyWeights(*parts, sigma=noisy_sigma, seed=options.seed)
            self.sigmas = self.noise.sigmas  # Keras looks for variables here.
        self._mirrors = [Mirror(part) for part in parts] if Mirror.possible(*parts) else None
        self._program = loops.program(self.call)
        self.built = True

    def call(self, observation: Any, noise: Any = None) -> Any:
        """Q, [N, A, *atoms].

        Args:
            observation: [N, *shape].
            noise: normal numbers, [noise.size], all observations share them; None: the weights are their means.
        """
        parts = (self.body, self.action_stream, self.value_stream)
        if noise is None:
            return self._q(observation, *parts)
        assert self.noise is not None, "made without noisy_sigma"
        with keras.StatelessScope(list(self.noise.under(noise)), initialize_variables=False):
            return self._q(observation, *parts)

    def symbolic(self, observation: Any) -> Any:
        """Q, [N, A], of layers of Keras alone: for its symbolic tensors too."""
        features = self.body(observation)
        advantage = self.action_stream(features)
        if self.value_stream is None:
            return advantage
        reduce = keras.ops.mean if self.dueling == "mean" else keras.ops.max
        return self.value_stream(features) + advantage - reduce(advantage, axis=1, keepdims=True)

    def on_host(
        self, observation: npt.NDArray[Any], noise: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """The same in NumPy, of today's weights."""
        if self._mirrors is None:
            return np.asarray(self._program(*(tf.constant(x) for x in (observation, noise) if x is not None)))
        weights = self.noise.on_host(noise) if self.noise is not None and noise is not None else None
        parts = (functools.partial(mirror, weights=weights) for mirror in self._mirrors)
        return np.asarray(self._q(observation, *parts), np.float32)

    def combine(self, value: Any, advantage: Any) -> Any:
        """The two streams' Q, [N, A, *atoms]; NumPy or TensorFlow."""
        return combine_streams(value, advantage, self.dueling)

    def _q(self, observation: Any, body: Any, action_stream: Any, value_stream: Any = None) -> Any:
        return self._head(body(observation), action_stream, value_stream)

    def of_features(self, features: Any) -> Any:
        """Q, [N, A, *atoms], of what the body makes of observations, [N, F]."""
        return self._head(features, self.action_stream, self.value_stream)

    def _head(self, x: Any, action_stream: Any, value_stream: Any) -> Any:
        advantage = self._by_action(action_stream(x))
        return advantage if value_stream is None else self.combine(self._by_action(value_stream(x)), advantage)

    def _by_action(self, numbers: Any) -> Any:
        """[N, actions * atoms], as linear layers give them, to [N, actions, *atoms]; NumPy or TensorFlow."""
        if not self.atoms:
            return numbers
        shape = (-1, numbers.shape[-1] // math.prod(self.atoms), *self.atoms)
        return numbers.reshape(shape) if isinstance(numbers, np.ndarray) else tf.reshape(numbers, shape)
