"""Noise on the weights of dense layers, by which an agent explores. Source: Fortunato et al. (2018)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import state


def scaled(noise: Any) -> Any:
    """f(e) = sgn(e) * sqrt(|e|), of normal numbers in any shape: the products of two have variance 1, nearly.

    NumPy or TensorFlow. Source: the paper's section 3.
    """
    operations = np if isinstance(noise, np.ndarray) else tf
    return operations.sign(noise) * operations.sqrt(operations.abs(noise))


class NoisyWeights:
    """Factorised noise on the dense layers of models: W + S * f(e) f(e')^T and b + s * f(e').

    The layers stay as they are, their weights the means W and b, so that without noise a network is an ordinary one.
    What is here are S and s, which learn too. Weights and biases start uniform within 1 / sqrt(inputs), as in the
    paper, kernels as their layers were made.

    Attributes:
        size: normal numbers that the noise of one pass is made of: inputs and outputs of each layer.
        sigmas: S and s of each layer, variables.
    """

    def __init__(self, *models: Any, sigma: float, seed: int) -> None:
        """Find the layers and draw their biases.

        Args:
            models: Keras models.
            sigma: S and s start at this over sqrt(inputs).
            seed: of the biases.
        """
        self._layers = [
            layer for model in models for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense)
        ]
        self._weights = [[w for w in (layer.kernel, layer.bias) if w is not None] for layer in self._layers]
        self.size = sum(sum(layer.kernel.shape) for layer in self._layers)
        self.sigmas = []
        generator = np.random.default_rng(seed)
        for layer, weights in zip(self._layers, self._weights, strict=True):
            bound = 1 / math.sqrt(layer.kernel.shape[0])
            for bias in weights[1:]:
                bias.assign(generator.uniform(-bound, bound, bias.shape).astype(np.float32))
            self.sigmas += [keras.Variable(np.full(w.shape, sigma * bound, np.float32), name="sigma") for w in weights]
        self._version: int | None = None
        self._copies: dict[int, npt.NDArray[np.float32]] = {}

    def under(self, noise: Any, read: Callable[[Any], Any] = tf.convert_to_tensor) -> Iterator[tuple[Any, Any]]:
        """Each layer's weights, and what they are under noise; NumPy or TensorFlow.

        Args:
            noise: normal numbers, [size].
            read: the value of a variable.
        """
        factors, sigmas, first = scaled(noise), iter(self.sigmas), 0
        for layer, weights in zip(self._layers, self._weights, strict=True):
            inputs, outputs = layer.kernel.shape
            rows, columns = factors[first : first + inputs], factors[first + inputs : first + inputs + outputs]
            first += inputs + outputs
            for weight, factor in zip(weights, (rows[:, None] * columns, columns), strict=False):
                yield weight, read(weight) + read(next(sigmas)) * factor

    def on_host(self, noise: npt.NDArray[np.float32]) -> Callable[[Any], npt.NDArray[np.float32]]:
        """What each of the layers' weights is under noise, [size], in NumPy, of today's means and sigmas."""
        if self._version != state.version():
            variables = [*self.sigmas, *(weight for weights in self._weights for weight in weights)]
            self._copies, self._version = {id(each): each.numpy() for each in variables}, state.version()
        values = {id(weight): value for weight, value in self.under(noise, lambda each: self._copies[id(each)])}
        return lambda weight: values[id(weight)]

    def mean_sigma(self) -> float:
        """The mean size of all S and s: how much noise there still is."""
        return float(sum(np.abs(each.numpy()).sum() for each in self.sigmas)) / sum(
            math.prod(s.shape) for s in self.sigmas
        )
