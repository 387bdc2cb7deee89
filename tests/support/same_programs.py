"""Equal programs bear equal names, so that XLA compiles a program that many tests train once.

XLA keeps what it has compiled under a key that holds the names of functions and of operations. TensorFlow and Keras
number those through: the second `dense` of a process is `dense_1`, and the same step traced again is another
`__inference_advance_2773`. Here a function is named after a digest of its graph, and what is in a graph is numbered
from one. What programs compute, and their order, is left as it is. To that end private functions of TensorFlow and
Keras are replaced, in tests alone; where a release has others, `install` fails.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any

# How the gradient of an operation is registered, under a number; the gradient itself is in the graph, if it is used.
GRADIENT = "_gradient_op_type"
# Function attributes that name a function's other half.
HALVES = ("forward_function_name", "backward_function_name")


def install() -> None:
    """Name programs after what they compute, in this process from now on."""
    from tensorflow.python.eager.polymorphic_function import atomic_function, concrete_function
    from tensorflow.python.ops import control_flow_util_v2

    concrete_function._forward_name = _named("__forward_")
    concrete_function._backward_name = _named("__backward_")
    concrete_function._inference_name = _named("__inference_")
    atomic_function.from_func_graph = _from_func_graph(atomic_function.from_func_graph)
    control_flow_util_v2.unique_fn_name = _branch_name
    control_flow_util_v2.unique_grad_fn_name = _gradient_name
    control_flow_util_v2.create_new_tf_function = _branch(control_flow_util_v2.create_new_tf_function)
    _number_layers_by_graph()


def _named(prefix: str) -> Callable[[str], str]:
    return lambda name: f"{prefix}{name}"


def _from_func_graph(original: Callable[..., Any]) -> Callable[..., Any]:
    """Of a function made by tracing, the name ends in the digest of what was traced."""

    @functools.wraps(original)
    def from_func_graph(name: str, graph: Any, attrs: Any, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("__"):
            name = f"{name}_{_digest(graph, attrs)}"
        return original(name, graph, attrs, *args, **kwargs)

    return from_func_graph


def _branch(original: Callable[[Any], str]) -> Callable[[Any], str]:
    """Of a branch or a loop's body likewise."""

    @functools.wraps(original)
    def create_new_tf_function(func_graph: Any) -> str:
        func_graph.name = f"{func_graph.name}_{_digest(func_graph, None)}"
        return original(func_graph)

    return create_new_tf_function


def _digest(graph: Any, attrs: Any) -> str:
    """Of the operations, of what goes in and out, and of how it is to be run."""
    ends = [[tensor.name for tensor in part] for part in (graph.inputs, graph.outputs)]
    ends += [sorted(op.name for op in graph.control_outputs), sorted((graph._output_names or {}).values())]
    found = hashlib.blake2b(repr(ends).encode(), digest_size=7)
    for node in graph.as_graph_def().node:
        if GRADIENT in node.attr:
            del node.attr[GRADIENT]
        found.update(node.SerializeToString(deterministic=True))
    for key, value in sorted((attrs or {}).items()):
        if key not in HALVES:
            found.update(repr((key, str(value))).encode())
    # TensorFlow takes what a name ends in for a number when it saves a function.
    return str(int(found.hexdigest(), 16))


def _number(graph: Any) -> int:
    """The next number in the function that a graph is, or is a branch or a loop's body of."""
    from tensorflow.python.ops.control_flow_v2_func_graphs import ControlFlowFuncGraph

    while isinstance(graph, ControlFlowFuncGraph) and graph.outer_graph is not None:
        graph = graph.outer_graph
    graph._rlgen_number = getattr(graph, "_rlgen_number", 0) + 1
    return int(graph._rlgen_number)


def _branch_name(scope: str, name: str) -> str:
    import tensorflow as tf

    return f"{scope}{name}_{_number(tf.compat.v1.get_default_graph())}".replace("/", "_")


def _gradient_name(forward_name: str) -> str:
    import tensorflow as tf

    return f"{forward_name}_grad_{_number(tf.compat.v1.get_default_graph())}"


def _number_layers_by_graph() -> None:
    """`dense_15` of a process is the graph's `dense`, or the next free number after it."""
    import tensorflow as tf
    from keras.src.backend.tensorflow import core

    original = core.name_scope.__init__

    @functools.wraps(original)
    def made(self: Any, name: str, **kwargs: Any) -> None:
        original(self, name, **kwargs)
        self._tf_name_scope = tf.name_scope(re.sub(r"_\d+$", "", name))

    core.name_scope.__init__ = made
