"""SavedModel: what TensorFlow, TensorFlow Serving and TensorFlow's other languages load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rlgen.exporting import warmup
from rlgen.exporting.bundle import Bundle
from rlgen.exporting.formats import Answering, Order
from rlgen.served import Arrays

# The one that a server means where nobody says which.
DEFAULT = "serving_default"


def write(order: Order, place: Path) -> None:
    """`saved_model.pb`, the variables, and requests by which TensorFlow Serving warms up."""
    save(order, place)
    warmup.write(order, place)


def save(order: Order, place: Path) -> None:
    """The SavedModel alone."""
    import tensorflow as tf

    concrete = {name: traced.get_concrete_function() for name, traced in order.traced.items()}
    holder = tf.Module()
    # What the programs read, found by themselves: Keras 3 wraps variables where `tf.Module` would not look.
    holder.held = [variable for each in concrete.values() for variable in each.graph.variables]
    for name, traced in order.traced.items():
        setattr(holder, name, traced)
    first = next(iter(concrete.values()))
    tf.saved_model.save(holder, str(place), signatures={**concrete, DEFAULT: first})


def load(place: Path, bundle: Bundle) -> Answering:
    """The signatures, each called with constants."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(place))

    def answer(signature: str, inputs: Arrays) -> dict[str, Any]:
        found = loaded.signatures[signature](**{name: tf.constant(array) for name, array in inputs.items()})
        return {name: tensor.numpy() for name, tensor in found.items()}

    return answer
