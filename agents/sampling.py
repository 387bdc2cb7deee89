"""What is drawn from a replay and what it is worth: the mathematics that all replays share.

Rows of a replay are steps, lanes are environments, so the successor of a transition is the next row of its lane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rlgen import draws
from rlgen.agents.trajectory import Batch, Transitions


def n_step_return(reward: Any, terminated: Any, truncated: Any, available: Any, *, discount: float) -> Any:
    """Sum up to n rewards, stopping at an episode's end and at the newest transition.

    Args:
        reward: float32 [B, n], of the transitions from the sampled one onward.
        terminated: bool [B, n].
        truncated: bool [B, n].
        available: int32 [B], how many of the n are in the ring and newer than the sampled one, itself counted.
        discount: gamma.

    Returns:
        (n-step return [B], steps taken m, int32 [B], discount of the bootstrap value [B]):
        gamma**m, and 0 where the m-th transition terminated.
    """
    n = reward.shape[1]
    going_on = 1.0 - tf.cast(terminated | truncated, tf.float32)
    reached = tf.math.cumprod(going_on, axis=1, exclusive=True)
    used = reached * tf.cast(tf.range(n)[None] < available[:, None], tf.float32)
    gammas = tf.constant([discount**k for k in range(n)], tf.float32)
    steps = tf.cast(tf.reduce_sum(used, 1), tf.int32)
    ended = tf.gather(tf.cast(terminated, tf.float32), steps - 1, batch_dims=1)
    return (
        tf.reduce_sum(reward * used * gammas, 1),
        steps,
        (1.0 - ended) * tf.pow(discount, tf.cast(steps, tf.float32)),
    )


def batch(
    fetch: Callable[..., Transitions],
    rows: Any,
    lanes: Any,
    *,
    weight: Any,
    available: Any,
    n_step: int,
    discount: float,
) -> Batch:
    """The batch of the transitions at `rows` of `lanes`, with their n-step returns.

    Args:
        fetch: (rows, lanes, names of fields) to the transitions there; the shape of rows and lanes comes first in
            every field, and other fields than those named may be left out.
        rows: [B], counted since the beginning, whole numbers.
        lanes: [B], the same type.
        weight: float32 [B].
        available: int32 [B], how many of the next n are there, the sampled one itself counted.
        n_step: n.
        discount: gamma.
    """
    if n_step == 1:
        one = fetch(rows, lanes, Transitions._fields)
        going_on = 1.0 - tf.cast(one.terminated, tf.float32)
        return Batch(one.observation, one.action, one.reward, discount * going_on, one.next_observation, weight)
    ahead = rows[:, None] + tf.range(n_step, dtype=rows.dtype)
    across = tf.broadcast_to(lanes[:, None], tf.shape(ahead))
    window = fetch(ahead, across, ("reward", "terminated", "truncated"))
    reward, steps, following = n_step_return(
        tf.ensure_shape(window.reward, (None, n_step)),
        window.terminated,
        window.truncated,
        available,
        discount=discount,
    )
    first = fetch(rows, lanes, ("observation", "action"))
    last = fetch(rows + tf.cast(steps, rows.dtype) - 1, lanes, ("next_observation",))
    return Batch(first.observation, first.action, reward, following, last.next_observation, weight)


def importance_weights(probability: Any, count: Any, exponent: Any) -> Any:
    """(count * probability)**-exponent, divided by the largest of the batch; float32 [B]."""
    weights = tf.pow(tf.cast(count, tf.float32) * probability, -exponent)
    return weights / tf.reduce_max(weights)


def stratified(count: int, seed: Any) -> Any:
    """`count` shares of a whole in [0, 1), float32, the i-th in the i-th of as many equal parts."""
    return (tf.range(count, dtype=tf.float32) + draws.uniform((count,), seed)) / count


def find(tree: Any, mass: Any, depth: int) -> Any:
    """The leaf of a sum tree in which each cumulative `mass`, float32 [B], falls: down the tree, all at once; int64.

    Args:
        tree: float32 [2 * 2**depth]: `tree[1]` is the total, the children of `tree[i]` are `tree[2i]` and
            `tree[2i + 1]`, the leaves are the last 2**depth entries.
        mass: at least 0, below the total.
        depth: levels between the root and the leaves.
    """
    nodes = tf.ones(tf.shape(mass), tf.int64)
    for _ in range(depth):
        left = tf.gather(tree, 2 * nodes)
        right = mass >= left
        mass = tf.where(right, mass - left, mass)
        nodes = 2 * nodes + tf.cast(right, tf.int64)
    return nodes - 2**depth
