"""What keeps a discriminator from becoming too steep: pure functions of it and of examples; clipping of its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

# Inside the root: its slope at a gradient of zero would be infinite.
EPSILON = 1e-12

Critic = Callable[[Any], Any]


def gradient_penalty(critic: Critic, real: Any, fake: Any, alpha: Any) -> Any:
    """Mean of (|gradient of the critic at x| - 1)^2, x = alpha * real + (1 - alpha) * fake; two-sided.

    Source: Gulrajani et al., "Improved Training of Wasserstein GANs" (NeurIPS 2017), algorithm 1.

    Args:
        critic: examples [N, ...] to scores [N]; the score of an example may depend on no other one, as it would in
            batch normalisation.
        real: examples, [N, ...].
        fake: generated ones of the same shape.
        alpha: one number for each example, uniform in [0, 1], [N].
    """
    share = tf.reshape(alpha, (-1, *[1] * (len(real.shape) - 1)))
    norms = tf.sqrt(squared_gradients(critic, share * real + (1 - share) * fake) + EPSILON)
    return tf.reduce_mean(tf.square(norms - 1))


def r1(critic: Critic, real: Any) -> Any:
    """Mean of |gradient of the critic at a real example|^2: R1 but for its weight, gamma / 2.

    Source: Mescheder et al., "Which Training Methods for GANs do actually Converge?" (ICML 2018), equation 9.

    Args:
        critic: as for `gradient_penalty`.
        real: examples, [N, ...].
    """
    return tf.reduce_mean(squared_gradients(critic, real))


def squared_gradients(critic: Critic, x: Any) -> Any:
    """The squared norm of the critic's gradient at each example, over all axes but the first: [N, ...] to [N]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        scores = critic(x)
    gradients = tape.gradient(scores, x)
    return tf.reduce_sum(tf.square(gradients), axis=list(range(1, len(x.shape))))


def clip(variables: Iterable[Any], bound: float) -> None:
    """Put every weight into [-bound, bound]; Arjovsky et al. (2017), algorithm 1."""
    for variable in variables:
        variable.assign(tf.clip_by_value(tf.convert_to_tensor(variable), -bound, bound))
