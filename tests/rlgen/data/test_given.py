"""Arrays, `tf.data` and data sets without a name as data: what is understood, and how they are cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import rlgen
from rlgen import data
from rlgen.data import Arrays, Dataset, Target
from rlgen.data.given import InMemory, name_of
from rlgen.errors import UserError
from rlgen.spec import Spec

X = np.random.default_rng(0).normal(size=(200, 4))
SMALL = {"hidden_units": 8, "batch_size": 16, "trainer.evaluate_every_steps": 1000}


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(200) % 3,
        np.arange(200)[:, None] % 3 + 1,
        np.eye(3)[np.arange(200) % 3],
        np.array(["a", "b", "c"])[np.arange(200) % 3],
        np.array(["a", "b", "c"], object)[np.arange(200) % 3],
    ],
    ids=["numbers", "a column from 1", "one-hot", "text", "objects"],
)
def test_labels_of_any_form(labels: Any) -> None:
    made = InMemory(X, labels)
    assert made.target is not None and made.target.label and len(made.target.classes) == 3
    parts = [data.examples(made, part, name="x") for part in data.PARTS]
    assert [len(part) for part in parts] == [160, 20, 20]
    for part in parts:
        assert np.bincount(part.y).min() >= len(part) // 3 - 1, "classes in their shares"
    rows = np.concatenate([part.x for part in parts])
    assert len(np.unique(rows, axis=0)) == 200, "no example in two parts"


def test_other_targets() -> None:
    assert InMemory(X, X[:, 0]).target == Target(Spec(()))
    assert InMemory(X, X[:, :2]).target == Target(Spec((2,)))
    pictures = np.zeros((20, 8, 8, 3), np.uint8)
    made = InMemory(pictures, pictures)
    assert (made.spec, made.target) == (Spec((8, 8, 3), "uint8"), Target(Spec((8, 8, 3), "uint8")))
    mask = InMemory(pictures, np.arange(20 * 64).reshape(20, 8, 8) % 2)
    assert mask.target == Target(Spec((8, 8), "int32"), ("0", "1"))
    assert InMemory(X).target is None


def test_what_is_no_data() -> None:
    for wrong, words in (
        ((X[:, 0],), "examples are an array \\[N, \\*shape\\] of numbers; this is float64 \\[200\\]"),
        ((X[:5],), "5 examples are too few"),
        ((X, X[:5, 0]), "200 examples and 5 targets"),
        ((X, np.arange(200)[:, None].repeat(20, 0)[:, 0]), "200 examples and 4000 targets"),
    ):
        with pytest.raises(UserError, match=words):
            InMemory(*wrong)
    with pytest.raises(UserError, match="int64 with 2,000 values, too many for classes.*make them float32"):
        InMemory(np.zeros((2000, 1)), np.arange(2000))
    with pytest.raises(UserError, match="data=dict is no data set. Give a name"):
        name_of({})
    bad = X.copy()
    bad[7] = np.nan
    with pytest.raises(UserError, match="not finite in row"):
        rlgen.make("mlp", data=(bad, X[:, 0]))


def test_tf_data_batched_or_not() -> None:
    pairs = tf.data.Dataset.from_tensor_slices((X.astype(np.float32), np.arange(200) % 2))
    for given in (pairs, pairs.batch(32)):
        made = data.load(name_of(given))
        assert made.spec == Spec((4,)) and made.target == Target.one_of(0, 1)
    with pytest.raises(UserError, match="never ends: leave repeat"):
        name_of(pairs.repeat())
    with pytest.raises(UserError, match="is empty"):
        name_of(pairs.take(0))
    with pytest.raises(UserError, match="an example or a pair"):
        name_of(tf.data.Dataset.from_tensor_slices({"a": X}))


class Halves(Dataset):
    """A data set that nobody registered."""

    spec, target = Spec((1,)), Target.one_of("low", "high")

    def __init__(self, *, count: int = 40) -> None:
        self.count = count

    def split(self, part: data.Part) -> Arrays:
        x = np.linspace(0, 1, self.count, dtype=np.float32)[:, None]
        return Arrays(x, (x[:, 0] > 0.5).astype(np.int32))


def test_a_class_and_an_object() -> None:
    assert name_of(Halves) == f"{__name__}:Halves"
    assert len(data.load(f"{__name__}:Halves?count=30").split("train")) == 30
    one = Halves(count=50)
    name = name_of(one)
    assert name == name_of(one) == "@Halves" and data.load(name) is one
    assert len(data.load("@Halves?subset=10").split("train")) == 10
    with pytest.raises(UserError, match="is made already: of arguments it takes fold, folds, subset alone"):
        data.load("@Halves?count=3")
    with pytest.raises(UserError, match="makes a int, which is no subclass of rlgen.data.Dataset"):
        data.load("builtins:int")


def test_trained_resumed_used_and_told_when_they_changed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    y = (X[:, 0] > 0).astype(int)
    run = rlgen.train("mlp", data=(X, y), steps=20, run=tmp_path / "run", config=SMALL)
    assert run.config.problem.startswith("@arrays")
    assert rlgen.train("mlp", data=(X, y), steps=20, run=tmp_path / "again", config=SMALL).config.problem == (
        run.config.problem
    ), "the same arrays have one name"
    capfd.readouterr()
    rlgen.train("mlp", data=(X, y), steps=30, run=run.path, resume=True)
    assert "has changed" not in capfd.readouterr().err
    rlgen.evaluate(run, data=(X + 1, y))
    assert f"'{run.config.problem}' has changed since the run began" in capfd.readouterr().err


def test_numbers_are_predicted_in_their_own_units_without_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rlgen import brought

    y = 1000 + 5 * X.reshape(len(X), -1)[:, 0].astype(np.float32)
    run = rlgen.train("mlp", data=(X, y), steps=200, run=tmp_path / "run", config=SMALL)
    before = rlgen.load(run).predict(X[:3])
    np.testing.assert_allclose(before, y[:3], atol=20)
    monkeypatch.setattr(brought, "_objects", {})
    np.testing.assert_array_equal(rlgen.load(run).predict(X[:3]), before)


def test_using_a_model_needs_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rlgen import brought

    run = rlgen.train("mlp", data=(X, np.arange(200) % 2), steps=10, run=tmp_path / "run", config=SMALL)
    before = rlgen.load(run).predict(X[:3])
    monkeypatch.setattr(brought, "_objects", {})
    loaded = rlgen.load(run)
    np.testing.assert_array_equal(loaded.predict(X[:3]), before)
    assert loaded.target.classes == ("0", "1")
    with pytest.raises(UserError, match="bring it again"):
        loaded.evaluate(episodes=1, seed=0, split="test")
    with pytest.raises(UserError, match="bring it again"):
        rlgen.evaluate(run)
    assert "eval/accuracy" in rlgen.evaluate(run, data=(X, np.arange(200) % 2)).scalars
