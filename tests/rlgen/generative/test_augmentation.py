from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen.generative import augmentation
from rlgen.generative.augmentation import changed, steered, warped

EVERYTHING: tuple[augmentation.Group, ...] = ("blit", "geometry", "colour", "cutout")
SEED = tf.constant([3, 4])


def pictures(count: int = 8, height: int = 8, width: int = 8, channels: int = 3) -> tf.Tensor:
    random = np.random.default_rng(0)
    return tf.constant(random.uniform(-1, 1, (count, height, width, channels)), tf.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_without_strength_nothing_changes_to_the_bit(channels: int) -> None:
    x = pictures(channels=channels)
    np.testing.assert_array_equal(changed(x, 0.0, SEED, EVERYTHING), x)


@pytest.mark.parametrize("group", EVERYTHING)
def test_each_group_changes_pictures_another_seed_otherwise(group: augmentation.Group) -> None:
    x = pictures(40)
    one, again, other = (changed(x, 1.0, seed, (group,)).numpy() for seed in (SEED, SEED, tf.constant([5, 6])))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any() and (one != x.numpy()).any()
    assert one.shape == x.shape


def test_the_share_of_changed_pictures_is_the_probability() -> None:
    x = pictures(2000, 4, 4)
    for probability in (0.1, 0.5):
        unlike = (changed(x, probability, SEED, ("cutout",)).numpy() != x.numpy()).any(axis=(1, 2, 3)).mean()
        assert unlike == pytest.approx(probability, abs=0.05)


def test_flips_and_turns_lose_nothing_and_come_in_equal_shares() -> None:
    """Of a picture with one bright corner every corner is the bright one as often; whole shifts move it by pixels."""
    corner = np.zeros((4000, 8, 8, 1), np.float32)
    corner[:, 0, 0] = 1
    random = np.random.default_rng(0)
    flips = np.where(random.random(4000) < 0.5, -1.0, 1.0)
    turns = augmentation._quarter_turns(tf.constant(random.integers(0, 4, 4000), tf.float32))
    matrix = augmentation._diagonal(tf.ones(4000), tf.constant(flips, tf.float32)) @ turns
    found = warped(tf.constant(corner), matrix, tf.zeros((4000, 2))).numpy()[..., 0]
    np.testing.assert_array_equal(found.sum(axis=(1, 2)), np.ones(4000))
    means = found.mean(axis=0)
    np.testing.assert_allclose([means[0, 0], means[0, 7], means[7, 0], means[7, 7]], [0.25] * 4, atol=0.03)


def test_a_map_and_its_inverse_are_nothing() -> None:
    """Two flips, four quarter turns, a shift and the one back, inside of the picture."""
    x = pictures()
    flip = tf.tile(tf.constant([[[1.0, 0.0], [0.0, -1.0]]]), (8, 1, 1))
    turn = augmentation._quarter_turns(tf.ones((8,)))
    nowhere = tf.zeros((8, 2))
    np.testing.assert_array_equal(warped(warped(x, flip, nowhere), flip, nowhere), x)
    turned = x
    for _ in range(4):
        turned = warped(turned, turn, nowhere)
    np.testing.assert_array_equal(turned, x)
    np.testing.assert_array_equal(warped(x, turn, nowhere)[0], np.rot90(x[0], -1))
    still = tf.tile(tf.eye(2)[None], (8, 1, 1))
    moved = warped(x, still, tf.fill((8, 2), 2.0))
    np.testing.assert_array_equal(moved[:, :6, :6], x[:, 2:, 2:])
    np.testing.assert_array_equal(warped(moved, still, tf.fill((8, 2), -2.0))[:, 2:6, 2:6], x[:, 2:6, 2:6])


def test_half_a_pixel_is_the_mean_of_two() -> None:
    x = pictures()
    still = tf.tile(tf.eye(2)[None], (8, 1, 1))
    moved = warped(x, still, tf.constant([[0.0, 0.5]] * 8))
    np.testing.assert_allclose(moved[:, :, :-1], (x[:, :, :-1] + x[:, :, 1:]) / 2, atol=1e-6)


def test_what_is_outside_is_reflected() -> None:
    x = pictures(1)
    moved = warped(x, tf.eye(2)[None], tf.constant([[-2.0, 0.0]]))
    np.testing.assert_array_equal(moved[0, :3], x[0, 2::-1])


def test_pictures_that_are_no_squares_stay_inside() -> None:
    x = pictures(64, 8, 12)
    found = changed(x, 1.0, SEED, ("blit",)).numpy()
    assert set(np.unique(found)) <= set(np.unique(x))


def test_grey_stays_grey_and_brightness_stays_where_only_colours_turn() -> None:
    grey = tf.repeat(pictures(64, channels=1), 3, axis=-1)
    found = changed(grey, 1.0, SEED, ("colour",)).numpy()
    np.testing.assert_allclose(found, found[..., :1].repeat(3, axis=-1), atol=1e-5)


def test_a_turn_of_the_hue_by_a_third_exchanges_the_colours() -> None:
    numbers = np.zeros((1, augmentation.CHANGES, 2), np.float32)
    numbers[0, 10, 0] = 2 / 3
    on = np.zeros((1, augmentation.CHANGES), bool)
    on[0, 10] = True
    red = tf.constant([[[[1.0, 0.0, 0.0]]]])
    found = augmentation._coloured(red, tf.constant(on), tf.constant(numbers)).numpy().ravel()
    np.testing.assert_allclose(sorted(found), [0, 0, 1], atol=1e-5)
    assert found[0] == pytest.approx(0, abs=1e-5)


def test_gradients_flow_and_are_right() -> None:
    x = pictures(2, 5, 5)
    weights = tf.constant(np.random.default_rng(1).normal(size=x.shape), tf.float32)

    def value(z: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(weights * changed(z, 1.0, SEED, ("blit", "geometry", "colour")))

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = value(x)
    gradient = tape.gradient(total, x)
    direction = tf.constant(np.random.default_rng(2).normal(size=x.shape), tf.float32)
    # What is done to a picture is affine, so differences are exact.
    difference = (value(x + direction) - value(x - direction)) / 2
    assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(float(difference), rel=1e-3, abs=1e-3)


def test_the_probability_in_closed_form() -> None:
    probability = 0.0
    for expected in (0.1, 0.2, 0.3):
        probability = float(steered(probability, 0.9, 0.6, examples=100, batch=10))
        assert probability == pytest.approx(expected)
    assert float(steered(probability, 0.2, 0.6, examples=100, batch=10)) == pytest.approx(0.2)
    assert float(steered(0.0, 0.2, 0.6, examples=100, batch=10)) == 0
    assert float(steered(0.95, 0.9, 0.6, examples=100, batch=10)) == 1
