"""Dense layers one after another."""

from __future__ import annotations

from typing import Any

from rlgen.networks import Options, Spec
from rlgen.networks.layers import dense, first


def dense_layers(inputs: Spec, options: Options) -> Any:
    """Dense layers one after another, a multi-layer perceptron; what is no vector is made one."""
    import keras

    tensor, x = first(inputs, options.dtype)
    if len(inputs.shape) != 1:
        x = keras.layers.Reshape((inputs.size,), dtype=options.dtype)(x)
    return keras.Model(tensor, dense(x, options.hidden_units, options))
