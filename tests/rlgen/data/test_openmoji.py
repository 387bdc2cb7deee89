"""Code points of emoji."""

from __future__ import annotations

import published as made
import pytest

from rlgen.data import openmoji


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0023-fe0f-20e3", "23-20E3"),
        ("1f3f4-e0067_e0062_e0065", "1F3F4-E0067-E0062-E0065-E007F"),
        ("2764-FE0F-200D-1F525", "2764-200d-1f525"),
    ],
)
def test_packages_write_the_same_emoji_differently(one: str, other: str) -> None:
    assert openmoji.code(one) == openmoji.code(other)


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (("1F468-200D-1F373", "1F469-200D-1F373", "1F9D1-200D-1F373", "1F9D1-1F3FB-200D-1F373"), "1F9D1-200D-1F692"),
        (("1F3C3", "1F3C3-200D-2642-FE0F", "1F3C3-1F3FF-200D-2640"), "1F3C4"),
        (("1F468", "1F469", "1F9D1", "1F9D1-1F3FD"), "1F467"),
    ],
)
def test_what_differs_in_sex_and_skin_alone_belongs_together(names: tuple[str, ...], apart: str) -> None:
    bases = {openmoji.base(openmoji.code(name)) for name in names}
    assert len(bases) == 1 and openmoji.base(openmoji.code(apart)) not in bases


def test_tones_of_skin_are_emoji_of_their_own_where_they_stand_alone() -> None:
    toned = [openmoji.has_tone(openmoji.code(name)) for name in ("1F44D-1F3FB", "1F44D", "1F3FB")]
    assert toned == [True, False, False]


def test_groups_are_unicodes_alone() -> None:
    table = made.openmoji_table({"1F600": "smileys-emotion", "E000": "extras-openmoji", "0023-FE0F-20E3": "symbols"})
    assert openmoji.groups(table) == {(0x1F600,): "smileys-emotion", (0x23, 0x20E3): "symbols"}
