"""What models that learn from data need so that others can use them: examples in Keras' symbols, and made-up ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.spec import Spec


def scaled(x: Any, spec: Spec) -> Any:
    """`rlgen.data.scaled` of examples of a specification, for Keras' symbolic tensors too."""
    import keras

    x = keras.ops.cast(x, "float32") if spec.dtype in ("uint8", "bool") else x
    return x / 255.0 if spec.dtype == "uint8" else x


def random_examples(spec: Spec, count: int, generator: np.random.Generator) -> npt.NDArray[Any]:
    """Numbers in the place of examples, [count, *shape]: bytes, truth values, or standard normal ones."""
    shape = (count, *spec.shape)
    if spec.dtype == "uint8":
        return generator.integers(0, 256, shape, dtype=np.uint8)
    if spec.dtype == "bool":
        return generator.integers(0, 2, shape).astype(np.bool_)
    return generator.standard_normal(shape, np.float32).astype(spec.dtype)
