"""Pictures in files and in memory: read with care, laid on a colour, brought to a size. Everything is uint8."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rlgen.errors import UserError, nearest

Pixels = npt.NDArray[np.uint8]
Unreadable = Literal["refuse", "skip"]

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
COLOURS = {"white": "ffffff", "black": "000000", "grey": "808080"}
# Along a side of what is learned from.
MOST_SIDE = 8192
# A file of some kilobytes may say that it has any number; as bytes in colour these are 200 MB.
MOST_PIXELS = MOST_SIDE * MOST_SIDE


class NoPicture(UserError):
    """A file that cannot be read as a picture."""


def check_size(size: int, channels: int) -> None:
    """Raise `UserError` where no picture has this size, or so many channels."""
    if not 1 <= size <= MOST_SIDE or channels not in (1, 3):
        raise UserError(
            f"size={size}, channels={channels}: a picture has 1 to {MOST_SIDE} pixels along a side, and 1 or 3 "
            "channels."
        )


def colour(text: str) -> tuple[int, int, int]:
    """Red, green and blue of a name or of six hexadecimal digits.

    Raises:
        UserError: it is neither.
    """
    digits = COLOURS.get(text.lower(), text.removeprefix("#"))
    if not re.fullmatch("[0-9a-fA-F]{6}", digits):
        raise UserError(
            f"background={text} is no colour.{nearest(text, COLOURS)} Write {', '.join(COLOURS)}, or six hexadecimal "
            "digits such as ff8800."
        )
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def read(source: Any, *, channels: int, background: tuple[int, int, int], name: Path | str = "") -> Pixels:
    """The pixels of a picture, [H, W, channels]; of a film the first.

    Args:
        source: a file's name, or a file.
        channels: 3, or 1 for grey.
        background: what transparent pixels are laid on.
        name: of the picture, for messages, where `source` is no name.

    Raises:
        NoPicture: it cannot be read, or has more than `MOST_PIXELS`.
    """
    from PIL import Image

    name = name or source
    try:
        with warnings.catch_warnings():
            # Pillow has limits of its own, of which the lower one warns where ours refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(source)
        with picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            flat = _flat(picture, background)
    except Image.DecompressionBombError:
        raise NoPicture(
            f"'{name}' would unpack to more than {MOST_PIXELS:,} pixels. Make it smaller, or leave it out."
        ) from None
    except Exception as error:  # Each format has errors of its own.
        raise NoPicture(f"'{name}' cannot be read as a picture: {type(error).__name__}: {error}") from error
    mode = "RGB" if channels == 3 else "L"
    return np.asarray(flat.convert(mode), np.uint8).reshape(flat.height, flat.width, channels)


def _flat(picture: Any, background: tuple[int, int, int]) -> Any:
    """Pillow's picture without transparency, in 8 bits."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits, of which the upper 8 are kept; as it is, Pillow would clip them.
        return Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("RGB") if picture.mode not in ("L", "1") else picture.convert("L")
    whole = np.asarray(picture.convert("RGBA"))
    return Image.fromarray(on_colour(whole, background))


def on_colour(pixels: Pixels, background: tuple[int, int, int]) -> Pixels:
    """Pixels with transparency, [..., 4], laid on a colour, [..., 3]."""
    shown, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    # Rounded: no number of 255ths lies in the middle between two whole ones.
    return ((shown * alpha + np.array(background, np.uint32) * (255 - alpha) + 127) // 255).astype(np.uint8)


def square(pixels: Pixels, size: int) -> Pixels:
    """The largest square in the middle, [size, size, C]."""
    return fitted(pixels, size, size)


def fitted(pixels: Pixels, height: int, width: int) -> Pixels:
    """The largest part in the middle that has these proportions, brought to this size: [height, width, C]."""
    rows, columns = pixels.shape[:2]
    if rows * width > columns * height:
        tall, wide = max(1, round(columns * height / width)), columns
    else:
        tall, wide = rows, max(1, round(rows * width / height))
    top, left = (rows - tall) // 2, (columns - wide) // 2
    return resized(pixels[None, top : top + tall, left : left + wide], height, width)[0]


def resized(pictures: Pixels, height: int, width: int | None = None) -> Pixels:
    """Pictures [N, H, W, C] in another size, square without a width: smaller by averaging, larger by interpolation."""
    from PIL import Image

    width = width or height
    if pictures.shape[1:3] == (height, width):
        return pictures
    how = Image.Resampling.BOX if height < pictures.shape[1] else Image.Resampling.BILINEAR
    # A picture with one channel has no axis for it in Pillow.
    flat = pictures[..., 0] if pictures.shape[-1] == 1 else pictures
    made = [np.asarray(Image.fromarray(each).resize((width, height), how)) for each in flat]
    return np.array(made, np.uint8).reshape(len(pictures), height, width, pictures.shape[-1])
