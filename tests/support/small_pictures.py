"""What tests of models learn from and with: small, but large enough for nets of two layers and more."""

from __future__ import annotations

import numpy as np

from rlgen.data import given

# Of a model with a critic, whether its nets are convolutional or dense.
SMALL_CRITIC = {
    "filters": 4,
    "latent_size": 3,
    "batch_size": 8,
    "discriminator_updates": 2,
    "generator_hidden_units": 8,
    "discriminator_hidden_units": 8,
}


def small_pictures(side: int = 16, channels: int = 1, count: int = 100) -> str:
    """The name of a data set of smooth random pictures, uint8 [count, side, side, channels]."""
    random = np.random.default_rng(side)
    coarse = random.integers(0, 256, (count, side // 4, side // 4, channels), np.uint8)
    return given.name_of(coarse.repeat(4, axis=1).repeat(4, axis=2))


def small_pairs(side: int = 16, channels: int = 1, count: int = 100) -> str:
    """The name of a data set of such pictures and of what they are to become: the same in three colours."""
    random = np.random.default_rng(side)
    coarse = random.integers(0, 256, (count, side // 4, side // 4, channels), np.uint8)
    x = coarse.repeat(4, axis=1).repeat(4, axis=2)
    y = np.stack([x[..., 0], 255 - x[..., 0], x[..., 0] // 2], axis=-1)
    return given.name_of((x, y))


def of_size(*shape: int) -> str:
    """The name of forty pictures of a shape, bytes of noise, in ten classes."""
    x = np.random.default_rng(0).integers(0, 256, (40, *shape)).astype(np.uint8)
    return given.name_of((x, np.arange(40) % 10))
