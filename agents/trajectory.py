"""What passes from environments to learners: steps in order, episodes that ended, and the batch of an update."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf


class Transitions(NamedTuple):
    """Steps of N environments in order, each field [K, N, ...].

    `next_observation` is the true successor, also where an episode ended; `action` int32 or float32.
    """

    observation: Any
    action: Any
    reward: Any
    terminated: Any
    truncated: Any
    next_observation: Any

    @property
    def done(self) -> Any:
        """Whether the episode ended with this step, either way, bool [K, N]."""
        return self.terminated | self.truncated


class Episodes(NamedTuple):
    """Which steps ended an episode, and what it came to, each field [K, N].

    Attributes:
        done: bool; the other two fields count where it holds.
        returns: float32, the sum of its rewards.
        lengths: float32, its environment steps.
    """

    done: Any
    returns: Any
    lengths: Any


class Batch(NamedTuple):
    """What an update learns from, each field [..., B, ...]: return and discount of up to n steps.

    `discount` is what the value of `next_observation` is multiplied by; `weight` the importance weight.
    """

    observation: Any
    action: Any
    reward: Any
    discount: Any
    next_observation: Any
    weight: Any


def flat(x: Any) -> Any:
    """[T, N, ...] as [T * N, ...]."""
    return tf.reshape(x, (-1, *x.shape[2:]))
