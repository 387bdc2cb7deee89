"""The graph of an algorithm's networks, for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlgen import state


def of_networks(networks: Mapping[str, Any]) -> bytes | None:
    """What Keras models compute, each in a box of its name, as a serialised `GraphDef`; None if there is none.

    Args:
        networks: by name; what is no model with known inputs, nor made of such, is left out.
    """
    import tensorflow as tf

    parts = {name: part for whole, model in networks.items() for name, part in _parts(whole, model).items()}
    given = {
        name: [tf.TensorSpec(one.shape, one.dtype, name=f"{name}_input") for one in part.inputs]
        for name, part in parts.items()
    }
    if not given:
        return None

    def all_of_them(given: Any) -> None:
        for name, inputs in given.items():
            with tf.name_scope(name):
                parts[name](inputs[0] if len(inputs) == 1 else inputs)

    # Autograph would look through all modules there are, which takes longer than all else.
    graph = tf.function(all_of_them, autograph=False).get_concrete_function(given).graph
    return bytes(graph.as_graph_def(add_shapes=True).SerializeToString())


def _parts(name: str, model: Any) -> dict[str, Any]:
    """The models with known inputs that a model is made of, by their paths: itself, if it is one."""
    import keras

    if not isinstance(model, keras.Layer):
        return {}
    if getattr(model, "inputs", None):
        return {name: model}
    inside = {layer.name: layer for layer in model._flatten_layers(include_self=False, recursive=False)}
    return {path: part for layer in inside for path, part in _parts(f"{name}/{layer}", inside[layer]).items()}


def networks_in(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The objects with variables of their own in a tree of state, by their paths: networks, optimizers."""
    return {path: node for path, node in state.nodes(tree) if hasattr(node, "variables")}
