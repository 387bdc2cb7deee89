"""A folder of pictures, in one size; its sub-folders are classes."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.data import Arrays, Dataset, Part, Target
from rlgen.errors import UserError
from rlgen.spec import Spec

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
WHITE = 255
MOST_PIXELS = 8192


class Images(Dataset):
    """Pictures in a folder: `images:photos?size=64`; sub-folders, where there are any, are classes.

    `x` is uint8 [N, size, size, channels]: the largest square in the middle, scaled down by averaging. Transparent
    pictures are laid on white. Which part a picture is in follows from its name, 80 : 10 : 10, so that new pictures
    move none of the others.
    """

    def __init__(self, *, folder: Path, size: int = 64, channels: int = 3) -> None:
        """Look at the folder; pictures are read when they are asked for.

        Args:
            folder: with the pictures, or with a folder of pictures for each class.
            size: pixels along either side.
            channels: 3, or 1 for grey.

        Raises:
            UserError: no such folder, no picture in it, or a size that is none.
        """
        if not 1 <= size <= MOST_PIXELS or channels not in (1, 3):
            raise UserError(
                f"size={size}, channels={channels}: a picture has 1 to {MOST_PIXELS} pixels along a side, and 1 or 3 "
                "channels."
            )
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
        files = [path for path in self._files if _part(path.relative_to(self._folder).as_posix()) == part]
        size, channels = self.spec.shape[0], self.spec.shape[2]
        x = np.array([_read(path, size, channels) for path in files], np.uint8).reshape(-1, *self.spec.shape)
        if self.target is None:
            return Arrays(x)
        names = [path.relative_to(self._folder).parts[0] for path in files]
        return Arrays(x, np.array([self.target.classes.index(name) for name in names], np.int32))


def _part(name: str) -> Part:
    tenth = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little") % 10
    return "validation" if tenth == 0 else "test" if tenth == 1 else "train"


@lru_cache(maxsize=100_000)
def _read(path: Path, size: int, channels: int) -> npt.NDArray[np.uint8]:
    import imageio.v3 as imageio
    from PIL import Image

    try:
        pixels = np.asarray(imageio.imread(path, index=0))
    except Exception as error:  # Each format has errors of its own.
        raise UserError(f"'{path}' cannot be read as a picture: {type(error).__name__}: {error}") from error
    picture = Image.fromarray(_on_white(pixels)).convert("RGB" if channels == 3 else "L")
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    square = picture.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.BOX), np.uint8).reshape(size, size, channels)


def _on_white(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Grey or coloured pixels without transparency, [H, W] or [H, W, 3]."""
    if pixels.ndim == 2 or pixels.shape[-1] == 3:
        return pixels
    colour, alpha = pixels[..., :-1].astype(np.float64), pixels[..., -1:] / 255.0
    laid = np.rint(colour * alpha + WHITE * (1 - alpha)).astype(np.uint8)
    return laid[..., 0] if laid.shape[-1] == 1 else laid
