import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rlgen import files, state
from rlgen.archive import Archive
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


class Rows(Ring):
    """As a replay memory: rows, as many as there are so far."""

    def state_arrays(self) -> dict[str, Any]:
        return {"rows": np.zeros((3, 2), np.float32), "count": np.array(3)}

    def load_state_arrays(self, arrays: Any) -> None:
        self.loaded = arrays
        if len(arrays["rows"]) > 5:
            raise IndexError("there is room for 5")


def from_file(path: Path, arrays: dict[str, Any]) -> Archive:
    np.savez(path, **arrays)
    return Archive(files.open_to_read(path))


def test_types_are_those_that_were_written() -> None:
    """NumPy would turn one into another without a word."""
    for leaf in (np.zeros(2, np.float32), tf.Variable(tf.zeros(2))):
        for wrong in (np.float64, np.int32, bool, "<U3"):
            with pytest.raises(UserError, match=r"'a' is float32 but the checkpoint holds .*not what rlgen wrote"):
                state.write({"a": leaf}, {"a": np.zeros(2, wrong)})
    with pytest.raises(UserError, match=r"'g' is uint8 but"):
        state.write({"g": np.random.default_rng(0)}, {"g": np.zeros(3)})
    with pytest.raises(UserError, match=r"'g' has the shape \('any',\)"):
        state.write({"g": np.random.default_rng(0)}, {"g": np.array(3, np.uint8)})


def generator_with(**changes: Any) -> bytes:
    return json.dumps({**np.random.default_rng(0).bit_generator.state, **changes}).encode()


GARBAGE = {
    "no JSON": b"garbage",
    "no text": b"\xff\xfe",
    "nothing": b"",
    "a list": b"[]",
    "an empty object": b"{}",
    "deep": b"[" * 50_000,
    "another generator": generator_with(bit_generator="MT19937"),
    "a state that is none": generator_with(state=5),
    "a number that is too large": generator_with(state={"state": 2**400, "inc": 1}),
    "a number that is negative": generator_with(state={"state": -1, "inc": 1}),
    "a flag that is too large": generator_with(has_uint32=10**30),
    "text for a number": generator_with(uinteger="x"),
}


@pytest.mark.parametrize("wrong", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_generator_that_is_none_is_refused_before_anything_is_written(wrong: bytes) -> None:
    here = {"a": np.zeros(2), "g": np.random.default_rng(0), "z": np.zeros(2)}
    before = state.read(here)
    with pytest.raises(UserError, match="'g' cannot be taken from this checkpoint: "):
        state.write(here, {"a": np.ones(2), "g": np.frombuffer(wrong, np.uint8), "z": np.ones(2)})
    after = state.read(here)
    assert {name: array.tobytes() for name, array in after.items()} == {
        name: array.tobytes() for name, array in before.items()
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"z": None}, "no 'z'"),
        ({"z": np.ones(3)}, r"'z' has the shape \(2,\)"),
        ({"z": np.ones(2, np.int64)}, "'z' is float64"),
        ({"r/rows": None}, "no 'r/rows'"),
        ({"r/count": None}, "no 'r/count'"),
        ({"r/rows": None, "r/count": None}, "no 'r'"),
        ({"r/rows": np.zeros((3, 4), np.float32)}, r"'r/rows' has the shape \('any', 2\)"),
        ({"r/rows": np.zeros((), np.float32)}, r"'r/rows' has the shape \('any', 2\)"),
        ({"r/rows": np.zeros((3, 2))}, "'r/rows' is float32"),
        ({"r/count": np.zeros(1, np.int64)}, r"'r/count' has the shape \(\)"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_tree_is_never_half_written(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    here = {"a": np.zeros(2), "v": tf.Variable([0.0]), "r": Rows(), "z": np.zeros(2)}
    good = {"a": np.ones(2), "v": np.ones(1, np.float32), "z": np.ones(2)}
    good |= {f"r/{name}": array for name, array in Rows().state_arrays().items()}
    arrays = {name: array for name, array in {**good, **wrong}.items() if array is not None}
    version = state.version()
    with pytest.raises(UserError, match=words):
        state.write(here, from_file(tmp_path / "a.npz", arrays))
    assert (here["a"].sum(), here["z"].sum(), float(here["v"].numpy()[0])) == (0, 0, 0)
    assert not hasattr(here["r"], "loaded") and state.version() == version
    state.write(here, from_file(tmp_path / "a.npz", good))
    assert (here["a"].sum(), here["z"].sum()) == (2, 2) and here["r"].loaded.keys() == {"rows", "count"}
    assert state.version() > version


def test_as_many_rows_as_the_file_has_if_there_is_room(tmp_path: Path) -> None:
    for rows, fits in {0: True, 5: True, 6: False}.items():
        arrays = {"r/rows": np.zeros((rows, 2), np.float32), "r/count": np.array(3)}
        if fits:
            state.write({"r": Rows()}, from_file(tmp_path / "a.npz", arrays))
            continue
        with pytest.raises(UserError, match="'r' cannot be taken from this checkpoint: IndexError: there is room for"):
            state.write({"r": Rows()}, from_file(tmp_path / "a.npz", arrays))


def test_what_nobody_wants_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays, read = from_file(tmp_path / "a.npz", {"a": np.ones(2), "b": np.ones(3)}), list[str]()
    original = Archive.__getitem__
    monkeypatch.setattr(Archive, "__getitem__", lambda self, name: (read.append(name), original(self, name))[1])
    state.write({"a": np.zeros(2)}, arrays)
    assert state.part({"a": np.zeros(2)}, arrays).keys() == {"a"}
    assert set(read) == {"a"}


def test_the_part_that_belongs_to_a_tree() -> None:
    arrays = {"a": np.ones(1), "ab": np.ones(1), "r/rows": np.ones(1), "x/y": np.ones(1)}
    assert state.part({"a": np.zeros(1), "r": Rows(), "x": [np.zeros(1)]}, arrays).keys() == {"a", "r/rows"}
    assert state.part({"x": {"y": np.zeros(1)}}, arrays).keys() == {"x/y"}


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_weights_have_to_be_finite(wrong: float) -> None:
    here = {"w": [np.zeros(2)], "r": Rows()}
    state.require_finite(here, {"w/0": np.ones(2), "other": np.array(wrong), "r/rows": np.array([wrong])})
    for other in ({"w/0": np.ones(2, np.int64), "r/rows": np.ones(1)}, {"w/0": np.array(["a", "b"])}, {}):
        with pytest.raises(UserError, match="'w/0'"):
            state.require_finite(here, other)
    with pytest.raises(UserError, match="'w/0' of this checkpoint are not finite"):
        state.require_finite(here, {"w/0": np.array([0, wrong]), "r/rows": np.ones(1)})
