from __future__ import annotations

import keras
import numpy as np
import pytest
import same_bits
import tensorflow as tf
from small_pictures import small_pictures

from rlgen.errors import UserError
from rlgen.generative.dcgan import DCGAN, DCGANConfig
from rlgen.generative.spectral import SpectralConv2D, SpectralDense, power_step
from rlgen.generative.wgan import WGAN, WGANConfig

SMALL = {"filters": 4, "latent_size": 5, "batch_size": 8, "spectral_norm": True}


def make() -> DCGAN:
    return DCGAN(problem=small_pictures(), config=DCGANConfig.build(SMALL), seed=0)


def test_the_power_method_finds_the_largest_singular_value() -> None:
    random = np.random.default_rng(0)
    matrix, u = tf.constant(random.standard_normal((7, 4))), tf.constant([1.0, 0, 0, 0], tf.float64)
    for _ in range(100):
        sigma, u = power_step(matrix, u)
    assert float(sigma) == pytest.approx(np.linalg.svd(matrix.numpy(), compute_uv=False)[0])
    assert float(tf.norm(u)) == pytest.approx(1)


def test_the_gradient_of_the_norm_is_the_outer_product_of_its_vectors() -> None:
    matrix = tf.Variable(np.diag([3.0, 2.0]))
    with tf.GradientTape() as tape:
        sigma, _ = power_step(tf.convert_to_tensor(matrix), tf.constant([1.0, 0.0], tf.float64))
    assert float(sigma) == pytest.approx(3)
    np.testing.assert_allclose(tape.gradient(sigma, matrix), [[1, 0], [0, 0]], atol=1e-9)


# A kernel of its own: of one whose two largest singular values are nearly alike the norm takes thousands of steps.
SEEDED = {"kernel_initializer": keras.initializers.GlorotUniform(seed=1)}


@pytest.mark.parametrize(
    "layer", [SpectralDense(6, **SEEDED), SpectralConv2D(6, 3, strides=2, padding="same", **SEEDED)]
)
def test_a_layer_computes_with_its_kernel_over_the_norm(layer: keras.layers.Layer) -> None:
    x = tf.random.stateless_normal((4, 8, 8, 2) if isinstance(layer, SpectralConv2D) else (4, 5), (0, 1))
    for _ in range(100):
        made = layer(x, training=True)
    kernel = layer.kernel.numpy()
    norm = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
    plain = tf.nn.conv2d(x, kernel, 2, "SAME") if isinstance(layer, SpectralConv2D) else x @ kernel
    np.testing.assert_allclose(made, plain / norm, atol=1e-4)
    before = layer.u.numpy()
    np.testing.assert_array_equal(layer(x, training=False), layer(x))
    np.testing.assert_array_equal(layer.u, before)


def test_kernels_keep_a_norm_of_one_while_they_learn() -> None:
    model = make()
    kinds = (SpectralConv2D, SpectralDense)
    layers = [layer for layer in model.discriminator.layers if isinstance(layer, kinds)]
    assert len(layers) == 3
    for steps in (0, 5):
        if steps:
            model.train(steps)
        for layer in layers:
            used = layer.normalized(training=False).numpy()
            norm = np.linalg.svd(used.reshape(-1, used.shape[-1]), compute_uv=False)[0]
            assert norm == pytest.approx(1, abs=0.1)


def test_a_resume_is_exact_with_the_vectors() -> None:
    same_bits.assert_resumes_to_the_bit(make(), parts=(1, 2), rest=2)


def test_nets_without_such_layers_are_refused() -> None:
    with pytest.raises(UserError, match="spectral_norm=true.*discriminator=auto.*'ring'.*spectral_norm=false"):
        WGAN(problem="ring", config=WGANConfig(spectral_norm=True), seed=0)
