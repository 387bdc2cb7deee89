"""Outlines, drawn by something that stands for CairoSVG, and by it where it is."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import published as made
import pytest
from PIL import Image

from rlgen import data
from rlgen.data import openmoji
from rlgen.data.images import part_of
from rlgen.data.outlines import COLOUR, OUTLINE, Outlines
from rlgen.errors import UserError

CODES = [0x1F400 + i for i in range(60)]
COLOURS = {OUTLINE: (0, 0, 0), COLOUR: (0, 200, 0)}


def svg(colour: tuple[int, int, int]) -> bytes:
    """The left half filled."""
    fill = "#" + bytes(colour).hex()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><rect width="2" height="4" fill="{fill}"/></svg>'
    ).encode()


@pytest.fixture
def packed(data_place: Path) -> Path:
    """Sixty pairs, in each of which red says which it is; one without a colour, one of a tone of skin, a faulty one."""
    content = {}
    for folder, (_, green, blue) in COLOURS.items():
        for i, code in enumerate(CODES):
            content[f"{folder}{code:X}.svg"] = svg((4 * i, green, blue))
        content[f"{folder}1F44D-1F3FB.svg"] = svg((1, 1, 1))
        content[f"{folder}1F3C3-200D-2640-FE0F.svg"] = b"faulty"
    content[f"{OUTLINE}1F3C3.svg"] = svg((1, 1, 1))
    (data_place / openmoji.PACKAGE.file).write_bytes(made.tar_gz(content))
    return data_place


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the stand-in was asked to draw."""
    asked = []

    def svg2png(*, bytestring: bytes, output_width: int, output_height: int) -> bytes:
        asked.append(bytestring)
        if b"fill" not in bytestring:
            raise AttributeError("it names what it lacks")
        pixels = np.zeros((output_height, output_width, 4), np.uint8)
        colour = bytes.fromhex(bytestring.decode().partition("#")[2][:6])
        pixels[:, : output_width // 2] = (*colour, 255)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    stand_in: Any = types.ModuleType("cairosvg")
    stand_in.svg2png = svg2png
    monkeypatch.setitem(sys.modules, "cairosvg", stand_in)
    return asked


def check_pairs(size: int) -> None:
    loaded = data.load(f"outlines?size={size}")
    assert str(loaded.spec) == str(loaded.target.spec) == f"uint8 [{size}, {size}, 3]"
    seen: list[int] = []
    for part in data.PARTS:
        arrays = data.examples(loaded, part, name="outlines")
        numbers = (arrays.x[:, 0, 0, 0] // 4).tolist()
        for column, (_, green, blue) in zip((arrays.x, arrays.y), COLOURS.values(), strict=True):
            expected = [(4 * i, green, blue) for i in numbers]
            np.testing.assert_array_equal(column[:, 0, 0], expected)
            assert (column[:, :, size // 2 :] == 255).all()
        assert all(part_of(f"{CODES[i]:x}") == part for i in numbers)
        seen += numbers
    assert sorted(seen) == list(range(60))


def test_pairs_and_parts(packed: Path, drawn: list[bytes]) -> None:
    check_pairs(4)
    assert svg((1, 1, 1)) not in drawn


def test_drawn_once(packed: Path, drawn: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    check_pairs(4)
    count = len(drawn)
    assert "Drawing 61 pairs of 4x4 pixels" in capsys.readouterr().err
    check_pairs(4)
    assert len(drawn) == count and capsys.readouterr().err == ""
    check_pairs(6)
    assert len(drawn) == 2 * count
    # What was kept and is damaged is drawn anew, and so is that of another file.
    for kept in packed.glob("*-4.npz"):
        kept.write_bytes(kept.read_bytes()[:100])
    check_pairs(4)
    assert len(drawn) == 3 * count


def test_without_cairosvg_the_message_says_what_to_install(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(UserError, match=r"CairoSVG, which cannot be imported.*pip install 'rlgen\[outlines\]'"):
        data.load("outlines").split("train")


def test_a_damaged_or_missing_archive_is_named(packed: Path, drawn: list[bytes]) -> None:
    archive = packed / openmoji.PACKAGE.file
    archive.write_bytes(archive.read_bytes()[:300])
    with pytest.raises(UserError, match=r"openmoji-17.0.0.tgz' is not as 'outlines' was published"):
        data.load("outlines").split("train")
    faulty = {f"{folder}{code:X}.svg": b"faulty" for folder in COLOURS for code in CODES[:3]}
    archive.write_bytes(made.tar_gz(faulty))
    with pytest.raises(UserError, match="3 of its 3 pairs cannot be drawn"):
        data.load("outlines").split("train")
    archive.write_bytes(made.tar_gz({"package/README.md": b"about"}))
    with pytest.raises(UserError, match="it has no emoji"):
        data.load("outlines").split("train")
    archive.unlink()
    with pytest.raises(UserError, match="`rlgen data get outlines` brings it"):
        data.load("outlines")


def test_by_cairosvg_itself(packed: Path) -> None:
    pytest.importorskip("cairosvg", reason="CairoSVG is not here: pip install 'rlgen[outlines]' brings it.")
    check_pairs(4)


def test_the_real_ones() -> None:
    if Outlines.origin.find() is None:
        pytest.skip("The outlines are not here: `rlgen data get outlines` brings them.")
    pytest.importorskip("cairosvg", reason="CairoSVG is not here: pip install 'rlgen[outlines]' brings it.")
    loaded = data.load("outlines?size=16")
    assert sum(len(loaded.split(part)) for part in data.PARTS) == 2464
