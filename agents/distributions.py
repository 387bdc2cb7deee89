"""What a network says of a return: its mean, as DQN does, or its distribution.

The sum of discounted rewards from a state and an action on is a random number Z, and Q its mean. A network puts out
numbers for every action, and what they say of Z is decided here: the mean itself, probabilities of fixed places
(C51, Bellemare et al. 2017), or places of fixed probability (quantile regression, Dabney et al. 2018).
"""

from __future__ import annotations

import abc
from typing import Any, Literal

import numpy as np
import tensorflow as tf

Distribution = Literal["none", "categorical", "quantile"]


def huber(error: Any) -> Any:
    """Half the square up to 1, linear beyond: its gradient is the clipped error of Mnih et al. (2015)."""
    size = tf.abs(error)
    return tf.where(size < 1, 0.5 * error**2, size - 0.5)


def project(places: Any, probability: Any, value_min: float, value_max: float) -> Any:
    """Probability at any places, moved onto as many evenly spaced ones, [B, K]; its sum stays.

    What lies between two neighbours goes to both, to the nearer one more; what lies outside to the first or last. A
    neighbour alone takes all. Source: Bellemare et al. (2017), equation 7.

    Args:
        places: [B, K].
        probability: of these, [B, K].
        value_min: the first of the even places.
        value_max: the last.
    """
    atoms = places.shape[-1]
    # In steps of the even places, which are 0, 1 ... K - 1.
    where = (tf.clip_by_value(places, value_min, value_max) - value_min) * ((atoms - 1) / (value_max - value_min))
    distance = tf.abs(where[:, None, :] - tf.range(atoms, dtype=tf.float32)[:, None])
    return tf.reduce_sum(tf.maximum(1 - distance, 0.0) * probability[:, None, :], -1)


def quantile_huber(error: Any, fractions: Any) -> Any:
    """|fraction - 1{error < 0}| * huber(error), summed over quantiles, in the mean over targets, [B].

    Source: Dabney et al. (2018), equation 10 with kappa = 1.

    Args:
        error: each target less each quantile, [B, quantiles, targets].
        fractions: of the probability that lies below each quantile, [quantiles].
    """
    slope = tf.abs(fractions[:, None] - tf.cast(error < 0, tf.float32))
    return tf.reduce_sum(tf.reduce_mean(slope * huber(error), -1), -1)


class Return(abc.ABC):
    """What the numbers for one action say of the return Z that follows it.

    Attributes:
        atoms: shape of the numbers for one action: () or (K,).
    """

    atoms: tuple[int, ...]

    @abc.abstractmethod
    def mean(self, outputs: Any) -> Any:
        """E[Z], [...], of a network's outputs [..., *atoms]; NumPy or TensorFlow."""

    @abc.abstractmethod
    def target(self, reward: Any, discount: Any, following: Any) -> Any:
        """What is to be learned of R + discount * Z', [B, *atoms].

        Args:
            reward: R, [B].
            discount: [B].
            following: the outputs that say what Z' is, [B, *atoms].
        """

    @abc.abstractmethod
    def target_mean(self, target: Any) -> Any:
        """The mean of a target, [B]."""

    @abc.abstractmethod
    def error(self, outputs: Any, target: Any) -> Any:
        """How far outputs [B, *atoms] are from the target, [B, ...]."""

    @abc.abstractmethod
    def losses(self, error: Any) -> Any:
        """What is minimised, of each transition, [B]."""

    def priorities(self, error: Any) -> Any:
        """By whose size transitions are drawn again, [B]: what is minimised, as Hessel et al. (2018) do."""
        return self.losses(error)


class ExpectedReturn(Return):
    """One number, Q itself; the error is the TD error, its loss Huber's."""

    atoms = ()

    def mean(self, outputs: Any) -> Any:
        """The output."""
        return outputs

    def target(self, reward: Any, discount: Any, following: Any) -> Any:
        """R + discount * Q(s', a')."""
        return reward + discount * following

    def target_mean(self, target: Any) -> Any:
        """The target."""
        return target

    def error(self, outputs: Any, target: Any) -> Any:
        """y - Q(s, a), [B]."""
        return target - outputs

    def losses(self, error: Any) -> Any:
        """Huber's."""
        return huber(error)

    def priorities(self, error: Any) -> Any:
        """The TD error, as Schaul et al. (2016)."""
        return error


class CategoricalReturn(Return):
    """Logits of evenly spaced returns; the loss is the divergence KL(target || outputs)."""

    def __init__(self, *, atoms: int, value_min: float, value_max: float) -> None:
        """Place them.

        Args:
            atoms: how many returns; one alone stands at `value_min`.
            value_min: the lowest.
            value_max: the highest.
        """
        self.atoms, self.value_min, self.value_max = (atoms,), value_min, value_max
        self.support = np.linspace(value_min, value_max, atoms, dtype=np.float32)

    def mean(self, outputs: Any) -> Any:
        """The mean of the returns by the softmax of the logits."""
        if not isinstance(outputs, np.ndarray):
            return tf.reduce_sum(tf.nn.softmax(outputs) * self.support, -1)
        weight = np.exp(outputs - outputs.max(-1, keepdims=True))
        return weight @ self.support / weight.sum(-1)

    def target(self, reward: Any, discount: Any, following: Any) -> Any:
        """Probabilities of the returns."""
        places = reward[:, None] + discount[:, None] * self.support
        return project(places, tf.nn.softmax(following), self.value_min, self.value_max)

    def target_mean(self, target: Any) -> Any:
        """The mean of the returns."""
        return tf.reduce_sum(target * self.support, -1)

    def error(self, outputs: Any, target: Any) -> Any:
        """Each return's part in the divergence, [B, K]."""
        return tf.math.xlogy(target, target) - target * tf.nn.log_softmax(outputs)

    def losses(self, error: Any) -> Any:
        """KL(target || outputs), in nats: the cross-entropy less what of it nothing can be learned from."""
        return tf.reduce_sum(error, -1)


class QuantileReturn(Return):
    """Returns at evenly spaced fractions of the probability, each the middle of its part."""

    def __init__(self, *, atoms: int) -> None:
        """Place the fractions; `atoms` is their number."""
        self.atoms = (atoms,)
        self.fractions = ((np.arange(atoms) + 0.5) / atoms).astype(np.float32)

    def mean(self, outputs: Any) -> Any:
        """The mean of the quantiles."""
        return outputs.mean(-1) if isinstance(outputs, np.ndarray) else tf.reduce_mean(outputs, -1)

    def target(self, reward: Any, discount: Any, following: Any) -> Any:
        """Returns, each as likely."""
        return reward[:, None] + discount[:, None] * following

    def target_mean(self, target: Any) -> Any:
        """Their mean."""
        return tf.reduce_mean(target, -1)

    def error(self, outputs: Any, target: Any) -> Any:
        """Each target less each quantile, [B, quantiles, targets]."""
        return target[:, None, :] - outputs[:, :, None]

    def losses(self, error: Any) -> Any:
        """The quantile Huber loss."""
        return quantile_huber(error, self.fractions)


def make(distribution: Distribution, *, atoms: int, value_min: float, value_max: float) -> Return:
    """What a network is to say of a return, by the fields of a configuration."""
    if distribution == "categorical":
        return CategoricalReturn(atoms=atoms, value_min=value_min, value_max=value_max)
    return QuantileReturn(atoms=atoms) if distribution == "quantile" else ExpectedReturn()
