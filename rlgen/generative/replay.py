"""Old generated examples, so that a discriminator does not forget what it has seen through."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from rlgen import runtime
from rlgen.data.draws import Draws


class FakeReplay:
    """A pool of generated examples: half of each batch is exchanged for older ones.

    Source: Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training" (CVPR
    2017), section 2.3. Until the pool is full nothing is exchanged.

    Attributes:
        variables: the pool, and what was given for each example in it, for `state()`.
    """

    def __init__(self, size: int, batch_size: int, *shapes: tuple[int, ...]) -> None:
        """Make it, empty.

        Args:
            size: examples in it, at least those of a batch.
            batch_size: examples in a batch.
            shapes: of an example, and of what is given with it where anything is.

        Raises:
            UserError: the memory is not there.
        """
        needs = {f"fake_replay={size}": 4 * size * sum(map(math.prod, shapes))}
        runtime.require_memory(needs, advice="Make fake_replay smaller")
        self._size, self._batch = size, batch_size
        self.variables = [tf.Variable(tf.zeros((size, *shape)), trainable=False) for shape in shapes]

    def exchanged(self, parts: list[Any], random: Draws, draw: Any) -> list[Any]:
        """A batch, [N, ...] each, half of it older ones, inside the program; draws for `replay_slots`, `replay_coins`.

        Args:
            parts: the examples, and what is given of them where anything is.
            random: the model's draws.
            draw: counts the batches from 0.
        """
        filling = -(-self._size // self._batch)
        first = (tf.cast(draw, tf.int32) * self._batch + tf.range(self._batch)) % self._size
        drawn = random.permutation("replay_slots", draw, self._size)[: self._batch]
        full = tf.cast(draw, tf.int32) >= filling
        slots = tf.where(full, drawn, first)
        old = full & (random.uniform("replay_coins", draw, (self._batch,)) < 0.5)
        found = []
        for part, pool in zip(parts, self.variables, strict=True):
            chosen = tf.reshape(old, (-1, *[1] * (len(part.shape) - 1)))
            kept = tf.gather(pool, slots)
            # What is used from the pool makes room for what came; of the rest the pool keeps its own.
            pool.scatter_nd_update(slots[:, None], tf.where(chosen | ~full, part, kept))
            found.append(tf.where(chosen, kept, part))
        return found
