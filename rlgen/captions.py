"""Pictures with words on them, by Pillow: every evaluation has some, and Matplotlib takes twenty times as long."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.pictures import INK, Picture, in_colour

# Of a class's name beside a table.
MOST_LETTERS = 12
# Pixels over a table.
ABOVE = 8


def shortened(name: str) -> str:
    """A name of at most `MOST_LETTERS`, what is cut off said by three dots."""
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def confusion(
    labels: npt.NDArray[Any], predictions: npt.NDArray[Any], names: Sequence[str], *, size: int = 480
) -> Picture:
    """How often each class (rows) was taken for each class (columns), as a table of counts.

    Args:
        labels: the right classes, [N].
        predictions: the chosen ones, [N].
        names: of the classes.
        size: of the square picture, pixels.
    """
    classes, short = len(names), list(map(shortened, names))
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predictions), 1)
    image, pen = _sheet(size)
    font = _font(max(6, min(11, round(0.7 * size / classes))))
    room = 26 + round(max(pen.textlength(name, font=font) for name in short))
    cell = max(1, (size - room - ABOVE) // classes)
    _cells(image, pen, counts, left=room, cell=cell, font=font)
    _names(image, pen, short, left=room, cell=cell, font=font)
    pen.text((room + cell * classes / 2, size - 3), "predicted", fill=INK, font=font, anchor="mb")
    _turned(image, "true", font, middle=8, top=ABOVE + cell * classes // 2 - 12)
    return np.asarray(image)


def _cells(image: Any, pen: Any, counts: npt.NDArray[np.int64], *, left: int, cell: int, font: Any) -> None:
    """Counts, the darker the larger a share of their row they are."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image.paste(_image(_blues(shares).repeat(cell, axis=0).repeat(cell, axis=1)), (left, ABOVE))
    side = cell * len(counts)
    pen.rectangle((left - 1, ABOVE - 1, left + side, ABOVE + side), outline=INK)
    for row, column in zip(*np.nonzero(counts), strict=True):
        place = (left + (column + 0.5) * cell, ABOVE + (row + 0.5) * cell)
        colour = "white" if shares[row, column] > 0.5 else INK
        pen.text(place, str(counts[row, column]), fill=colour, font=font, anchor="mm")


def _names(image: Any, pen: Any, names: Sequence[str], *, left: int, cell: int, font: Any) -> None:
    """Beside the rows and below the columns; turned there, where they are wider than a column."""
    below, fit = ABOVE + cell * len(names) + 5, all(pen.textlength(name, font=font) < cell for name in names)
    for i, name in enumerate(names):
        middle = round((i + 0.5) * cell)
        pen.text((left - 5, ABOVE + middle), name, fill=INK, font=font, anchor="rm")
        if fit:
            pen.text((left + middle, below), name, fill=INK, font=font, anchor="mt")
        else:
            _turned(image, name, font, middle=left + middle, top=below)


def captioned(images: npt.NDArray[Any], captions: Sequence[str], *, columns: int = 6, size: int = 480) -> Picture:
    """Images with a line or two of text above each; without images, a picture that says so.

    Args:
        images: [N, H, W, 1 or 3], uint8, or numbers in [0, 1].
        captions: N of them.
        columns: how many stand in a row.
        size: of the square picture, pixels.
    """
    image, pen = _sheet(size)
    if not captions:
        pen.text((size / 2, size / 2), "none", fill=INK, font=_font(13), anchor="mm")
        return np.asarray(image)
    cell = size / max(-(-len(captions) // columns), columns)
    height, breadth = (max(1, round(0.68 * cell * side / max(images.shape[1:3]))) for side in images.shape[1:3])
    for i, (each, caption) in enumerate(zip(in_colour(images), captions, strict=True)):
        x, y = (i % columns + 0.5) * size / columns, (i // columns + 0.61) * cell
        image.paste(_resized(each, height, breadth), (round(x - breadth / 2), round(y - height / 2)))
        font = _font(9 if "\n" in caption else 12)
        pen.text((x, y - height / 2 - 2), caption, fill=INK, font=font, anchor="md", align="center", spacing=1)
    return np.asarray(image)


def _sheet(size: int) -> tuple[Any, Any]:
    """White paper, and a pen on it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (size, size), "white")
    return image, ImageDraw.Draw(image)


@functools.cache
def _font(pixels: int) -> Any:
    """DejaVu Sans, which has the letters of most languages, from Matplotlib's own files."""
    import matplotlib
    from PIL import ImageFont

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), pixels)


def _blues(shares: npt.NDArray[Any]) -> Picture:
    """From white for 0 to dark blue for 1, [..., 3]."""
    import matplotlib

    return np.asarray(matplotlib.colormaps["Blues"](shares, bytes=True))[..., :3]


def _image(pixels: Picture) -> Any:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(pixels))


def _resized(pixels: Picture, height: int, breadth: int) -> Any:
    """Enlarged by squares, so that pixels are seen, or made smaller by means."""
    from PIL import Image

    smaller = height < pixels.shape[0] or breadth < pixels.shape[1]
    return _image(pixels).resize((breadth, height), Image.Resampling.BOX if smaller else Image.Resampling.NEAREST)


def _turned(image: Any, text: str, font: Any, *, middle: int, top: int) -> None:
    """A word that is read from below to above."""
    from PIL import Image, ImageDraw

    left, above, right, below = font.getbbox(text)
    word = Image.new("RGB", (right - left, below - above), "white")
    ImageDraw.Draw(word).text((-left, -above), text, fill=INK, font=font)
    turned = word.rotate(90, expand=True)
    image.paste(turned, (middle - turned.width // 2, top))
