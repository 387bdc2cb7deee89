"""From what a policy network puts out to actions: one head per kind of action space.

A network outputs parameters; the distribution is built from them here, in the loss and when acting. Log-
probabilities and entropies are TensorFlow Probability's; samples are drawn from stateless seeds.
"""

from __future__ import annotations

import abc
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_probability import distributions as tfd


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
    def sample(self, parameters: Any, seed: Any) -> Any:
        """An action each, from a stateless seed, int32 [2]."""

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
    def mode(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The most probable action each, in NumPy."""

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

    def sample(self, parameters: Any, seed: Any) -> Any:
        """By the Gumbel-max trick, which is one argmax."""
        uniform = tf.random.stateless_uniform(tf.shape(parameters), seed, 1e-8, 1.0)
        return tf.argmax(parameters - tf.math.log(-tf.math.log(uniform)), -1, output_type=tf.int32)

    def log_prob(self, parameters: Any, action: Any) -> Any:
        """log softmax at the action."""
        return tfd.Categorical(logits=parameters).log_prob(action)

    def entropy(self, parameters: Any) -> Any:
        """In nats."""
        return tfd.Categorical(logits=parameters).entropy()

    def sample_on_host(self, parameters: npt.NDArray[Any], generator: np.random.Generator) -> npt.NDArray[Any]:
        """The same trick."""
        return (parameters + generator.gumbel(size=parameters.shape)).argmax(-1).astype(np.int32)

    def mode(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The largest logit."""
        return parameters.argmax(-1).astype(np.int32)


class MultiCategoricalHead(ActionHead):
    """Several independent choices, for a `MultiDiscrete` space; the logits of all stand side by side."""

    def __init__(self, space: gym.spaces.MultiDiscrete) -> None:
        self.sizes = [int(n) for n in space.nvec.flat]
        self.parts = [CategoricalHead(gym.spaces.Discrete(n)) for n in self.sizes]
        self.outputs, self.shape = sum(self.sizes), tuple(space.shape)

    def sample(self, parameters: Any, seed: Any) -> Any:
        """Each choice from a seed of its own."""
        logits = tf.split(parameters, self.sizes, -1)
        drawn = [part.sample(x, seed + [i, 0]) for i, (part, x) in enumerate(zip(self.parts, logits, strict=True))]
        return tf.reshape(tf.stack(drawn, -1), (-1, *self.shape))

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

    def mode(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The largest logit of each choice."""
        logits = np.split(parameters, np.cumsum(self.sizes)[:-1], -1)
        chosen = [part.mode(x) for part, x in zip(self.parts, logits, strict=True)]
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
        low, high = np.where(bounded, space.low, -1.0), np.where(bounded, space.high, 1.0)
        self._middle, self._half = ((high + low) / 2).astype(np.float32), ((high - low) / 2).astype(np.float32)
        self._clip = np.where(bounded, 1.0, np.inf).astype(np.float32)

    def sample(self, parameters: Any, seed: Any) -> Any:
        """mean + std * noise."""
        noise = tf.random.stateless_normal(tf.shape(parameters), seed)
        return tf.reshape(parameters + tf.exp(self.log_std) * noise, (-1, *self.shape))

    def log_prob(self, parameters: Any, action: Any) -> Any:
        """The sum over the numbers."""
        flat = tf.reshape(action, (-1, self.outputs))
        return tf.reduce_sum(tfd.Normal(parameters, tf.exp(self.log_std)).log_prob(flat), -1)

    def entropy(self, parameters: Any) -> Any:
        """The sum over the numbers."""
        entropy = tf.reduce_sum(tfd.Normal(0.0, tf.exp(self.log_std)).entropy())
        return tf.fill((tf.shape(parameters)[0],), entropy)

    def sample_on_host(self, parameters: npt.NDArray[Any], generator: np.random.Generator) -> npt.NDArray[Any]:
        """mean + std * noise."""
        noise = generator.standard_normal(parameters.shape, np.float32)
        return (parameters + np.exp(self.log_std.numpy()) * noise).reshape(-1, *self.shape)

    def mode(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The mean."""
        return parameters.reshape(-1, *self.shape)

    def to_environment(self, action: Any) -> Any:
        """Clipped to the bounds and put into the environment's units."""
        return self._middle + self._half * np.clip(action, -self._clip, self._clip)

    def to_compiled_environment(self, action: Any) -> Any:
        """The same in TensorFlow."""
        return self._middle + self._half * tf.clip_by_value(action, -self._clip, self._clip)

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
