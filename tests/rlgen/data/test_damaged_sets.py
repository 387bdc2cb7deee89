"""Files of data sets with something wrong in them: read all the same, or refused in a sentence; never a crash."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import published as made
import pytest
from PIL import Image

from rlgen import data
from rlgen.data import cifar10, emoji, mnist, openmoji
from rlgen.errors import UserError

TRIES = 40


def spoilt(content: bytes, seed: int) -> bytes:
    """Cut, or with some bytes in it that are others; most of the changes at the beginning, where lengths stand."""
    random = np.random.default_rng(seed)
    if seed % 4 == 0:
        return content[: random.integers(len(content))]
    bytes_ = bytearray(content)
    for _ in range(random.integers(1, 6)):
        reach = len(bytes_) if seed % 4 == 1 else min(len(bytes_), 400)
        bytes_[random.integers(reach)] = random.integers(256)
    return bytes(bytes_)


def idx_files(place: Path) -> Iterator[Callable[[int], None]]:
    written = made.write_mnist(place / "fashion-mnist")
    for name, array in (("train-images-idx3", written["x_train"]), ("t10k-labels-idx1", written["y_test"])):
        file = place / "fashion-mnist" / f"{name}-ubyte.gz"
        whole = file.read_bytes()
        yield lambda seed, file=file, array=array: file.write_bytes(gzip.compress(spoilt(made.idx(array), seed)))
        yield lambda seed, file=file, whole=whole: file.write_bytes(spoilt(whole, seed))
        file.write_bytes(whole)


def keras_arrays(place: Path) -> Iterator[Callable[[int], None]]:
    written = made.write_mnist(place / "elsewhere", train=12, test=6)
    file = place / mnist.KERAS
    np.savez_compressed(file, **written)
    whole = file.read_bytes()
    yield lambda seed: file.write_bytes(spoilt(whole, seed))

    def inside(seed: int) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, array in written.items():
                member = io.BytesIO()
                np.save(member, array)
                archive.writestr(f"{name}.npy", spoilt(member.getvalue(), seed))

    yield inside


def extract(place: Path) -> Iterator[Callable[[int], None]]:
    x = made.pictures(2, 28, 28)[0].reshape(-1) / 255
    rows = json.dumps({"data": x.round(3).tolist()}).encode()

    def inside(seed: int) -> None:
        others = [spoilt(rows, seed), b"[]", b"[" * 100_000, b'{"data": 1}', b'{"data": [[1], [1, 2]]}', b"null"]
        parts = {f"package/src/digits/{i}.json": rows for i in range(10)}
        parts["package/src/digits/3.json"] = others[seed % len(others)]
        (place / mnist.EXTRACT).write_bytes(made.tar_gz(parts))

    inside(0)
    yield inside


def batches(place: Path) -> Iterator[Callable[[int], None]]:
    batch = bytes(range(3)) * 2049
    content = {f"{cifar10.FOLDER}/{name}": batch for name in (*cifar10.TRAIN, *cifar10.TEST)}
    file = place / cifar10.ARCHIVE
    whole = made.tar_gz(content)
    file.write_bytes(whole)
    yield lambda seed: file.write_bytes(spoilt(whole, seed))
    yield lambda seed: file.write_bytes(gzip.compress(spoilt(gzip.decompress(whole), seed)))


def emoji_archives(place: Path) -> Iterator[Callable[[int], None]]:
    picture = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 4), np.uint8)).save(picture, "WEBP", lossless=True)
    codes = [f"{0x1F400 + i:x}" for i in range(10)]
    pictures = {f"{emoji.PICTURES}{code}.webp": picture.getvalue() for code in codes}
    table = made.openmoji_table(dict.fromkeys(map(str.upper, codes), "animals-nature"))
    files = [place / places[0] for places in emoji.Emoji.origin.needs]

    def put(number: int, content: dict[str, bytes]) -> None:
        files[number].write_bytes(made.tar_gz(content))

    put(0, pictures)
    put(1, {openmoji.TABLE: table})
    yield lambda seed: put(1, {openmoji.TABLE: spoilt(table, seed)})
    put(1, {openmoji.TABLE: table})
    yield lambda seed: put(0, {**pictures, f"{emoji.PICTURES}1f500.webp": b"", f"{emoji.PICTURES}x{seed}.webp": b""})
    yield lambda seed: put(0, {**pictures, f"{emoji.PICTURES}{codes[0]}.webp": spoilt(picture.getvalue(), seed)})


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("fashion_mnist", idx_files),
        ("mnist", keras_arrays),
        ("mnist", extract),
        ("cifar10", batches),
        ("emoji?size=2", emoji_archives),
    ],
)
def test_every_fault_ends_in_a_sentence(
    data_place: Path, name: str, kinds: Callable[[Path], Iterator[Callable[[int], None]]]
) -> None:
    refused = 0
    for spoil in kinds(data_place):
        for seed in range(TRIES):
            spoil(seed)
            try:
                for part in data.PARTS:
                    data.examples(data.load(name), part, name=name)
            except UserError as error:
                refused += 1
                assert str(data_place) in str(error) or f"'{name}'" in str(error), error
    assert refused >= TRIES / 2
