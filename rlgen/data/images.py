"""A folder of pictures, in one size; its sub-folders are classes."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part, Target, pixels
from rlgen.data.pixels import ENDINGS, NoPicture, Pixels, Unreadable
from rlgen.errors import UserError
from rlgen.spec import Spec


class Images(Dataset):
    """Pictures in a folder: `images:photos?size=64`; sub-folders, where there are any, are classes.

    `x` is uint8 [N, size, size, channels]: the largest square in the middle, scaled down by averaging. Transparent
    pictures are laid on a colour. Which part a picture is in follows from its name, 80 : 10 : 10, so that new pictures
    move none of the others.
    """

    def __init__(
        self,
        *,
        folder: Path,
        size: int = 64,
        channels: int = 3,
        background: str = "white",
        unreadable: Unreadable = "refuse",
    ) -> None:
        """Look at the folder; pictures are read when they are asked for.

        Args:
            folder: with the pictures, or with a folder of pictures for each class.
            size: pixels along either side.
            channels: 3, or 1 for grey.
            background: what transparent pixels are laid on: white, black, grey or hexadecimal digits.
            unreadable: what becomes of a file that cannot be read: it is refused, or skipped and named.

        Raises:
            UserError: no such folder, no picture in it, a size or colour that is none.
        """
        pixels.check_size(size, channels)
        self._background, self._unreadable = pixels.colour(background), unreadable
        if not folder.is_dir():
            raise UserError(f"There is no folder '{folder}' with pictures.")
        self._files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
        if not self._files:
            raise UserError(f"There is no picture in '{folder}': it may hold files that end in {', '.join(ENDINGS)}.")
        needs = {f"{len(self._files):,} pictures": len(self._files) * size * size * channels}
        runtime.require_memory(needs, advice="Make size smaller")
        self._folder, self.spec = folder, Spec((size, size, channels), "uint8")
        classes = sorted({path.relative_to(folder).parts[0] for path in self._files if path.parent != folder})
        loose = [path for path in self._files if path.parent == folder]
        if classes and loose:
            raise UserError(
                f"'{folder}' has folders, which are classes, and pictures beside them: move '{loose[0].name}'."
            )
        self.target = Target.one_of(*classes) if classes else None

    def split(self, part: Part) -> Arrays:
        """The pictures of one part; every call gives the same."""
        chosen = [path for path in self._files if part_of(path.relative_to(self._folder).as_posix()) == part]
        size, channels = self.spec.shape[0], self.spec.shape[2]
        made, names = [], []
        for path in chosen:
            try:
                made.append(_read(path, size, channels, self._background))
            except NoPicture as error:
                skip_or_raise(error, self._unreadable)
                continue
            names.append(path.relative_to(self._folder).parts[0])
        x = np.array(made, np.uint8).reshape(-1, *self.spec.shape)
        if self.target is None:
            return Arrays(x)
        return Arrays(x, np.array([self.target.classes.index(name) for name in names], np.int32))


def skip_or_raise(error: NoPicture, unreadable: Unreadable) -> None:
    """Say which picture is left out, or raise what says that it cannot be read, and how to leave it out."""
    if unreadable == "refuse":
        raise NoPicture(f"{error} Take it away, or leave out all such files by unreadable=skip.") from error
    runtime.tell(f"{error} It is left out.")


def part_of(name: str) -> Part:
    """Which part a picture of this name is in: four fifths train, a tenth each validates and tests."""
    tenth = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little") % 10
    return "validation" if tenth == 0 else "test" if tenth == 1 else "train"


@lru_cache(maxsize=100_000)
def _read(path: Path, size: int, channels: int, background: tuple[int, int, int]) -> Pixels:
    return pixels.square(pixels.read(path, channels=channels, background=background), size)
