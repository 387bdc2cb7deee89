"""Pictures, read with care."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rlgen.data import pixels
from rlgen.errors import UserError

WHITE = (255, 255, 255)


def saved(array: Any, mode: str | None = None, **how: Any) -> io.BytesIO:
    file = io.BytesIO()
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(file, "PNG", **how)
    file.seek(0)
    return file


def read(file: Any, channels: int = 3, background: tuple[int, int, int] = WHITE) -> Any:
    return pixels.read(file, channels=channels, background=background, name="it.png")


def test_what_has_no_transparency_stays_as_it_is() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    colour = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    np.testing.assert_array_equal(read(saved(grey), 1)[..., 0], grey)
    np.testing.assert_array_equal(read(saved(grey)), np.repeat(grey[..., None], 3, -1))
    np.testing.assert_array_equal(read(saved(colour)), colour)
    np.testing.assert_array_equal(read(saved(grey > 5), 1)[..., 0], 255 * (grey > 5))


def test_what_is_transparent_lies_on_the_colour_in_every_form() -> None:
    shown = np.zeros((1, 2, 4), np.uint8)
    shown[0, 0] = (10, 20, 30, 255)
    expected = [[(10, 20, 30), (1, 2, 3)]]
    np.testing.assert_array_equal(read(saved(shown), background=(1, 2, 3)), expected)
    grey = np.array([[[7, 255], [9, 0]]], np.uint8)
    np.testing.assert_array_equal(read(saved(grey), background=(1, 2, 3)), [[(7, 7, 7), (1, 2, 3)]])
    # A palette, one of whose colours is transparent.
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    file = io.BytesIO()
    palette.save(file, "PNG", transparency=1)
    file.seek(0)
    np.testing.assert_array_equal(read(file, background=(1, 2, 3)), expected)


def test_of_sixteen_bits_the_upper_eight_are_kept() -> None:
    deep = np.array([[0, 255, 256, 65_535]], np.uint16)
    np.testing.assert_array_equal(read(saved(deep), 1)[..., 0], [[0, 0, 1, 255]])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [8193, 10_000, 14_000, 100_000])
def test_a_picture_that_would_unpack_to_too_much_is_not_unpacked(tmp_path: Path, side: int) -> None:
    """A file of some bytes whose header says that it has so many pixels along a side."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    header = chunk(b"IHDR", 2 * side.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0]))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(UserError, match=r"bomb.png' would unpack to more than 67,108,864 pixels"):
        pixels.read(tmp_path / "bomb.png", channels=3, background=WHITE)


def test_the_largest_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "MOST_PIXELS", 12)
    assert read(saved(np.zeros((3, 4), np.uint8))).shape == (3, 4, 3)
    with pytest.raises(pixels.NoPicture, match=r"'it.png' would unpack to more than 12 pixels"):
        read(saved(np.zeros((1, 13), np.uint8)))


def test_what_is_no_picture_is_named() -> None:
    with pytest.raises(pixels.NoPicture, match=r"'it.png' cannot be read as a picture"):
        read(io.BytesIO(b"no picture"))
    cut = saved(np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)).getvalue()[:500]
    with pytest.raises(pixels.NoPicture, match=r"'it.png' cannot be read as a picture"):
        read(io.BytesIO(cut))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("white", WHITE), ("Black", (0, 0, 0)), ("ff8800", (255, 136, 0)), ("#FF8800", (255, 136, 0))],
)
def test_colours(text: str, expected: tuple[int, int, int]) -> None:
    assert pixels.colour(text) == expected


@pytest.mark.parametrize("text", ["", "ff880", "ff88000", "gggggg", "blue"])
def test_what_is_no_colour(text: str) -> None:
    with pytest.raises(UserError, match=f"background={text} is no colour.* Write white, black, grey, or six"):
        pixels.colour(text)


def test_a_square_out_of_the_middle() -> None:
    wide = np.arange(2 * 6, dtype=np.uint8).reshape(2, 6, 1)
    np.testing.assert_array_equal(pixels.square(wide, 2)[..., 0], [[2, 3], [8, 9]])
    np.testing.assert_array_equal(pixels.square(wide.transpose(1, 0, 2), 2)[..., 0], [[2, 8], [3, 9]])


@pytest.mark.parametrize("channels", [1, 3])
def test_sizes(channels: int) -> None:
    pictures = np.zeros((2, 4, 4, channels), np.uint8)
    pictures[:, :2] = 200
    assert pixels.resized(pictures, 4) is pictures
    np.testing.assert_array_equal(pixels.resized(pictures, 2)[:, :, 0, 0], [[200, 0]] * 2)
    large = pixels.resized(pictures, 8)
    assert large.shape == (2, 8, 8, channels) and 0 < large[0, 4, 0, 0] < 200


@pytest.mark.parametrize(("shape", "size"), [((4, 6), (4, 6)), ((8, 20), (4, 6)), ((90, 7), (6, 4)), ((1, 1), (5, 3))])
def test_the_largest_part_in_the_middle_with_the_proportions_asked_for(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    places = np.stack(np.indices(shape), -1).astype(np.uint8)[..., :1]
    found = pixels.fitted(places, *size)
    assert found.shape == (*size, 1)
    # As far from the top as from the bottom, to a pixel of what was there.
    assert abs(int(found[0, 0, 0]) + int(found[-1, 0, 0]) - (shape[0] - 1)) <= 1


def test_a_square_is_the_part_in_the_middle_itself() -> None:
    columns = np.tile(np.arange(10, dtype=np.uint8), (4, 1))[..., None]
    np.testing.assert_array_equal(pixels.square(columns, 4)[0, :, 0], [3, 4, 5, 6])
    np.testing.assert_array_equal(pixels.fitted(columns, 2, 2)[0, :, 0], [4, 6])  # Means of 3, 4 and of 5, 6, rounded.
