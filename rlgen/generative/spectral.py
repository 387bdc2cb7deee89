"""Spectral normalisation: layers that are nowhere steeper than 1; Miyato et al. (ICLR 2018), algorithm 1."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

EPSILON = 1e-12
WARM_UP = 10


def power_step(matrix: Any, u: Any) -> tuple[Any, Any]:
    """One step of the power method: (an estimate of the largest singular value, the next u).

    The gradient of the estimate is that for fixed vectors, as in the paper.

    Args:
        matrix: [M, N].
        u: the last estimate of the right singular vector, [N], of length 1.
    """
    fixed = tf.stop_gradient(matrix)
    v = tf.linalg.l2_normalize(tf.linalg.matvec(fixed, u), epsilon=EPSILON)
    u = tf.linalg.l2_normalize(tf.linalg.matvec(fixed, v, transpose_a=True), epsilon=EPSILON)
    return tf.tensordot(v, tf.linalg.matvec(matrix, u), 1), u


class _Spectral(keras.layers.Layer):
    """Mixed into a layer with a kernel whose last axis is its outputs: it uses the kernel over its norm. In float32."""

    def build(self, input_shape: Any) -> None:
        """Make the layer's weights, and the vector from which the power method goes on."""
        super().build(input_shape)
        self.u = self.add_weight(
            shape=(self.kernel.shape[-1],), initializer="random_normal", trainable=False, name="singular_vector"
        )
        # A few steps at once: the first update should find the kernel as flat as all others do.
        for _ in range(WARM_UP):
            self.normalized(training=True)

    def normalized(self, training: bool) -> Any:
        """The kernel over its largest singular value; in training the estimate of that goes one step on."""
        kernel = tf.convert_to_tensor(self.kernel)
        sigma, u = power_step(tf.reshape(kernel, (-1, kernel.shape[-1])), tf.convert_to_tensor(self.u))
        if training:
            self.u.assign(u)
        return kernel / tf.maximum(sigma, EPSILON)

    def biased(self, x: Any) -> Any:
        """With the bias, where the layer has one."""
        return x + self.bias if self.use_bias else x


class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """A convolution without an activation, its kernel as the matrix [rows * columns * channels, filters]."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """[N, height, width, channels] to [N, height', width', filters]."""
        return self.biased(self.convolution_op(inputs, self.normalized(training)))


class SpectralDense(_Spectral, keras.layers.Dense):
    """A dense layer without an activation."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """[N, inputs] to [N, units]."""
        return self.biased(tf.matmul(inputs, self.normalized(training)))
