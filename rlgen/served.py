"""What can be taken out of a run and used elsewhere: functions on named tensors, which need nothing of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from rlgen.spec import Spec

Tensors = Mapping[str, Any]
Arrays = Mapping[str, npt.NDArray[Any]]


def largest(x: Any) -> Any:
    """Where the last axis is largest, int32, of TensorFlow's tensors or Keras' symbolic ones.

    Of the latter Keras knows alone; of the former it makes more than other formats have words for.
    """
    import keras
    import tensorflow as tf

    return keras.ops.argmax(x, -1) if isinstance(x, keras.KerasTensor) else tf.argmax(x, -1, output_type=tf.int32)


@dataclass(frozen=True, kw_only=True)
class Served:
    """One question that what was learned answers.

    Attributes:
        about: what it answers, a sentence.
        inputs: what it is given, by name, each without the axis of the batch.
        function: tensors [N, *shape] by name to tensors [N, ...] by name; preprocessing, normalisation and scaling are
            inside, and nothing in it is random.
        reference: the same in NumPy as the run itself answers, to compare with.
        fresh: (count, seed) to so many inputs that were not trained on.
        labels: what the numbers of an output mean, by the output's name: the names of classes.
        in_keras: the same as `function` of Keras' symbolic tensors, of which a Keras model can be made; None: it is
            more than Keras' own layers.
    """

    about: str
    inputs: Mapping[str, Spec]
    function: Callable[[Tensors], Tensors]
    reference: Callable[[Arrays], Arrays]
    fresh: Callable[[int, int], Arrays]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    in_keras: Callable[[Tensors], Tensors] | None = None
