from __future__ import annotations

import keras
import numpy as np
import pytest

from rlgen import runtime
from rlgen.errors import UserError
from rlgen.generative import nets
from rlgen.generative.nets import Layers


@pytest.mark.parametrize(
    ("shape", "first", "times"),
    [
        ((8, 8, 1), (4, 4), 1),
        ((28, 28, 1), (7, 7), 2),
        ((32, 32, 3), (4, 4), 3),
        ((48, 48, 3), (6, 6), 3),
        ((64, 64, 3), (4, 4), 4),
        ((80, 80, 3), (5, 5), 4),
        ((256, 256, 3), (4, 4), 6),
        ((64, 128, 3), (4, 8), 4),
        ((28, 36, 1), (7, 9), 2),
    ],
)
def test_depth_follows_from_the_size(shape: tuple[int, int, int], first: tuple[int, int], times: int) -> None:
    assert nets.start(shape) == (first, times)


def test_every_size_that_is_possible_doubles_a_start_to_itself() -> None:
    possible = [side for side in range(1, 600) if nets._start(side, side)]
    assert possible == [
        8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256
    ]  # fmt: skip
    for side in possible:
        (rows, columns), times = nets.start((side, side, 1))
        assert rows == columns and rows * 2**times == side


@pytest.mark.parametrize(
    ("height", "width", "sizes"),
    [
        (30, 30, "28 x 28 or 32 x 32"),
        (100, 100, "96 x 96 or 112 x 112"),
        (7, 7, "8 x 8"),
        (300, 300, "256 x 256"),
        (31, 64, "28 x 64 or 32 x 64"),
        (4, 300, "8 x 256"),
    ],
)
def test_a_size_that_is_not_is_refused_with_the_nearest_that_are(height: int, width: int, sizes: str) -> None:
    with pytest.raises(UserError, match=rf"{height} x {width} pixels.*nearest that can: {sizes}\..*size=N.*=dense"):
        nets.start((height, width, 3))


def test_transparency_is_refused() -> None:
    with pytest.raises(UserError, match="4 channels.*1 or 3"):
        nets.start((8, 8, 4))


def test_the_layers_of_the_paper() -> None:
    """Radford et al., figure 1, and the authors' discriminator, for 64 pixels."""
    layers = Layers(5)
    generator = nets.generator(100, (64, 64, 3), 128, 1024, layers, "tanh")
    transposed = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert [layer.filters for layer in transposed] == [512, 256, 128, 3]
    assert transposed[-1].activation.__name__ == "tanh"
    assert generator.layers[1].units == 4 * 4 * 1024
    kernels = 100 * 16384 + 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert generator.count_params() == kernels + 4 * (1024 + 512 + 256 + 128) + 3
    discriminator = nets.discriminator((64, 64, 3), 128, 1024, layers)
    convolutions = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [128, 256, 512, 1024]
    kinds = [type(layer).__name__ for layer in discriminator.layers]
    assert kinds[1:4] == ["Conv2D", "LeakyReLU", "Conv2D"], "no normalisation next to the picture"
    assert kinds.count("BatchNormalization") == 3


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 3), (24, 40, 3)])
def test_what_the_generator_makes_the_discriminator_sees(shape: tuple[int, int, int]) -> None:
    layers = Layers(4, dropout=0.5)
    made = nets.generator(6, shape, 4, 8, layers, "sigmoid")(np.zeros((2, 6), np.float32))
    assert tuple(made.shape) == (2, *shape)
    assert tuple(nets.discriminator(shape, 4, 8, layers)(made).shape) == (2, 1)


def test_normalization_has_the_authors_momentum_and_none_where_none_is_wanted() -> None:
    norms = [
        layer
        for layer in nets.generator(6, (16, 16, 1), 4, 8, Layers(), "tanh").layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}
    plain = nets.generator(6, (16, 16, 1), 4, 8, Layers(batch_norm=False), "tanh")
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in plain.layers)
    # Where nothing takes a mean off, layers have biases.
    assert all(layer.use_bias for layer in plain.layers if hasattr(layer, "use_bias"))


def test_no_two_layers_begin_alike_and_a_seed_decides() -> None:
    layers = Layers(batch_norm=False)
    with runtime.python_random(5):
        one = nets.discriminator((32, 32, 1), 8, 8, layers)
    with runtime.python_random(5):
        again = nets.discriminator((32, 32, 1), 8, 8, layers)
    for a, b in zip(one.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    second, third = (one.layers[i].kernel.numpy() for i in (3, 5))
    assert second.shape == third.shape
    assert (second != third).any()
    assert np.std(second) == pytest.approx(0.02, rel=0.1)


def test_what_memory_cannot_hold_is_refused() -> None:
    with pytest.raises(UserError, match="weights.*Make filters, most_filters or kernel_size smaller"):
        nets.discriminator((8, 8, 1), 10**9, 10**9, Layers())
    with pytest.raises(UserError, match="weights.*Make filters"):
        nets.generator(10**9, (8, 8, 1), 10**6, 10**9, Layers(), "tanh")


def test_the_deviation_of_a_group_in_closed_form() -> None:
    """Two groups, of which one has the same picture twice."""
    x = np.zeros((4, 2, 2, 3), np.float32)
    x[0], x[2] = 1.0, 5.0
    x[1], x[3] = 2.0, 2.0
    x = x[[0, 1, 3, 1]]  # Reshaped to [2, 2]: pictures 0 and 2, 1 and 3 are a group.
    x[0], x[2] = 1.0, 4.0
    found = nets.MinibatchDeviation(2)(x).numpy()
    assert found.shape == (4, 2, 2, 4)
    np.testing.assert_array_equal(found[..., :3], x)
    np.testing.assert_allclose(found[[0, 2], 0, 0, 3], [1.5, 1.5], rtol=1e-5)
    np.testing.assert_allclose(found[[1, 3], 0, 0, 3], [0, 0], atol=1e-3)


def test_a_batch_that_cannot_be_divided_is_one_group() -> None:
    x = np.array([0.0, 0.0, 3.0], np.float32).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(nets.MinibatchDeviation(2)(x).numpy()[:, 0, 0, 1], [np.sqrt(2)] * 3, rtol=1e-5)
