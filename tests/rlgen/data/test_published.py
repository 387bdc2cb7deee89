"""What is common to data sets that were published in two parts, tried at Fashion-MNIST's files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import published as made
import pytest

from rlgen import data
from rlgen.data import published
from rlgen.errors import UserError

FIRST = "train-images-idx3-ubyte"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("shape", [(5,), (3, 4, 2), (0, 7)])
def test_an_idx_file_gives_back_what_was_written(tmp_path: Path, shape: tuple[int, ...], packed: bool) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    file = tmp_path / ("a.gz" if packed else "a")
    file.write_bytes(gzip.compress(made.idx(array)) if packed else made.idx(array))
    read = published.read_idx(file)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "does not begin as an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01....", "does not begin as an IDX file"),
        (b"\0\0\x08\x03\0\0\0\x01", "does not begin as an IDX file"),
        (made.idx(np.zeros((2, 3), np.uint8))[:-1], r"the shape \[2, 3\], and 5 bytes follow"),
        (made.idx(np.zeros((2, 3), np.uint8)) + b"x", r"the shape \[2, 3\], and 7 bytes follow"),
    ],
)
def test_what_is_no_idx_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        published.read_idx(tmp_path / "a")


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "MOST_BYTES", 1000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(made.idx(np.zeros(2000, np.uint8))))
    with pytest.raises(ValueError, match="more than 1.0 kB"):
        published.read_idx(tmp_path / "a.gz")
    (tmp_path / "b.tgz").write_bytes(made.tar_gz({"first": bytes(600), "second": bytes(600)}))
    with pytest.raises(ValueError, match="more than 1.0 kB"):
        published.members(tmp_path / "b.tgz", lambda name: True)
    assert published.members(tmp_path / "b.tgz", lambda name: name == "second") == {"second": bytes(600)}


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    content = {f"{i}": made.pictures(1, 2000, seed=i)[0].tobytes() for i in range(20)}
    whole = made.tar_gz(content)
    (tmp_path / "a.tgz").write_bytes(whole)
    assert published.members(tmp_path / "a.tgz", lambda name: True) == content
    (tmp_path / "a.tgz").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(published.FAULTS):
        published.members(tmp_path / "a.tgz", lambda name: False)


@pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_parts_in_the_published_order(data_place: Path, folder: str, packed: bool) -> None:
    written = made.write_mnist(data_place / folder, train=24, test=6, packed=packed)
    loaded = data.load("fashion_mnist")
    parts = {part: data.examples(loaded, part, name="fashion_mnist") for part in data.PARTS}
    assert [len(parts[part]) for part in data.PARTS] == [22, 2, 6]
    for column, name in (("x", "x_train"), ("y", "y_train")):
        both = np.concatenate([getattr(parts["train"], column), getattr(parts["validation"], column)])
        np.testing.assert_array_equal(both.reshape(written[name].shape), written[name])
    np.testing.assert_array_equal(parts["test"].x[..., 0], written["x_test"])
    np.testing.assert_array_equal(parts["test"].y, written["y_test"])
    assert parts["test"].x.dtype == np.uint8 and loaded.target.classes[9] == "Ankle boot"


def test_another_size(data_place: Path) -> None:
    written = made.write_mnist(data_place / "fashion-mnist")
    loaded = data.load("fashion_mnist?size=14&subset=3")
    assert str(loaded.spec) == "uint8 [14, 14, 1]" and loaded.split("train").x.shape == (3, 14, 14, 1)
    mean = written["x_test"].reshape(6, 14, 2, 14, 2).mean((2, 4))
    assert np.abs(loaded.split("test").x[..., 0] - mean).max() <= 1  # Rows and columns are rounded one after the other.
    assert data.load("fashion_mnist?size=32").split("test").x.shape == (6, 32, 32, 1)
    with pytest.raises(UserError, match="1 to 8192 pixels"):
        data.load("fashion_mnist?size=-1")


@pytest.mark.parametrize("name", ["train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"])
@pytest.mark.parametrize("how", ["absent", "cut", "other"])
def test_a_damaged_file_is_named(data_place: Path, name: str, how: str) -> None:
    made.write_mnist(data_place / "fashion-mnist")
    file = data_place / "fashion-mnist" / name
    if how == "absent":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:30] if how == "cut" else b"something else")
    with pytest.raises(UserError, match=f"{name}' is not as 'fashion_mnist' was published.*bring the data set anew"):
        data.load("fashion_mnist").split("train")


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("train-images-idx3-ubyte.gz", np.zeros((24, 27, 28), np.uint8), r"pictures \[24, 27, 28, 1\]"),
        ("train-images-idx3-ubyte.gz", np.zeros((23, 28, 28), np.uint8), r"pictures \[23, 28, 28, 1\]"),
        ("t10k-labels-idx1-ubyte.gz", np.full(6, 10, np.uint8), "the class 10"),
    ],
)
def test_files_that_do_not_belong_together(data_place: Path, name: str, array: np.ndarray, said: str) -> None:
    made.write_mnist(data_place / "fashion-mnist")
    (data_place / "fashion-mnist" / name).write_bytes(gzip.compress(made.idx(array)))
    with pytest.raises(UserError, match=said):
        data.load("fashion_mnist").split("train")
