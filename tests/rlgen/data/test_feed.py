"""The feed: epochs by hand, the same batches from device and host, and the next one after any resume."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen import loops
from rlgen.data import Arrays
from rlgen.data.augment import augmented
from rlgen.data.draws import Draws
from rlgen.data.feed import PURPOSES, Feed

COUNT, SIZE = 11, 3  # Three batches an epoch; two examples wait for the next one.
NUMBERS = np.arange(COUNT, dtype=np.float32)


def feed(*, order="epochs", streamed=False, seed=5, arrays=None, **more):
    limit = 0 if streamed else 10**9
    arrays = arrays or Arrays(NUMBERS, (10 * NUMBERS).astype(np.int32))
    return Feed(
        arrays,
        size=SIZE,
        draws=Draws(seed, *PURPOSES),
        compute=loops.Compute(),
        order=order,
        device_limit_bytes=limit,
        chunk_bytes=4 * 8 * SIZE,
        **more,
    )


def batches(made, first, steps):
    """What `steps` steps from `first` on see, (x, y) each, as a model's program takes them."""
    seen = []
    for count, chunk in made.chunks(first, steps):
        carry = made.start(tf.constant(first, tf.int64))
        for i in range(count):
            update = tf.constant(first + i, tf.int64)
            (rows,), carry = made.rows(tf.constant(i), update, carry, chunk)
            batch = made.batch(rows, update)
            seen.append((np.asarray(batch.x), None if batch.y is None else np.asarray(batch.y)))
        first += count
    return seen


def test_an_epoch_is_a_new_order_of_examples_that_all_differ():
    epochs = [np.concatenate([x for x, _ in batches(feed(), 3 * epoch, 3)]) for epoch in range(20)]
    for epoch in epochs:
        assert len(set(epoch)) == 3 * SIZE and set(epoch) <= set(NUMBERS)
    assert len({tuple(epoch) for epoch in epochs}) == 20
    # Who waits is drawn anew, so nobody is left out.
    assert set(np.concatenate(epochs)) == set(NUMBERS)
    assert all((y == 10 * x).all() for x, y in batches(feed(), 0, 9))


@pytest.mark.parametrize("order", ["epochs", "replacement"])
def test_device_and_host_give_the_same_batches(order):
    device, host = (batches(feed(order=order, streamed=streamed), 0, 10) for streamed in (False, True))
    assert len(host) == len(device) == 10
    for (x, y), (other_x, other_y) in zip(device, host, strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("stopped_after", [1, 2, 3, 4, 6])
def test_a_resumed_feed_goes_on_with_the_next_batch(stopped_after, streamed):
    whole = batches(feed(streamed=streamed), 0, 8)
    rest = batches(feed(streamed=streamed), stopped_after, 8 - stopped_after)
    for (x, _), (resumed, _) in zip(whole[stopped_after:], rest, strict=True):
        np.testing.assert_array_equal(x, resumed)


def test_with_replacement_examples_come_again_within_a_batch_and_all_alike():
    drawn = np.concatenate([x for x, _ in batches(feed(order="replacement"), 0, 500)])
    counts = np.bincount(drawn.astype(int), minlength=COUNT)
    assert counts.min() > 0.7 * counts.mean() and counts.max() < 1.3 * counts.mean()


def test_bytes_are_kept_as_bytes_and_arrive_as_numbers():
    pictures = np.full((COUNT, 2, 2, 1), 51, np.uint8)
    made = feed(arrays=Arrays(pictures))
    assert made.nbytes == pictures.size
    (x, y), *_ = batches(made, 0, 1)
    assert x.dtype == np.float32 and y is None
    np.testing.assert_allclose(x, 0.2)


def test_augmentation_is_a_function_of_the_update_alone():
    pictures = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 1)).astype(np.uint8)
    names = ("flip", "shift", "brightness", "contrast", "noise")
    made = feed(arrays=Arrays(pictures, pictures), augment=names)
    whole = batches(made, 0, 5)
    again = batches(feed(arrays=Arrays(pictures, pictures), augment=names), 4, 1)
    np.testing.assert_array_equal(whole[4][0], again[0][0])
    assert all(x.min() >= 0 and x.max() <= 1 for x, _ in whole)


def test_what_moves_a_picture_moves_its_target_and_colours_do_not():
    x = tf.constant(np.random.default_rng(0).random((6, 16, 16, 1)), tf.float32)
    moved, target = augmented(x, x, tf.constant([1, 2]), ("flip", "shift"))
    np.testing.assert_array_equal(moved, target)
    assert (moved.numpy() != x.numpy()).any()
    coloured, untouched = augmented(x, x, tf.constant([1, 2]), ("brightness", "contrast", "noise"))
    np.testing.assert_array_equal(untouched, x)
    assert (coloured.numpy() != x.numpy()).any()
    flipped, label = augmented(x, tf.range(6), tf.constant([1, 2]), ("flip",))
    same, mirrored = ((flipped.numpy() == other.numpy()).all(axis=(1, 2, 3)) for other in (x, tf.reverse(x, [2])))
    assert (same ^ mirrored).all() and same.any() and mirrored.any()
    np.testing.assert_array_equal(label, range(6))
