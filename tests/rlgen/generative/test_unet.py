from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen.errors import UserError
from rlgen.generative import unet
from rlgen.generative.unet import Layers

# Receptive field of a logit by halvings, as the authors' code counts it.
FIELDS = {0: 1, 1: 16, 2: 34, 3: 70, 4: 142, 5: 286}


def test_the_nets_of_the_paper_have_the_paper_s_sizes() -> None:
    generator = unet.generator((256, 256, 3), 3, 64, 512, Layers(), "tanh")
    discriminator = unet.patch_discriminator((256, 256, 3), (256, 256, 3), 3, 64, 512, Layers())
    for net, size in ((generator, 54_414_531), (discriminator, 2_768_705)):
        assert sum(int(np.prod(variable.shape)) for variable in net.trainable_variables) == size
    assert discriminator.output_shape == (None, 30, 30, 1)
    assert sum(type(layer).__name__ == "Dropout" for layer in generator.layers) == 3


@pytest.mark.parametrize(
    ("shape", "depth"), [((8, 8, 1), 3), ((28, 28, 1), 2), ((64, 64, 3), 6), ((64, 128, 3), 6), ((96, 96, 3), 5)]
)
def test_a_generator_is_as_deep_as_its_pictures_can_be_halved(shape: tuple[int, int, int], depth: int) -> None:
    assert unet.depth(shape) == depth
    net = unet.generator(shape, 3, 2, 4, Layers(), "tanh")
    assert net.output_shape == (None, *shape[:2], 3)
    kinds = [type(layer).__name__ for layer in net.layers]
    assert kinds.count("Conv2D") == kinds.count("Conv2DTranspose") == depth
    assert kinds.count("Concatenate") == depth - 1


def test_a_size_that_cannot_be_halved_is_refused_with_the_nearest_that_can() -> None:
    with pytest.raises(UserError, match="100 x 100 pixels.*96 x 96 or 112 x 112"):
        unet.depth((100, 100, 3))


@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_a_logit_sees_what_it_is_said_to_see(halvings: int) -> None:
    """By the support of its gradient, in a net whose weights are all positive."""
    side = 2 * FIELDS[halvings] // 8 * 8 + 16
    net = unet.patch_discriminator((side, side, 1), (side, side, 1), halvings, 2, 4, Layers("none"))
    for variable in net.trainable_variables:
        variable.assign(tf.ones_like(variable))
    picture = tf.zeros((1, side, side, 1))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        logits = net([picture, picture])
        middle = logits.shape[1] // 2
        one = logits[0, middle, middle, 0]
    assert logits.shape[1] == unet.patches(side, halvings)
    seen = np.nonzero(tape.gradient(one, picture).numpy()[0, :, :, 0])
    assert [int(np.ptp(axis)) + 1 for axis in seen] == [FIELDS[halvings]] * 2


def test_receptive_fields_are_the_authors() -> None:
    assert {n: unet.receptive_field(n) for n in FIELDS} == FIELDS


def test_without_halvings_each_pixel_is_judged_by_itself() -> None:
    net = unet.patch_discriminator((8, 8, 3), (8, 8, 1), 0, 2, 4, Layers("none"))
    x, given = np.random.default_rng(0).normal(size=(2, 1, 8, 8, 3)).astype(np.float32), np.zeros((1, 8, 8, 1), "f4")
    changed = x[0].copy()
    changed[0, 3, 4] += 1
    different = (net([x[0], given]).numpy() != net([changed, given]).numpy())[0, :, :, 0]
    assert np.argwhere(different).tolist() == [[3, 4]]
