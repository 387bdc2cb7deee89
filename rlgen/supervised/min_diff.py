"""MinDiff: what two groups of harmless examples score is to be alike, so that neither has more false alarms.

Prost et al., "Toward a better trade-off between performance and fairness with kernel-based distribution matching"
(NeurIPS workshop 2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from rlgen import data
from rlgen.data import Arrays, Target
from rlgen.data.draws import Draws
from rlgen.errors import UserError

# Width of the kernel, in probability.
WIDTH = 0.1
DRAWS = ("min_diff_0", "min_diff_1")


def maximum_mean_discrepancy(first: Any, second: Any, width: float = WIDTH) -> Any:
    """Squared distance of the two samples' means in the space of a Gaussian kernel; float32 scalar, 0 where alike.

    Gretton et al., "A kernel two-sample test" (JMLR 2012), equation 5.

    Args:
        first: [N].
        second: [M].
        width: of the kernel exp(-(a - b)^2 / width^2).
    """

    def alike(a: Any, b: Any) -> Any:
        return tf.reduce_mean(tf.exp(-tf.square((a[:, None] - b[None]) / width)))

    return alike(first, first) + alike(second, second) - 2 * alike(first, second)


class HarmlessExamples:
    """The training examples of class 0, by group; batches of either group are drawn inside the program."""

    def __init__(self, train: Arrays, target: Target, *, problem: str) -> None:
        """Sort them out.

        Raises:
            UserError: the data set has no groups or not two classes, or a group has no harmless examples.
        """
        if train.group is None or not target.label or len(target.classes) != 2:
            raise UserError(
                f"min_diff_weight takes examples of two classes, of which the first is harmless, in two groups. "
                f"'{problem}' has {len(target.classes) or 'no'} classes and "
                f"{'no groups' if train.group is None else 'groups'}. Name the column of the groups "
                "(csv:FILE?target=COLUMN&group=COLUMN), or set min_diff_weight=0."
            )
        self._parts = []
        for group in (0, 1):
            rows = np.flatnonzero((train.group == group) & (train.y == 0))
            if not len(rows):
                raise UserError(
                    f"min_diff_weight: group {group} of '{problem}' has no training example of the class "
                    f"'{target.classes[0]}' to compare. Bring some, or set min_diff_weight=0."
                )
            self._parts.append(tf.constant(train.x[rows]))

    def draw(self, random: Draws, update: Any, size: int) -> Any:
        """`size` examples of the first group and as many of the second, scaled: [2 size, *shape]."""
        chosen = [
            tf.gather(part, random.whole(purpose, update, (size,), len(part)))
            for purpose, part in zip(DRAWS, self._parts, strict=True)
        ]
        return data.scaled(tf.concat(chosen, 0))
