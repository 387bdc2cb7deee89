"""Emoji as pictures: a small set, colourful and various."""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part, Target, openmoji, pixels
from rlgen.data.images import part_of
from rlgen.data.published import FAULTS, damaged, members
from rlgen.errors import UserError, nearest
from rlgen.fetching import Package
from rlgen.library import Origin
from rlgen.spec import Spec

PICTURES = "package/assets/"
SIDE = 256
COUNT = 1855  # For the memory they need.


class Emoji(Dataset):
    """Microsoft's Fluent emoji in three dimensions, 1,855 without skin tones; their groups are classes.

    `x` is uint8 [N, size, size, 3]. Which part an emoji is in follows from its code points, 80 : 10 : 10, and those
    that differ in sex alone are in the same.
    """

    name = "emoji"
    origin = Origin(
        licence="MIT (pictures), CC BY-SA 4.0 (groups)",
        size=15_792_027 + openmoji.BYTES,
        needs=(("lobehub-fluent-emoji-3d-1.1.0.tgz",), (openmoji.PACKAGE.file,)),
        packages=(
            Package(
                client="npm",
                name="@lobehub/fluent-emoji-3d",
                version="1.1.0",
                file="lobehub-fluent-emoji-3d-1.1.0.tgz",
                sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
            ),
            openmoji.PACKAGE,
        ),
        by_hand=f"lobehub-fluent-emoji-3d-1.1.0.tgz and {openmoji.PACKAGE.file}, packages of npm,",
    )
    target: Target

    def __init__(self, *, size: int = 64, groups: tuple[str, ...] = (), background: str = "white") -> None:
        """See that the files are there; they are read when somebody asks for examples.

        Args:
            size: pixels along either side; the pictures have 256.
            groups: those alone, such as animals-nature,food-drink; all unless given.
            background: what is behind them: white, black, grey or hexadecimal digits.

        Raises:
            UserError: they are not there; a size, a group or a colour that is none.
        """
        pixels.check_size(size, 3)
        self._background = pixels.colour(background)
        for group in groups:
            if group not in openmoji.GROUPS:
                raise UserError(
                    f"groups={group}: there is no such group.{nearest(group, openmoji.GROUPS)} There are "
                    f"{', '.join(openmoji.GROUPS)}."
                )
        self.spec, self.target = Spec((size, size, 3), "uint8"), Target.one_of(*(groups or openmoji.GROUPS))
        runtime.require_memory({"pictures": COUNT * self.spec.size}, advice="Make size smaller")
        self._files = self.origin.require(self.name)

    def split(self, part: Part) -> Arrays:
        """The emoji of one part; every call gives the same."""
        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[str, Arrays]:
        found: dict[str, list[tuple[pixels.Pixels, int]]] = {"train": [], "validation": [], "test": []}
        size = self.spec.shape[0]
        for points, content, label in self._chosen():
            whole = pixels.read(io.BytesIO(content), channels=3, background=self._background, name=self._files[0])
            found[part_of(openmoji.base(points))].append((pixels.square(whole, size), label))
        return {
            part: Arrays(
                np.array([x for x, _ in rows], np.uint8).reshape(-1, *self.spec.shape),
                np.array([label for _, label in rows], np.int32),
            )
            for part, rows in found.items()
        }

    def _chosen(self) -> list[tuple[openmoji.Code, bytes, int]]:
        """Code points, file and class of each emoji that is asked for, in the order of the code points."""
        archive, table = self._files
        try:
            pictures = members(archive, lambda name: name.startswith(PICTURES) and name.endswith(".webp"))
            # Some are there under two names.
            named = {openmoji.code(PurePosixPath(name).stem): content for name, content in sorted(pictures.items())}
        except FAULTS as error:
            raise damaged(archive, error, self.name) from error
        try:
            groups = openmoji.groups(members(table, openmoji.TABLE.__eq__)[openmoji.TABLE])
        except FAULTS as error:
            raise damaged(table, error, self.name) from error
        classes = self.target.classes
        return [
            (points, content, classes.index(groups[points]))
            for points, content in sorted(named.items())
            if not openmoji.has_tone(points) and groups.get(points) in classes
        ]
