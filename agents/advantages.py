"""Returns and advantages along trajectories, as pure functions of [T, N] tensors."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def gae(
    reward: Any, value: Any, next_value: Any, terminated: Any, truncated: Any, *, discount: float, gae_lambda: float
) -> Any:
    """Generalised advantage estimates, float32 [T, N] (Schulman et al. 2016, equation 16).

    Two masks: a termination has no value after it, so nothing is bootstrapped; a termination or a truncation
    ends the episode, so nothing is carried back over it. At a truncation the value of the true successor
    stands for what would have followed.

    Args:
        reward: float32 [T, N].
        value: V(s_t), float32 [T, N].
        next_value: V of the true successor of s_t, float32 [T, N].
        terminated: bool [T, N].
        truncated: bool [T, N].
        discount: gamma.
        gae_lambda: 1 gives n-step returns less the value, 0 the one-step TD error.
    """
    bootstrapped = 1.0 - tf.cast(terminated, tf.float32)
    carried = 1.0 - tf.cast(terminated | truncated, tf.float32)
    delta = reward + discount * bootstrapped * next_value - value
    steps = reward.shape[0]

    def backward(t: Any, following: Any, advantages: Any) -> Any:
        following = delta[t] + discount * gae_lambda * carried[t] * following
        return t - 1, following, advantages.write(t, following)

    array = tf.TensorArray(tf.float32, steps, element_shape=reward.shape[1:])
    start = (steps - 1, tf.zeros_like(reward[0]), array)
    _, _, advantages = tf.while_loop(lambda t, *_: t >= 0, backward, start, maximum_iterations=steps)
    return advantages.stack()


def discounted_returns(reward: Any, done: Any, *, discount: float) -> Any:
    """What followed each step to the end of its episode, float32 [T, N]; the last row counts as an end."""
    zeros = tf.zeros_like(tf.cast(reward, tf.float32))
    ended = tf.concat([tf.cast(done[:-1], tf.bool), tf.ones_like(tf.cast(done[-1:], tf.bool))], 0)
    return gae(tf.cast(reward, tf.float32), zeros, zeros, ended, ended, discount=discount, gae_lambda=1.0)


def returns_so_far(reward: Any, done: Any, before: Any, *, discount: float) -> tuple[Any, Any]:
    """What each step and those before it in its episode came to, the older ones discounted, float32 [T, N]; and where
    that stands for the next step, [N].

    Args:
        reward: float32 [T, N].
        done: bool [T, N].
        before: where it stood, float32 [N].
        discount: gamma.
    """
    going_on = 1.0 - tf.cast(done, tf.float32)
    steps = reward.shape[0]

    def forward(t: Any, running: Any, returns: Any) -> Any:
        running = tf.gather(reward, t) + discount * running
        return t + 1, running * tf.gather(going_on, t), returns.write(t, running)

    array = tf.TensorArray(tf.float32, steps, element_shape=reward.shape[1:])
    _, running, returns = tf.while_loop(lambda t, *_: t < steps, forward, (0, before, array), maximum_iterations=steps)
    return returns.stack(), running


def normalized(x: Any) -> Any:
    """`x` with mean 0 and standard deviation 1 over all its entries."""
    return (x - tf.reduce_mean(x)) / (tf.math.reduce_std(x) + 1e-8)


def explained_variance(value: Any, returns: Any) -> Any:
    """1 - Var(returns - value) / Var(returns): 1 is perfect, 0 no better than a constant, below is worse."""
    variance = tf.math.reduce_variance(returns)
    return 1.0 - tf.math.divide_no_nan(tf.math.reduce_variance(returns - value), variance)
