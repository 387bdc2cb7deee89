"""The NumPy mirror of dense networks.

A call into TensorFlow costs hundreds of microseconds however small the network is; NumPy answers for a small MLP
in ten. Acting on the host uses the mirror, learning uses the model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import state

Array = npt.NDArray[np.floating[Any]]

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
}
_SHAPING = ("InputLayer", "Reshape", "Flatten", "Rescaling")


class Mirror:
    """A function in NumPy of dense models one after another: always of their weights as they are now.

    The weights are copied when the mirror is called after anything may have changed them (`rlgen.state.version`).
    Whoever assigns to a variable outside a program of `rlgen.loops` and outside `rlgen.state` says so with
    `rlgen.state.touch()`.
    """

    def __init__(self, *models: Any) -> None:
        """Look the layers up; `possible` says whether there can be a mirror.

        Args:
            models: Keras models or layers, applied in this order.
        """
        self._layers = [layer for model in models for layer in _layers(model)]
        self._version: int | None = None
        self._steps: list[Callable[[Array], Array]] = []

    @staticmethod
    def possible(*models: Any) -> bool:
        """Whether all layers are dense, in single precision, one after another."""
        return all(_can(layer) for model in models for layer in _layers(model))

    def __call__(self, x: npt.NDArray[Any], weights: Callable[[Any], Array] | None = None) -> npt.NDArray[np.float32]:
        """Outputs, float32 [N, outputs], of examples [N, *shape].

        Args:
            x: the examples.
            weights: a variable to the array to compute with instead of its value.
        """
        for step in self._today() if weights is None else [_step(layer, weights) for layer in self._layers]:
            x = step(x)
        return np.asarray(x, np.float32)

    def _today(self) -> list[Callable[[Array], Array]]:
        """The layers as functions, of the weights as they are now."""
        if self._version != state.version():
            self._steps = [_step(layer, lambda variable: variable.numpy()) for layer in self._layers]
            self._version = state.version()
        return self._steps


def on_host(model: Any, *more: Any) -> Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]:
    """Models one after another as a function of arrays, of today's weights: their mirror, or a program of them."""
    models = (model, *more)
    if Mirror.possible(*models):
        return Mirror(*models)
    import tensorflow as tf

    from rlgen import loops

    program = loops.program(lambda x: functools.reduce(lambda y, part: part(y), models, x))
    return lambda x: np.asarray(program(tf.constant(x)), np.float32)


def _layers(model: Any) -> Iterator[Any]:
    """The layers of a model, those of models inside it too, in the order of their use."""
    if not hasattr(model, "layers"):
        yield model
        return
    for layer in model.layers:
        yield from _layers(layer)


def _can(layer: Any) -> bool:
    kind = type(layer).__name__
    dense = kind == "Dense" and layer.activation.__name__ in _ACTIVATIONS
    return (dense or kind in _SHAPING) and layer.compute_dtype in ("float32", "uint8", "bool")


def _step(layer: Any, weights: Callable[[Any], Array]) -> Callable[[Array], Array]:
    kind = type(layer).__name__
    if kind == "Dense":
        kernel, bias, act = weights(layer.kernel), weights(layer.bias), _ACTIVATIONS[layer.activation.__name__]
        return lambda x: act(x @ kernel + bias)
    if kind == "Rescaling":
        scale = np.float32(layer.scale)
        return lambda x: x * scale
    if kind == "InputLayer":
        return lambda x: x
    return lambda x: x.reshape(len(x), -1)
