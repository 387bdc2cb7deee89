"""From what a policy network puts out to actions: one head per kind of action space.

A network outputs parameters; the distribution is built from them here, in the loss and when acting. Log-
probabilities and entropies are written out, three lines each: TensorFlow Probability, which the tests hold them
against, takes two seconds to import.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import draws
from rlgen.envs.gymnasium import middle_and_half
from rlgen.served import largest

LOG_2_PI = math.log(2 * math.pi)


class ActionHead(abc.ABC):
    """Base of the heads. `parameters` is [N, outputs], an action [N, ...].

    Attributes:
        outputs: how many parameters the network gives.
        shape: of one action.
        dtype: of an action inside TensorFlow.
    """

    outputs: int
    shape: tuple[int, ...] = ()
    dtype: Any = tf.int32

    @abc.abstractmethod
    def noise(self, shape: Sequence[int], seed: Any) -> Any:
        """What `sample` draws for parameters of the shape [..., N], float32 [..., N, outputs]; seed int32 [2]."""

    @abc.abstractmethod
    def sample(self, parameters: Any, noise: Any) -> Any:
        """An action each, of the parameters [N, outputs] and what was drawn for them."""

    @abc.abstractmethod
    def log_prob(self, parameters: Any, action: Any) -> Any:
        """log pi(a|s), float32 [N]."""

    @abc.abstractmethod
    def entropy(self, parameters: Any) -> Any:
        """Of the distribution, in nats, float32 [N]."""

    @abc.abstractmethod
    def sample_on_host(self, parameters: npt.NDArray[Any], generator: np.random.Generator) -> npt.NDArray[Any]:
        """As `sample`, in NumPy."""

    @abc.abstractmethod
    def mode(self, parameters: Any) -> Any:
        """The most probable action each; of Keras' symbolic tensors, too."""

    @abc.abstractmethod
    def mode_on_host(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same, in NumPy."""

    def to_environment(self, action: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The action as the environment takes it, in NumPy."""
        return action

    def to_compiled_environment(self, action: Any) -> Any:
        """The same in TensorFlow."""
        return action

    @property
    def variables(self) -> list[Any]:
        """What learns, beside the network."""
        return []


class CategoricalHead(ActionHead):
    """One of `actions` for a `Discrete` space; the parameters are logits."""

    def __init__(self, space: gym.spaces.Discrete) -> None:
        self.outputs = int(space.n)

    def noise(self, shape: Sequence[int], seed: Any) -> Any:
        """Gumbel's."""
        return draws.gumbel((*shape, self.outputs), seed)

    def sample(self, parameters: Any, noise: Any) -> Any:
        """By the Gumbel-max trick, which is one argmax."""
        return tf.argmax(parameters + noise, -1, output_type=tf.int32)

    def log_prob(self, parameters: Any, action: Any) -> Any:
        """log softmax at the action."""
        return tf.gather(tf.nn.log_softmax(parameters), action, batch_dims=1)

    def entropy(self, parameters: Any) -> Any:
        """In nats."""
        log_probability = tf.nn.log_softmax(parameters)
        return -tf.reduce_sum(tf.exp(log_probability) * log_probability, -1)

    def sample_on_host(self, parameters: npt.NDArray[Any], generator: np.random.Generator) -> npt.NDArray[Any]:
        """The same trick."""
        return (parameters + generator.gumbel(size=parameters.shape)).argmax(-1).astype(np.int32)

    def mode(self, parameters: Any) -> Any:
        """The largest logit."""
        return largest(parameters)

    def mode_on_host(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same."""
        return parameters.argmax(-1).astype(np.int32)


class MultiCategoricalHead(ActionHead):
    """Several independent choices, for a `MultiDiscrete` space; the logits of all stand side by side."""

    def __init__(self, space: gym.spaces.MultiDiscrete) -> None:
        self.sizes = [int(n) for n in space.nvec.flat]
        self.parts = [CategoricalHead(gym.spaces.Discrete(n)) for n in self.sizes]
        self.outputs, self.shape = sum(self.sizes), tuple(space.shape)

    def noise(self, shape: Sequence[int], seed: Any) -> Any:
        """Gumbel's, for the logits of all choices."""
        return draws.gumbel((*shape, self.outputs), seed)

    def sample(self, parameters: Any, noise: Any) -> Any:
        """Each choice by itself."""
        logits, drawn = (tf.split(x, self.sizes, -1) for x in (parameters, noise))
        chosen = [part.sample(x, n) for part, x, n in zip(self.parts, logits, drawn, strict=True)]
        return tf.reshape(tf.stack(chosen, -1), (-1, *self.shape))

    def log_prob(self, parameters: Any, action: Any) -> Any:
        """The sum over the choices."""
        logits, chosen = (
            tf.split(parameters, self.sizes, -1),
            tf.unstack(tf.reshape(action, (-1, len(self.sizes))), axis=-1),
        )
        return tf.add_n([p.log_prob(x, a) for p, x, a in zip(self.parts, logits, chosen, strict=True)])

    def entropy(self, parameters: Any) -> Any:
        """The sum over the choices."""
        logits = tf.split(parameters, self.sizes, -1)
        return tf.add_n([part.entropy(x) for part, x in zip(self.parts, logits, strict=True)])

    def sample_on_host(self, parameters: npt.NDArray[Any], generator: np.random.Generator) -> npt.NDArray[Any]:
        """Each choice."""
        logits = np.split(parameters, np.cumsum(self.sizes)[:-1], -1)
        drawn = [p.sample_on_host(x, generator) for p, x in zip(self.parts, logits, strict=True)]
        return np.stack(drawn, -1).reshape(-1, *self.shape)

    def mode(self, parameters: Any) -> Any:
        """The largest logit of each choice."""
        logits = keras.ops.split(parameters, np.cumsum(self.sizes)[:-1].tolist(), -1)
        chosen = [part.mode(x) for part, x in zip(self.parts, logits, strict=True)]
        return keras.ops.reshape(keras.ops.stack(chosen, -1), (-1, *self.shape))

    def mode_on_host(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same."""
        logits = np.split(parameters, np.cumsum(self.sizes)[:-1], -1)
        chosen = [part.mode_on_host(x) for part, x in zip(self.parts, logits, strict=True)]
        return np.stack(chosen, -1).reshape(-1, *self.shape)


class GaussianHead(ActionHead):
    """A normal distribution for each number of a `Box` space; the network gives the means.

    The standard deviations are variables of their own, the same in every state. The agent thinks in units in
    which the bounds are -1 and 1; an action outside is clipped on its way to the environment and learned from
    as it was drawn. A space without bounds is taken as it is.
    """

    dtype = tf.float32

    def __init__(self, space: gym.spaces.Box, *, initial_log_std: float) -> None:
        self.shape = tuple(space.shape)
        self.outputs = int(np.prod(self.shape))
        self.log_std = tf.Variable(tf.fill((self.outputs,), float(initial_log_std)), name="log_std")
        bounded = np.isfinite(space.low) & np.isfinite(space.high)
        self._middle, self._half = middle_and_half(
            np.where(bounded, space.low, -1.0), np.where(bounded, space.high, 1.0)
        )
        self._clip = np.where(bounded, 1.0, np.inf).astype(np.float32)

    def noise(self, shape: Sequence[int], seed: Any) -> Any:
        """Standard normal."""
        return draws.normal((*shape, self.outputs), seed)

    def sample(self, parameters: Any, noise: Any) -> Any:
        """mean + std * noise."""
        return tf.reshape(parameters + tf.exp(self.log_std) * noise, (-1, *self.shape))

    def log_prob(self, parameters: Any, action: Any) -> Any:
        """The sum over the numbers."""
        flat = tf.reshape(action, (-1, self.outputs))
        z = (flat - parameters) * tf.exp(-self.log_std)
        return tf.reduce_sum(-0.5 * z**2 - self.log_std - 0.5 * LOG_2_PI, -1)

    def entropy(self, parameters: Any) -> Any:
        """The sum over the numbers."""
        entropy = tf.reduce_sum(self.log_std + 0.5 * (1.0 + LOG_2_PI))
        return tf.fill((tf.shape(parameters)[0],), entropy)

    def sample_on_host(self, parameters: npt.NDArray[Any], generator: np.random.Generator) -> npt.NDArray[Any]:
        """mean + std * noise."""
        noise = generator.standard_normal(parameters.shape, np.float32)
        return (parameters + np.exp(self.log_std.numpy()) * noise).reshape(-1, *self.shape)

    def mode(self, parameters: Any) -> Any:
        """The mean."""
        return keras.ops.reshape(parameters, (-1, *self.shape))

    def mode_on_host(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same."""
        return parameters.reshape(-1, *self.shape)

    def to_environment(self, action: Any) -> Any:
        """Clipped to the bounds and put into the environment's units."""
        return self._middle + self._half * np.clip(action, -self._clip, self._clip)

    def to_compiled_environment(self, action: Any) -> Any:
        """The same in TensorFlow."""
        # A symbolic tensor of Keras has to stand before NumPy's arrays.
        return keras.ops.minimum(keras.ops.maximum(action, -self._clip), self._clip) * self._half + self._middle

    @property
    def variables(self) -> list[Any]:
        """What learns, beside the network."""
        return [self.log_std]


def action_head(space: gym.Space[Any], *, initial_log_std: float) -> ActionHead:
    """The head for an action space: `Discrete`, `MultiDiscrete` or `Box`."""
    if isinstance(space, gym.spaces.Discrete):
        return CategoricalHead(space)
    if isinstance(space, gym.spaces.MultiDiscrete):
        return MultiCategoricalHead(space)
    assert isinstance(space, gym.spaces.Box), "Agent.serves has seen to it"
    return GaussianHead(space, initial_log_std=initial_log_std)
