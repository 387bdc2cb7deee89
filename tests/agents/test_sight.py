"""What an agent sees as pictures, and which pixels a number depends on: closed forms."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from rlgen.agents import sight
from rlgen.networks import Options, Spec, body


def test_a_number_depends_on_the_pixels_that_it_is_made_of() -> None:
    pixels = keras.Input((6, 6, 2), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, x)

    def head(features: tf.Tensor) -> tf.Tensor:
        rows = tf.reshape(features, (-1, 6, 6, 2))
        return 3 * rows[:, 1, 2, 0] - 5 * rows[:, 4, 4, 1]

    seen = np.zeros((2, 6, 6, 2), np.uint8)
    (found,) = sight.saliency(model, [head], seen, blur=1)
    expected = np.zeros((2, 6, 6))
    expected[:, 1, 2], expected[:, 4, 4] = 3, 5
    np.testing.assert_allclose(found, expected)
    # Over a neighbourhood of nine there is a ninth of it.
    np.testing.assert_allclose(sight.saliency(model, [head], seen, blur=3)[0][0, 3, 3], 5 / 9, rtol=1e-6)


def test_networks_of_pictures_can_be_looked_into_and_others_say_so() -> None:
    seen = np.random.default_rng(0).integers(0, 255, (4, 36, 36, 4), np.uint8)
    model = body("nature_cnn", Spec((36, 36, 4), "uint8"), Options(hidden_units=(16,)))
    (found,) = sight.saliency(model, [lambda features: tf.reduce_sum(features, -1)], seen)
    assert found.shape == (4, 36, 36) and found.max() > 0
    whole = keras.Input((6, 6, 2), dtype="float32")
    assert sight.saliency(keras.Model(whole, keras.layers.Flatten()(whole)), [tf.reduce_sum], seen[:, :6, :6, :2]) == []


def test_channels_stand_side_by_side_oldest_first() -> None:
    seen = np.zeros((2, 3, 4, 2), np.uint8)
    seen[0, ..., 0], seen[0, ..., 1], seen[1, ..., 1] = 10, 20, 30
    picture = sight.planes(seen)
    factor = picture.shape[0] // 9  # Two rows of three pixels, and a gap around each.
    small = picture[::factor, ::factor, 0]
    assert small.shape == (9, 11)
    assert small[1, 1] == 10 and small[1, 6] == 20 and small[5, 1] == 0 and small[5, 6] == 30
    colours = np.arange(2 * 2 * 2 * 6, dtype=np.uint8).reshape(2, 2, 2, 6)
    assert (sight.planes(colours)[:, :, 0] != sight.planes(colours)[:, :, 1]).any()


def test_planes_of_true_and_false_are_white_and_black() -> None:
    seen = np.zeros((1, 2, 2, 1), bool)
    seen[0, 0, 0] = True
    assert set(np.unique(sight.planes(seen)).tolist()) == {0, 255}


def test_what_weighs_most_is_marked_most() -> None:
    seen = np.full((1, 8, 8, 1), 100, np.uint8)
    weights = np.zeros((1, 8, 8), np.float32)
    weights[0, 2, 3] = 0.5
    picture = sight.marked(seen, weights)
    factor = picture.shape[0] // 10
    small = picture[::factor, ::factor]
    assert tuple(small[3, 9 + 1 + 3]) == (255, 60, 40) and tuple(small[3, 4]) == (100, 100, 100)


def test_a_few_of_many_lie_far_from_each_other() -> None:
    assert sight.some(np.arange(100)).tolist() == [0, 33, 66, 99]
    assert sight.some(np.arange(1)).tolist() == [0, 0, 0, 0]
