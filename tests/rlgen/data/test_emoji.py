"""Emoji out of archives as npm packs them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import published as made
import pytest
from PIL import Image

from rlgen import data
from rlgen.data import openmoji
from rlgen.data.emoji import PICTURES, Emoji
from rlgen.data.images import part_of
from rlgen.errors import UserError

PACKED, TABLE = (places[0] for places in Emoji.origin.needs)
# Code points to the group and the colour.
SHOWN = {0x1F400 + i: ("animals-nature", (250 - i, 0, 0)) for i in range(40)}
SHOWN |= {0x1F600 + i: ("smileys-emotion", (0, 250 - i, 0)) for i in range(40)}


def webp(colour: tuple[int, int, int]) -> bytes:
    """A picture whose lower half is transparent, kept to the bit."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4] = (*colour, 255)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", lossless=True)
    return file.getvalue()


@pytest.fixture
def packed(data_place: Path) -> Path:
    content = {f"{PICTURES}{code:x}.webp": webp(colour) for code, (_, colour) in SHOWN.items()}
    others = {f"{PICTURES}1f44d-1f3fb.webp": webp((1, 1, 1)), f"{PICTURES}e000.webp": webp((2, 2, 2))}
    (data_place / PACKED).write_bytes(made.tar_gz({**content, **others, "package/README.md": b"about"}))
    groups = {f"{code:X}": group for code, (group, _) in SHOWN.items()}
    table = made.openmoji_table({**groups, "1F44D-1F3FB": "people-body", "E000": "extras-openmoji"})
    (data_place / TABLE).write_bytes(made.tar_gz({openmoji.TABLE: table}))
    return data_place


def test_pictures_groups_and_parts(packed: Path) -> None:
    loaded = data.load("emoji?size=2")
    assert str(loaded.spec) == "uint8 [2, 2, 3]" and loaded.target.classes == openmoji.GROUPS
    seen = []
    for part in data.PARTS:
        arrays = data.examples(loaded, part, name="emoji")
        assert (arrays.x[:, 1] == 255).all() and (arrays.x[:, 0, 0] == arrays.x[:, 0, 1]).all()
        for pixel, label in zip(arrays.x[:, 0, 0].tolist(), arrays.y, strict=True):
            (code,) = [each for each, (_, colour) in SHOWN.items() if colour == tuple(pixel)]
            assert SHOWN[code][0] == openmoji.GROUPS[label] and part_of(f"{code:x}") == part
            seen.append(code)
    assert sorted(seen) == sorted(SHOWN)


def test_some_groups_on_another_colour(packed: Path) -> None:
    loaded = data.load("emoji?size=8&groups=smileys-emotion&background=black")
    arrays = loaded.split("train")
    assert loaded.target.classes == ("smileys-emotion",) and (arrays.y == 0).all()
    assert (arrays.x[:, 4:] == 0).all() and (arrays.x[:, :4, :, 1] > 200).all()
    with pytest.raises(UserError, match="groups=animals: there is no such group. Did you mean 'animals-nature'"):
        data.load("emoji?groups=animals")


@pytest.mark.parametrize("name", [PACKED, TABLE])
def test_a_damaged_archive_is_named(packed: Path, name: str) -> None:
    (packed / name).write_bytes((packed / name).read_bytes()[:200])
    with pytest.raises(UserError, match=f"{name}' is not as 'emoji' was published"):
        data.load("emoji").split("train")
    (packed / name).unlink()
    with pytest.raises(UserError, match="`rlgen data get emoji` brings it"):
        data.load("emoji")


def test_the_real_ones() -> None:
    if Emoji.origin.find() is None:
        pytest.skip("The emoji are not here: `rlgen data get emoji` brings them.")
    loaded = data.load("emoji?size=16&groups=animals-nature")
    assert sum(len(loaded.split(part)) for part in data.PARTS) == 157
