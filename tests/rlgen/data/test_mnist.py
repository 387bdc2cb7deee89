"""MNIST in the three forms that it may lie in."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import published as made
import pytest

from rlgen import data
from rlgen.data import mnist
from rlgen.errors import UserError


def write_extract(place: Path, digits: dict[int, np.ndarray]) -> None:
    rows = {
        f"package/src/digits/{digit}.json": json.dumps({"data": np.round(x / 255.0, 3).reshape(-1).tolist()}).encode()
        for digit, x in digits.items()
    }
    (place / mnist.EXTRACT).write_bytes(made.tar_gz({"package/package.json": b"{}", **rows}))


def test_four_files(data_place: Path) -> None:
    written = made.write_mnist(data_place / "MNIST" / "raw")
    test = data.load("mnist").split("test")
    np.testing.assert_array_equal(test.x[..., 0], written["x_test"])
    np.testing.assert_array_equal(test.y, written["y_test"])


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_keras_arrays(data_place: Path, write: object) -> None:
    written = made.write_mnist(data_place / "elsewhere")
    write(data_place / mnist.KERAS, **written)
    loaded = data.load("mnist")
    np.testing.assert_array_equal(loaded.split("train").x[..., 0], written["x_train"][:22])
    np.testing.assert_array_equal(loaded.split("validation").y, written["y_train"][22:])


def test_the_extract_is_shuffled_and_cut_and_loses_nothing(data_place: Path) -> None:
    digits = {digit: made.pictures(3 + digit, 28, 28, seed=digit)[0] for digit in range(10)}
    write_extract(data_place, digits)
    loaded = data.load("mnist")
    parts = {part: data.examples(loaded, part, name="mnist") for part in data.PARTS}
    assert [len(parts[part]) for part in data.PARTS] == [60, 5, 10]
    x, y = (np.concatenate([getattr(parts[part], column) for part in data.PARTS]) for column in ("x", "y"))
    for digit, written in digits.items():
        assert {each.tobytes() for each in x[y == digit]} == {each.tobytes() for each in written}
    np.testing.assert_array_equal(data.load("mnist").split("test").x, parts["test"].x)


def test_the_whole_is_preferred_to_the_extract(data_place: Path) -> None:
    write_extract(data_place, {digit: made.pictures(2, 28, 28)[0] for digit in range(10)})
    assert len(data.load("mnist").split("test")) == 2
    made.write_mnist(data_place / "mnist", test=7)
    assert len(data.load("mnist").split("test")) == 7


def test_objects_in_the_arrays_are_not_made(data_place: Path) -> None:
    written = made.write_mnist(data_place / "elsewhere")
    np.savez(data_place / mnist.KERAS, **{**written, "y_test": np.array([print] * 6, object)})
    with pytest.raises(UserError, match="not as 'mnist' was published.*[Oo]bject"):
        data.load("mnist").split("test")


def test_damaged_ones_are_refused(data_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(data_place / mnist.KERAS, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", bytes(2_000_000))
    with pytest.raises(UserError, match="mnist.npz' is not as"):
        data.load("mnist").split("train")
    monkeypatch.setattr(mnist, "MOST_BYTES", 1_000_000)
    with pytest.raises(UserError, match="unpacks to more than 1.0 MB"):
        data.load("mnist").split("train")
    (data_place / mnist.KERAS).unlink()
    write_extract(data_place, {digit: made.pictures(2, 28, 28)[0] for digit in range(9)})
    with pytest.raises(UserError, match="9.json"):
        data.load("mnist").split("train")
