"""The functions of an export as TensorFlow's, traced once for batches of any length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlgen.exporting.bundle import Signature
from rlgen.served import Served
from rlgen.spec import Spec


def specs(served: Served) -> list[Any]:
    """What the function is given, [N, *shape] each, in order."""
    import tensorflow as tf

    return [tf.TensorSpec((None, *spec.shape), spec.dtype, name=name) for name, spec in served.inputs.items()]


def program(served: Served) -> Any:
    """The `tf.function` of what is served: inputs by place, outputs by name."""
    import tensorflow as tf

    names = list(served.inputs)

    def answer(*tensors: Any) -> dict[str, Any]:
        found = served.function(dict(zip(names, tensors, strict=True)))
        return {name: tf.identity(tensor, name=name) for name, tensor in found.items()}

    return tf.function(answer, input_signature=specs(served), autograph=False)


def signature(served: Served, traced: Any) -> Signature:
    """What the function takes, and what its program gives."""
    outputs = traced.get_concrete_function().structured_outputs
    return Signature.of(
        served, {name: Spec(tuple(each.shape[1:]), each.dtype.name) for name, each in sorted(outputs.items())}
    )


def all_of(served: Mapping[str, Served]) -> dict[str, Any]:
    """A program for each."""
    return {name: program(each) for name, each in served.items()}
