"""Emoji of six groups as classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import published as made
import pytest
from PIL import Image

from rlgen import data
from rlgen.data import openmoji, pixels
from rlgen.data.emoji import PICTURES
from rlgen.data.emoji_groups import GROUPS, EmojiGroups
from rlgen.data.images import part_of
from rlgen.errors import UserError

PACKED, TABLE = (places[0] for places in EmojiGroups.origin.needs)
EACH = 20


@pytest.fixture
def shown(data_place: Path, tmp_path: Path) -> dict[int, str]:
    """Code points to their groups, as many of each of all nine; the red of a picture tells its code point."""
    groups = {0x1F400 + i: openmoji.GROUPS[i % 9] for i in range(9 * EACH)}
    content = {}
    for code in groups:
        Image.new("RGB", (4, 4), (code - 0x1F400, 0, 9)).save(tmp_path / "one.webp", lossless=True)
        content[f"{PICTURES}{code:x}.webp"] = (tmp_path / "one.webp").read_bytes()
    (data_place / PACKED).write_bytes(made.tar_gz(content))
    table = made.openmoji_table({f"{code:X}": group for code, group in groups.items()})
    (data_place / TABLE).write_bytes(made.tar_gz({openmoji.TABLE: table}))
    return groups


def test_six_groups_and_no_other(shown: dict[int, str]) -> None:
    loaded = data.load("emoji_groups?size=4")
    assert str(loaded.spec) == "uint8 [4, 4, 3]" and loaded.target.label and loaded.target.classes == GROUPS
    seen = []
    for part in data.PARTS:
        arrays = data.examples(loaded, part, name="emoji_groups")
        for code, label in zip((0x1F400 + arrays.x[:, 0, 0, 0].astype(int)).tolist(), arrays.y, strict=True):
            assert shown[code] == GROUPS[label] and part_of(f"{code:x}") == part
            seen.append(code)
    assert sorted(seen) == [code for code, group in shown.items() if group in GROUPS]


def test_what_it_takes_and_what_it_says(shown: dict[int, str], data_place: Path) -> None:
    assert data.load("emoji_groups").spec.shape == (64, 64, 3)
    with pytest.raises(UserError, match="groups"):
        data.load("emoji_groups?groups=flags")
    (data_place / TABLE).write_bytes(b"no archive")
    with pytest.raises(UserError, match=f"{TABLE}' is not as 'emoji_groups' was published"):
        data.load("emoji_groups").split("train")
    (data_place / TABLE).unlink()
    with pytest.raises(UserError, match="`rlgen data get emoji_groups` brings it"):
        data.load("emoji_groups")


def test_the_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    if EmojiGroups.origin.find() is None:
        pytest.skip("The emoji are not here: `rlgen data get emoji_groups` brings them.")
    # Unpacking the pictures takes seconds, and the parts and the groups do not come from them.
    monkeypatch.setattr(pixels, "read", lambda *_, **__: np.zeros((8, 8, 3), np.uint8))
    loaded = data.load("emoji_groups?size=8")
    labels = [loaded.split(part).y for part in data.PARTS]
    assert list(map(len, labels)) == [925, 117, 111]
    assert np.bincount(np.concatenate(labels)).tolist() == [157, 128, 261, 166, 223, 218]
