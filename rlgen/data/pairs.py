"""Pairs of pictures: the one is to become the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rlgen import runtime
from rlgen.data import PARTS, Arrays, Dataset, Part, Target, pixels
from rlgen.data.images import part_of, skip_or_raise
from rlgen.data.pixels import ENDINGS, NoPicture, Pixels, Unreadable
from rlgen.errors import UserError, nearest
from rlgen.spec import Spec

# Folders that say which part their pictures are in, as published sets of pairs have them.
FOLDERS: dict[str, Part] = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
NAMED = 5


class Pair(NamedTuple):
    """Where a pair is: in two files, or, where there is no second, side by side in one.

    Attributes:
        name: that both have, which says what part the pair is in.
        first: the file with what is seen.
        second: the file with what it is to become.
    """

    name: str
    first: Path
    second: Path | None


class Pairs(Dataset):
    """Pairs of pictures in a folder, `pairs:facades?input=right`: side by side, or in two folders under equal names.

    `x` and `y` are uint8 [N, size, size, channels]; where both are larger or smaller, the largest square in the middle
    is scaled, alike on both sides. Folders `train`, `val` (or `validation`) and `test` say which part a pair is in; a
    part without a folder is a tenth of the training pairs, chosen by name, and without any such folder the parts are
    80 : 10 : 10.
    """

    def __init__(
        self,
        *,
        folder: Path,
        size: int = 0,
        input: str = "",
        channels: int = 3,
        background: str = "white",
        unreadable: Unreadable = "refuse",
    ) -> None:
        """Look at the folder, and at one picture; the others are read when they are asked for.

        Args:
            folder: with the pictures.
            size: pixels along either side of each picture of a pair; 0: as they are, all of one size.
            input: which one is seen: left or right, or of two folders one's name. The left, or the first, unless given.
            channels: 3, or 1 for grey.
            background: what transparent pixels are laid on: white, black, grey or hexadecimal digits.
            unreadable: what becomes of a pair that cannot be read: it is refused, or skipped and named.

        Raises:
            UserError: no such folder, no picture in it, one without its other, a size or colour that is none.
        """
        pixels.check_size(size or 1, channels)
        self._size, self._channels, self._background = size, channels, pixels.colour(background)
        self._unreadable: Unreadable = unreadable
        if not folder.is_dir():
            raise UserError(f"There is no folder '{folder}' with pairs of pictures.")
        self._pairs = _parts(folder, input)
        self._right = input == "right"
        every = [pair for pairs in self._pairs.values() for pair in pairs]
        shape = (size, size, channels) if size else self._first(every)[0].shape
        self.spec = Spec(shape, "uint8")
        self.target = Target(self.spec)
        needs = {f"{len(every):,} pairs": 2 * len(every) * self.spec.size}
        runtime.require_memory(needs, advice="Make size smaller")

    def split(self, part: Part) -> Arrays:
        """The pairs of one part; every call gives the same."""
        if part not in self._read:
            both = [read for pair in self._pairs[part] if (read := self._pixels(pair)) is not None]
            x, y = (np.array([pair[i] for pair in both], np.uint8).reshape(-1, *self.spec.shape) for i in (0, 1))
            self._read[part] = Arrays(x, y)
        return self._read[part]

    @cached_property
    def _read(self) -> dict[Part, Arrays]:
        return {}

    def _first(self, pairs: Sequence[Pair]) -> tuple[Pixels, Pixels]:
        """The first pair that can be read."""
        for pair in pairs:
            if (read := self._pixels(pair)) is not None:
                return read
        raise UserError("None of the pairs can be read.")

    def _pixels(self, pair: Pair) -> tuple[Pixels, Pixels] | None:
        """What is seen and what it is to become; None where it is left out."""
        try:
            sides = self._sides(pair)
        except NoPicture as error:
            skip_or_raise(error, self._unreadable)
            return None
        if self._size:
            return pixels.square(sides[0], self._size), pixels.square(sides[1], self._size)
        # The first one, whatever it has, is what the others are held against.
        spec = getattr(self, "spec", None)
        if spec is not None and sides[0].shape != spec.shape:
            found, first = (f"{shape[1]} x {shape[0]}" for shape in (sides[0].shape, spec.shape))
            raise UserError(
                f"'{pair.first}': what is seen has {found} pixels there, and {first} in the first pair. With "
                "size=64, for instance, all are brought to one size."
            )
        return sides

    def _sides(self, pair: Pair) -> tuple[Pixels, Pixels]:
        first = pixels.read(pair.first, channels=self._channels, background=self._background)
        if pair.second is None:
            half, odd = divmod(first.shape[1], 2)
            if odd or not half:
                raise UserError(
                    f"'{pair.first}' is {first.shape[1]} pixels wide, which are no two pictures side by side. "
                    "Where the pictures of a pair are files of their own, put them into two folders, under equal names."
                )
            left, right = first[:, :half], first[:, half:]
            return (right, left) if self._right else (left, right)
        second = pixels.read(pair.second, channels=self._channels, background=self._background)
        if first.shape != second.shape:
            sizes = " and ".join(f"{each.shape[1]} x {each.shape[0]}" for each in (first, second))
            raise UserError(
                f"'{pair.first}' and '{pair.second}' have {sizes} pixels: the pictures of a pair are of one size."
            )
        return first, second


def _parts(folder: Path, seen: str) -> dict[Part, list[Pair]]:
    """The pairs of each part."""
    named = {path.name: path for path in _folders(folder)}
    if not named or not named.keys() <= FOLDERS.keys():
        pairs = _pairs(folder, seen)
        return {part: [pair for pair in pairs if part_of(pair.name) == part] for part in PARTS}
    _check_no_loose(folder)
    if "train" not in named:
        raise UserError(f"'{folder}' has {' and '.join(named)}, and no folder 'train' beside.")
    if {"val", "validation"} <= named.keys():
        raise UserError(f"'{folder}' has 'val' and 'validation', which mean the same: leave one.")
    found = {FOLDERS[name]: _pairs(path, seen) for name, path in named.items()}
    train = found["train"]
    lacking = [part for part in PARTS if part not in found]
    cut = {part: [pair for pair in train if part_of(pair.name) == part] for part in lacking}
    return {**found, **cut, "train": [pair for pair in train if part_of(pair.name) not in lacking]}


def _pairs(folder: Path, seen: str) -> list[Pair]:
    """The pairs in one folder, by name."""
    inside = _folders(folder)
    if not inside:
        if seen not in ("", "left", "right"):
            raise UserError(f"input={seen}: the pictures in '{folder}' are side by side, so it is left or right.")
        return [Pair(name, file, None) for name, file in _files(folder).items()]
    names = [path.name for path in inside]
    if len(inside) != 2:
        raise UserError(
            f"'{folder}' has the folders {', '.join(names)}: pairs are in two of them, or side by side in one picture."
        )
    _check_no_loose(folder)
    if seen and seen not in names:
        raise UserError(f"input={seen}:{nearest(seen, names)} There are the folders {' and '.join(names)}.")
    first, second = inside if not seen or seen == names[0] else inside[::-1]
    one, other = _files(first), _files(second)
    alone = [*(one[name] for name in one if name not in other), *(other[name] for name in other if name not in one)]
    if alone:
        raise UserError(
            f"Without another under the same name in the other folder: {_some(alone)}. Bring it, or take these away."
        )
    return [Pair(name, one[name], other[name]) for name in one]


def _files(folder: Path) -> dict[str, Path]:
    """The pictures in a folder, by their names without endings."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not paths:
        raise UserError(f"There is no picture in '{folder}': it may hold files that end in {', '.join(ENDINGS)}.")
    found: dict[str, Path] = {}
    for path in paths:
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise UserError(f"'{found[name]}' and '{path}' have one name: which is the one of the pair? Leave one.")
        found[name] = path
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _check_no_loose(folder: Path) -> None:
    loose = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if loose:
        raise UserError(f"'{folder}' has folders, and pictures beside them: move '{loose[0].name}'.")


def _some(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(f"'{path}'" for path in paths[:NAMED]) + more
