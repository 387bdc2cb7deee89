"""The losses of adversarial models by name: pure functions of logits, in nats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import tensorflow as tf

LossName = Literal["non_saturating", "minimax", "hinge", "least_squares", "wasserstein"]


@dataclass(frozen=True)
class Loss:
    """What each of the two players descends.

    Attributes:
        discriminator: (logits of real examples [N], of generated ones [N], label smoothing) to a scalar.
        generator: logits of generated examples, [N], to a scalar.
        probabilities: whether the sigmoid of a logit is D's probability of "real".
        smooths: whether real examples have a target that label smoothing can move.
        middle: the logit between "real" and "generated".
    """

    discriminator: Callable[[Any, Any, float], Any]
    generator: Callable[[Any], Any]
    probabilities: bool = False
    smooths: bool = False
    middle: float = 0.0


def cross_entropy(real_logits: Any, fake_logits: Any, label_smoothing: float = 0.0) -> Any:
    """Binary cross-entropy of the discriminator: -mean log D(x) - mean log(1 - D(G(z))).

    With one-sided smoothing s the target of real examples is 1 - s (Salimans et al., 2016). From logits,
    through softplus, so that no logarithm meets a zero.

    Args:
        real_logits: of real examples, [N].
        fake_logits: of generated ones, [N].
        label_smoothing: s.
    """
    real = (1 - label_smoothing) * tf.nn.softplus(-real_logits) + label_smoothing * tf.nn.softplus(real_logits)
    return tf.reduce_mean(real) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def non_saturating(fake_logits: Any) -> Any:
    """The generator's non-saturating loss, -mean log D(G(z)), from logits [N]; Goodfellow et al., section 3."""
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def minimax(fake_logits: Any) -> Any:
    """The generator's part of the value of the game, mean log(1 - D(G(z))); Goodfellow et al., equation 1.

    Its gradient vanishes where D is sure of itself, which is why nobody trains with it.
    """
    return -tf.reduce_mean(tf.nn.softplus(fake_logits))


def hinge(real_logits: Any, fake_logits: Any, label_smoothing: float = 0.0) -> Any:
    """The discriminator's hinge loss, mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))); Lim and Ye (2017)."""
    return tf.reduce_mean(tf.nn.relu(1 - real_logits)) + tf.reduce_mean(tf.nn.relu(1 + fake_logits))


def squares(real_logits: Any, fake_logits: Any, label_smoothing: float = 0.0) -> Any:
    """The discriminator's squared errors, mean (D(x) - 1 + s)^2 / 2 + mean D(G(z))^2 / 2; Mao et al. (2017), LSGAN."""
    real = tf.square(real_logits - (1 - label_smoothing))
    return 0.5 * (tf.reduce_mean(real) + tf.reduce_mean(tf.square(fake_logits)))


def squares_generator(fake_logits: Any) -> Any:
    """The generator's squared error, mean (D(G(z)) - 1)^2 / 2; Mao et al. (2017)."""
    return 0.5 * tf.reduce_mean(tf.square(fake_logits - 1))


def critic(real_logits: Any, fake_logits: Any, label_smoothing: float = 0.0) -> Any:
    """The critic's loss, mean f(G(z)) - mean f(x), of Arjovsky et al. (2017).

    Where f is as steep as 1 at most, minus the loss at its minimum is the Wasserstein-1 distance.
    """
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def raise_scores(fake_logits: Any) -> Any:
    """The generator's loss beside a critic that gives scores, -mean f(G(z))."""
    return -tf.reduce_mean(fake_logits)


LOSSES: dict[LossName, Loss] = {
    "non_saturating": Loss(cross_entropy, non_saturating, probabilities=True, smooths=True),
    "minimax": Loss(cross_entropy, minimax, probabilities=True, smooths=True),
    "hinge": Loss(hinge, raise_scores),
    "least_squares": Loss(squares, squares_generator, smooths=True, middle=0.5),
    "wasserstein": Loss(critic, raise_scores),
}
