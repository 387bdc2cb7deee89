from __future__ import annotations

import numpy as np
import tensorflow as tf

from rlgen.data.draws import Draws
from rlgen.generative.replay import FakeReplay


def test_half_of_a_batch_is_older_once_the_pool_is_full_and_each_keeps_what_was_given_with_it() -> None:
    pool, random = FakeReplay(40, 20, (1,), (2,)), Draws(0, "replay_slots", "replay_coins")
    shares, ages = [], []
    for draw in range(60):
        x = tf.fill((20, 1), float(draw))
        given = tf.concat([x, 2 * x], axis=1)
        found, told = pool.exchanged([x, given], random, tf.constant(draw, tf.int64))
        np.testing.assert_array_equal(told, np.concatenate([found, 2 * found.numpy()], axis=1))
        old = found.numpy()[:, 0] < draw
        if draw < 2:
            assert not old.any()
        else:
            shares.append(old.mean())
            ages.extend(draw - found.numpy()[old, 0])
    assert abs(np.mean(shares) - 0.5) < 0.06
    assert max(ages) > 3
    held = pool.variables[0].numpy()[:, 0]
    assert held.max() == 59 and len(np.unique(held)) > 3


def test_nothing_is_lost() -> None:
    """Every example is given out, or in the pool still."""
    pool, random = FakeReplay(8, 4, (1,)), Draws(1, "replay_slots", "replay_coins")
    out: list[float] = []
    for draw in range(10):
        x = tf.reshape(tf.range(4 * draw, 4 * draw + 4, dtype=tf.float32), (4, 1))
        (found,) = pool.exchanged([x], random, tf.constant(draw, tf.int64))
        out.extend(found.numpy()[:, 0])
    held = set(pool.variables[0].numpy()[:, 0])
    assert set(out) | held == set(map(float, range(40)))
