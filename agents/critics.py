"""Two critics that check each other, and the slow copies they are regressed on (Fujimoto et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rlgen import learning


def critic_loss(q_1: Any, q_2: Any, target: Any, weight: Any) -> Any:
    """Half the weighted mean squared errors of both critics; no gradient flows through the target, [B]."""
    target = tf.stop_gradient(target)
    return 0.5 * tf.reduce_mean(weight * ((q_1 - target) ** 2 + (q_2 - target) ** 2))


class TwinCritics:
    """Two critics and their targets, which start as copies.

    Attributes:
        pair: the two that learn.
        targets: the two that follow.
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        """Make all four.

        Args:
            make: a purpose to a critic; two calls for one purpose give the same weights.
        """
        self.pair, self.targets = ([make(purpose) for purpose in ("critic 1", "critic 2")] for _ in range(2))

    def values(self, inputs: Any) -> tuple[Any, Any]:
        """What both put out for the inputs."""
        return self.pair[0](inputs), self.pair[1](inputs)

    def target_values(self, inputs: Any) -> tuple[Any, Any]:
        """What both targets put out."""
        return self.targets[0](inputs), self.targets[1](inputs)

    @property
    def variables(self) -> list[Any]:
        """What the two that learn learn with."""
        return [variable for critic in self.pair for variable in critic.trainable_variables]

    def move_targets(self, rate: float) -> None:
        """Let the targets follow."""
        learning.follow(self.targets, self.pair, rate)
