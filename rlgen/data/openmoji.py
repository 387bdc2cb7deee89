"""Emoji by their code points: how packages name their files, what belongs together, which group each is in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from rlgen.fetching import Package

PACKAGE = Package(
    client="npm",
    name="openmoji",
    version="17.0.0",
    file="openmoji-17.0.0.tgz",
    sha256="55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
)
BYTES = 4_339_458
TABLE = "package/data/openmoji.csv"
# Unicode's, in the order of their names.
GROUPS = (
    *("activities", "animals-nature", "flags", "food-drink", "objects"),
    *("people-body", "smileys-emotion", "symbols", "travel-places"),
)

Code = tuple[int, ...]

# What asks for colours, and what ends the flags of some countries: not every package writes them.
IGNORED = {0xFE0F, 0xE007F}
JOINER = 0x200D
TONES = range(0x1F3FB, 0x1F400)
# A man, a woman and a person are one; so are the signs for the first two.
PERSON = {0x1F468: 0x1F9D1, 0x1F469: 0x1F9D1}
DROPPED = {JOINER, 0x2640, 0x2642, *TONES}


def code(name: str) -> Code:
    """The code points in a file's name, `1f469-200d-1f373`, without those that not every package writes.

    Raises:
        ValueError: it is no such name.
    """
    points = (int(point, 16) for point in name.replace("_", "-").split("-"))
    return tuple(point for point in points if point not in IGNORED)


def has_tone(points: Code) -> bool:
    """Whether it is another one in a tone of skin."""
    return any(point in TONES for point in points[1:])


def base(points: Code) -> str:
    """What emoji have in common that differ in sex and skin alone: they look so alike that they share a part."""
    return "-".join(f"{PERSON.get(point, point):x}" for point in points if point not in DROPPED)


def groups(table: bytes) -> Mapping[Code, str]:
    """The group of each emoji, by OpenMoji's table; those of its own are left out.

    Raises:
        KeyError, ValueError: it is no such table.
    """
    rows = csv.DictReader(io.StringIO(table.decode()))
    return {code(row["hexcode"]): row["group"] for row in rows if row["group"] in GROUPS}
