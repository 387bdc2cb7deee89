from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from rlgen.errors import RlgenError, UserError
from rlgen.networks import vgg


@pytest.fixture(scope="module")
def weights() -> vgg.Weights:
    """Of the network's shapes, drawn."""
    random, channels, layers = np.random.default_rng(0), 3, []
    for convolutions, filters in vgg.BLOCKS:
        for _ in range(convolutions):
            kernel = random.normal(0, np.sqrt(2 / (9 * channels)), (3, 3, channels, filters)).astype(np.float32)
            layers.append((kernel, np.zeros(filters, np.float32)))
            channels = filters
    return layers


def test_each_block_halves_the_picture_until_nothing_is_left_to_halve(weights: vgg.Weights) -> None:
    shapes = [tuple(found.shape) for found in vgg.of_blocks(tf.zeros((2, 8, 8, 3)), weights)]
    assert shapes == [(2, 8, 8, 64), (2, 4, 4, 128), (2, 2, 2, 256), (2, 1, 1, 512), (2, 1, 1, 512)]


def test_grey_is_red_green_and_blue_alike(weights: vgg.Weights) -> None:
    x = tf.constant(np.random.default_rng(0).random((1, 8, 8, 1)), tf.float32)
    for one, other in zip(vgg.of_blocks(x, weights), vgg.of_blocks(tf.repeat(x, 3, -1), weights), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_the_mean_picture_is_nothing_to_the_first_layer(weights: vgg.Weights) -> None:
    """Its pixels are in the order and the units that the network learned with."""
    mean = tf.reshape(tf.constant(vgg.MEAN) / 255, (1, 1, 1, 3))
    first = vgg.of_blocks(tf.tile(mean, (1, 8, 8, 1)), weights)[0]
    np.testing.assert_allclose(first, np.zeros_like(first), atol=1e-3)


def test_a_distance_in_closed_form() -> None:
    """Features at right angles are 2 apart, whatever their length; alike they are 0 apart."""
    x, y = (tf.constant(rows, tf.float32)[None, None] for rows in ([[3, 0], [0, 2]], [[0, 5], [0, 1]]))
    found = vgg.distance(x, y, (0.5, 3.0), see=lambda z: [z, 7 * z])
    np.testing.assert_allclose(found, [(0.5 + 3) * (2 + 0) / 2], rtol=1e-5)
    np.testing.assert_allclose(vgg.distance(x, x, (1.0,), see=lambda z: [z]), [0], atol=1e-6)


def test_a_block_without_weight_is_not_looked_at() -> None:
    x = tf.constant([[[[1.0, 2.0]]]])
    found = vgg.distance(x, x, (1.0, 0.0), see=lambda z: [z, tf.fill(z.shape, float("nan"))])
    assert np.isfinite(found).all()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / vgg.FILE
    for content in (b"no archive", None):
        if content is None:
            with zipfile.ZipFile(file, "w") as packed:
                packed.writestr("other", b"")
        else:
            file.write_bytes(content)
        with pytest.raises(RlgenError, match=rf"{vgg.FILE}' is damaged.*rlgen data get vgg16"):
            vgg.read(file)


def test_the_network_itself() -> None:
    """What was measured of it: at equal squared error blur is further away than noise."""
    from sklearn.datasets import load_sample_images

    try:
        vgg.VGG16.origin.require(vgg.VGG16.name)
    except UserError as missing:
        pytest.skip(f"VGG16 is not here: {missing}")
    x = tf.stack([tf.image.resize(one / 255, (64, 64), antialias=True) for one in load_sample_images().images])
    blur = tf.image.resize(tf.image.resize(x, (16, 16), "area"), (64, 64), "bicubic")
    deviation = tf.sqrt(tf.reduce_mean(tf.square(blur - x)))
    noise = x + deviation * tf.random.stateless_normal(x.shape, (0, 1))
    far, near, others = (tf.reduce_mean(vgg.distance(x, y)).numpy() for y in (blur, noise, x[::-1]))
    assert 0 < near < far < others
