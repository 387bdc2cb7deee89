from __future__ import annotations

import numpy as np
import tensorflow as tf

from rlgen.data.augment import augmented

SEED = tf.constant([1, 2])


def test_jitter_cuts_each_picture_out_of_a_larger_one() -> None:
    """A ramp stays one, as steep as it was made, and begins elsewhere in each picture."""
    ramp = tf.tile(tf.reshape(tf.range(64, dtype=tf.float32), (1, 1, 64, 1)), (20, 64, 1, 1))
    moved, _ = augmented(ramp, None, SEED, ("jitter",))
    slopes = np.diff(moved.numpy()[:, 0, 1:-1, 0], axis=1)
    np.testing.assert_allclose(slopes.mean(axis=1), 64 / 72, rtol=0.03)
    begins = set(np.round(moved.numpy()[:, 0, 1, 0], 3))
    assert 5 < len(begins) <= 9


def test_jitter_moves_both_pictures_of_a_pair_alike_and_leaves_classes_whole() -> None:
    random = np.random.default_rng(0)
    x = tf.constant(random.random((6, 16, 16, 1)), tf.float32)
    mask = tf.constant(random.integers(0, 5, (6, 16, 16)), tf.int32)
    moved, target = augmented(x, tf.concat([x, 2 * x], axis=-1), SEED, ("jitter", "flip"))
    np.testing.assert_allclose(target, tf.concat([moved, 2 * moved], axis=-1), atol=1e-6)
    _, classes = augmented(x, mask, SEED, ("jitter",))
    assert classes.dtype == tf.int32 and classes.shape == mask.shape
    assert set(np.unique(classes)) <= set(range(5))


def test_a_small_picture_is_moved_by_a_pixel_at_least() -> None:
    x = tf.constant(np.random.default_rng(0).random((50, 8, 8, 1)), tf.float32)
    moved, _ = augmented(x, None, SEED, ("jitter",))
    assert moved.shape == x.shape and (moved.numpy() != x.numpy()).any()
