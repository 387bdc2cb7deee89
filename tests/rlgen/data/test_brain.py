"""Slices out of a wheel with a head that says where each of its points is."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from rlgen import data
from rlgen.data import brain
from rlgen.data.brain import BLOCKS, Brain
from rlgen.errors import UserError

# The boxes of grey and of white matter: from left to right, from back to front.
GREY, WHITE = (slice(60, 100), slice(81, 121)), (slice(80, 140), slice(111, 161))


def nifti(volume: np.ndarray, at: int = 0, changed: bytes = b"") -> bytes:
    """A file of bytes [left to right, back to front, below to above], of whose header some may be others."""
    header = bytearray(brain.HEADER_BYTES)
    header[40:56] = np.array([3, *brain.SHAPE, 1, 1, 1, 1], "<i2").tobytes()
    header[70:72], header[344:348] = b"\2\0", b"n+1\0"
    header[108:112] = np.array(brain.HEADER_BYTES, "<f4").tobytes()
    header[at : at + len(changed)] = changed
    return gzip.compress(bytes(header) + volume.tobytes(order="F"), compresslevel=1, mtime=0)


@pytest.fixture(scope="module")
def members() -> Mapping[str, bytes]:
    """Each slice is as bright as it is high, so that it is known again; its tissues are two boxes that overlap."""
    head, grey, white = (np.zeros(brain.SHAPE, np.uint8) for _ in range(3))
    head[:] = np.rint(brain.BRIGHTEST * np.arange(brain.SHAPE[2]).clip(0, 160))
    grey[GREY], white[WHITE] = 200, 255
    return {brain.T1: nifti(head), brain.GREY: nifti(grey), brain.WHITE: nifti(white)}


@pytest.fixture
def packed(data_place: Path, members: Mapping[str, bytes]) -> Path:
    write(data_place / brain.FILE, members)
    return data_place / brain.FILE


def write(file: Path, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("size", [192, 96])
def test_blocks_of_slices_and_masks_where_the_tissue_is(packed: Path, size: int) -> None:
    loaded = data.load(f"brain?size={size}&field=0&noise=0")
    assert (str(loaded.spec), str(loaded.target.spec)) == (f"uint8 [{size}, {size}, 1]", f"int32 [{size}, {size}]")
    # The nose is above; the square begins 2 mm from the left and 21 from the front, and white matter is surer.
    expected = np.zeros((192, 192), np.int32)
    expected[92:132, 58:98] = 1
    expected[52:102, 78:138] = 2
    scale = 192 // size
    expected = expected[::scale, ::scale]
    for part, blocks in BLOCKS.items():
        arrays = data.examples(loaded, part, name="brain")
        heights = [height for start, end in blocks for height in range(start, end)]
        for picture, height in zip(arrays.x, heights, strict=True):
            assert (picture == height).all()
        assert (arrays.y == expected).all()


def test_blocks_are_apart() -> None:
    blocks = sorted(block for part in BLOCKS.values() for block in part)
    assert all(after[0] - before[1] == 4 for before, after in zip(blocks, blocks[1:], strict=False))


def test_slices_are_worn_the_same_every_time_and_each_copy_differently(packed: Path) -> None:
    clean, once, thrice = (data.load(f"brain?size=32&{query}") for query in ("field=0&noise=0", "", "copies=3"))
    for part in data.PARTS:
        first, again = once.split(part), data.load("brain?size=32").split(part)
        np.testing.assert_array_equal(first.x, again.x)
        np.testing.assert_array_equal(first.y, clean.split(part).y)
        copies = 3 if part == "train" else 1
        worn = thrice.split(part)
        assert len(worn) == copies * len(first) == len({picture.tobytes() for picture in worn.x})
        np.testing.assert_array_equal(worn.x[: len(first)], first.x)
        np.testing.assert_array_equal(worn.y, np.tile(first.y, (copies, 1, 1)))


def test_how_far_field_and_noise_go(packed: Path) -> None:
    clean = data.load("brain?size=32&field=0&noise=0").split("train").x[40:].astype(float)
    noisy, biased = (
        data.load(f"brain?size=32&{query}").split("train").x[40:]
        for query in ("field=0&noise=0.1", "field=0.2&noise=0")
    )
    assert (noisy - clean).std() == pytest.approx(0.1 * 255 / brain.BRIGHTEST, rel=0.02)
    ratio = biased / clean
    # Between its points a cubic goes a little beyond them.
    assert 0.7 < ratio.min() < 0.85 and 1.15 < ratio.max() < 1.3
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert np.abs(np.diff(ratio, axis=1)).max() < 0.08


SMALL = np.zeros((2, 3, 4), np.uint8)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (nifti(SMALL), "has not as many bytes as it says"),
        (nifti(SMALL, at=42, changed=b"\2"), "is no volume of 197 x 233 x 189 bytes"),
        (nifti(SMALL, at=70, changed=b"\4"), "is no volume"),
        (nifti(SMALL, at=108, changed=b"\1"), "is no volume"),
        (nifti(SMALL, at=344, changed=b"ni1"), "is no volume"),
        (b"no archive", "Not a gzipped file"),
        (nifti(SMALL)[:-4], "ended before"),
        (gzip.compress(b"short", mtime=0), "is no volume"),
        (None, "no item named"),
    ],
)
def test_a_damaged_volume_is_named(
    packed: Path, members: Mapping[str, bytes], content: bytes | None, said: str
) -> None:
    rest = {name: each for name, each in members.items() if name != brain.GREY}
    write(packed, rest if content is None else {**rest, brain.GREY: content})
    with pytest.raises(UserError, match=rf"{brain.FILE}' is not as 'brain' was published: .*{said}"):
        data.load("brain").split("test")


def test_a_damaged_or_missing_package_is_named(packed: Path) -> None:
    whole = packed.read_bytes()
    for content in (b"no archive", whole[:1000], whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :]):
        packed.write_bytes(content)
        with pytest.raises(UserError, match=rf"{brain.FILE}' is not as 'brain' was published"):
            data.load("brain").split("train")
    packed.unlink()
    with pytest.raises(UserError, match=r"`rlgen data get brain` brings it \(11.5 MB, BSD-3 \(the package\); of the"):
        data.load("brain")


@pytest.mark.parametrize("query", ["size=15", "size=193", "field=1", "field=-0.1", "noise=2", "noise=-1", "copies=0"])
def test_what_cannot_be_made(packed: Path, query: str) -> None:
    with pytest.raises(UserError, match=r"brain have 16 to 192 pixels|take a field from 0 to less than 1"):
        data.load(f"brain?{query}")


def test_the_real_one() -> None:
    if Brain.origin.find() is None:
        pytest.skip("The head is not here: `rlgen data get brain` brings it.")
    parts = [data.load("brain?copies=2").split(part) for part in data.PARTS]
    assert [len(arrays) for arrays in parts] == [154, 16, 16]
    shares = [np.bincount(arrays.y.ravel(), minlength=3) / arrays.y.size for arrays in parts]
    np.testing.assert_allclose(shares[0], (0.7022, 0.1973, 0.1004), atol=0.0001)
    # On average as bright as worn air, grey matter and white matter are.
    x, y = parts[2].x[..., 0], parts[2].y
    assert [round(float(x[y == kind].mean())) for kind in range(3)] == [8, 115, 146]
