"""CIFAR-10's binary version, and what is said of the pickled one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import published as made
import pytest

from rlgen import data
from rlgen.data import cifar10
from rlgen.errors import UserError


def records(seed: int, count: int = 4) -> tuple[np.ndarray, np.ndarray, bytes]:
    x, y = made.pictures(count, 32, 32, 3, seed=seed)
    rows = [bytes([label]) + picture.transpose(2, 0, 1).tobytes() for picture, label in zip(x, y, strict=True)]
    return x, y, b"".join(rows)


@pytest.fixture
def content() -> dict[str, tuple[np.ndarray, np.ndarray, bytes]]:
    return {name: records(seed) for seed, name in enumerate((*cifar10.TRAIN, *cifar10.TEST))}


@pytest.mark.parametrize("packed", [True, False])
def test_what_was_written_is_read(data_place: Path, content: dict, packed: bool) -> None:
    files = {f"{cifar10.FOLDER}/{name}": raw for name, (_, _, raw) in content.items()}
    if packed:
        (data_place / cifar10.ARCHIVE).write_bytes(made.tar_gz({**files, f"{cifar10.FOLDER}/readme.html": b"<"}))
    else:
        (data_place / cifar10.FOLDER).mkdir()
        for name, raw in files.items():
            (data_place / name).write_bytes(raw)
    loaded = data.load("cifar10")
    parts = {part: data.examples(loaded, part, name="cifar10") for part in data.PARTS}
    assert [len(parts[part]) for part in data.PARTS] == [18, 2, 4]
    both = [np.concatenate([getattr(parts[part], column) for part in ("train", "validation")]) for column in ("x", "y")]
    for place, column in enumerate(both):
        np.testing.assert_array_equal(column, np.concatenate([content[name][place] for name in cifar10.TRAIN]))
    np.testing.assert_array_equal(parts["test"].x, content["test_batch.bin"][0])


def test_a_missing_or_short_file_is_named(data_place: Path, content: dict) -> None:
    folder = data_place / cifar10.FOLDER
    folder.mkdir()
    for name, (_, _, raw) in content.items():
        (folder / name).write_bytes(raw)
    (folder / "data_batch_3.bin").write_bytes(bytes(100))
    with pytest.raises(UserError, match="data_batch_3.bin has 100 bytes, no multiple of 3,073"):
        data.load("cifar10").split("train")
    (folder / "data_batch_3.bin").unlink()
    with pytest.raises(UserError, match="data_batch_3.bin"):
        data.load("cifar10").split("train")
    (data_place / cifar10.FOLDER).rename(data_place / "away")
    (data_place / cifar10.ARCHIVE).write_bytes(made.tar_gz({f"{cifar10.FOLDER}/data_batch_1.bin": records(1)[2]}))
    with pytest.raises(UserError, match="has no data_batch_2.bin"):
        data.load("cifar10").split("train")


@pytest.mark.parametrize("name", cifar10.PICKLED)
def test_the_pickled_version_is_not_opened(data_place: Path, name: str) -> None:
    (data_place / name).mkdir()
    with pytest.raises(UserError, match=f"{name}' is the pickled version.*put {cifar10.ARCHIVE}"):
        data.load("cifar10")


def test_where_it_is_missing_the_message_has_the_file(data_place: Path) -> None:
    with pytest.raises(UserError, match=f"is not here: put {cifar10.ARCHIVE}, .* into {data_place}, or .*RLGEN_DATA="):
        data.load("cifar10")
