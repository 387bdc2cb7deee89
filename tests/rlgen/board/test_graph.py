import keras
import tensorflow as tf
from tensorflow.core.framework import graph_pb2

from rlgen.board import graph


class Two(keras.Model):
    """A body with a head, of no inputs that Keras knows."""

    def __init__(self) -> None:
        super().__init__()
        self.body = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="hidden")], name="body")
        self.head = keras.layers.Dense(1)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.head(self.body(x))


def test_each_network_has_a_box_of_its_name() -> None:
    inputs = [keras.Input((2,)), keras.Input((5,))]
    joined = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(inputs)))
    found = graph.of_networks({"actor/first": Two(), "critic": joined, "rate": tf.Variable(0.0)})
    assert found is not None
    names = [node.name for node in graph_pb2.GraphDef.FromString(found).node]
    assert any(name.startswith("actor/first/body") and "MatMul" in name for name in names)
    assert any(name.startswith("critic/") and "concat" in name.lower() for name in names)


def test_without_networks_there_is_no_graph() -> None:
    assert graph.of_networks({"weights": tf.Variable([1.0])}) is None


def test_what_has_variables_is_found_in_a_tree() -> None:
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    assert graph.networks_in({"a": {"b": [net]}, "c": tf.Variable(0.0)}) == {"a/b/0": net}
