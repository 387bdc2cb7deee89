from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen import state
from rlgen.errors import UserError


class Ring:
    """Something that reads and writes its own state."""

    def __init__(self) -> None:
        self.values = np.arange(3)

    def state_arrays(self) -> dict[str, Any]:
        return {"values": self.values, "parts/sum": self.values.sum()}

    def load_state_arrays(self, arrays: Any) -> None:
        self.values = arrays["values"].copy()


def tree(fill: float) -> dict[str, Any]:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.set_weights([np.full((2, 3), fill, np.float32), np.full(3, fill + 1, np.float32)])
    optimizer = keras.optimizers.Adam(fill)
    optimizer.build(model.trainable_variables)
    return {
        "model": model,
        "optimizer": optimizer,
        "variables": [tf.Variable(fill), tf.Variable([int(fill)], dtype=tf.int64)],
        "nested": {"array": np.full((2, 2), fill), "flags": np.array([fill > 1])},
        "generator": np.random.default_rng(int(fill)),
        "ring": Ring(),
    }


def test_everything_comes_back_in_place() -> None:
    source, target = tree(3.0), tree(7.0)
    source["generator"].normal(size=5)
    source["ring"].values += 10
    array = target["nested"]["array"]
    arrays = state.read(source)
    state.write(target, arrays)
    again = state.read(target)
    assert arrays.keys() == again.keys()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], again[name], err_msg=name)
        assert arrays[name].dtype == again[name].dtype
    assert target["nested"]["array"] is array
    assert (target["generator"].normal(size=9) == source["generator"].normal(size=9)).all()


def test_names_are_paths() -> None:
    names = set(state.read(tree(1.0)))
    assert {"model/0", "model/1", "variables/0", "variables/1", "nested/array", "generator"} <= names
    assert {"ring/values", "ring/parts/sum", "optimizer/0"} <= names


def test_what_was_read_is_a_copy() -> None:
    here = {"a": np.zeros(2), "v": tf.Variable([0.0])}
    arrays = state.read(here)
    here["a"] += 1
    here["v"].assign([5.0])
    assert arrays["a"].tolist() == [0, 0]
    assert arrays["v"].tolist() == [0]


def test_names_nobody_wants_are_left_alone() -> None:
    here = {"a": np.zeros(2)}
    state.write(here, {"a": np.ones(2), "b": np.ones(3)})
    assert here["a"].tolist() == [1, 1]


def test_another_configuration_is_told() -> None:
    with pytest.raises(UserError, match="no 'a'.*another configuration"):
        state.write({"a": np.zeros(2)}, {"b": np.zeros(2)})
    with pytest.raises(UserError, match="no 'r'"):
        state.write({"r": Ring()}, {"a": np.zeros(2)})
    for leaf in (np.zeros(2), tf.Variable(tf.zeros(2))):
        with pytest.raises(UserError, match=r"'a' has the shape \(2,\) but the checkpoint holds \(3,\)"):
            state.write({"a": leaf}, {"a": np.zeros(3, np.float32)})


def test_what_cannot_be_held_is_named() -> None:
    with pytest.raises(TypeError, match="'a/b' is a str"):
        state.read({"a": {"b": "text"}})
