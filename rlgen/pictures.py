"""Pictures of results as uint8 arrays: grids of images, scatters of points, tables of counts.

Everything returned is [height, width, 3], uint8: floats are clipped silently by more than one viewer.
Matplotlib is imported inside functions and draws without a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

INK, REAL, MADE = "#2b3440", "#b9c4d0", "#e4572e"
# Of a class's name beside a table.
MOST_LETTERS = 12


def to_uint8(images: npt.NDArray[Any]) -> Picture:
    """Images in [0, 1] as 0 to 255, rounded; what lies outside is clipped. uint8 stays as it is."""
    if images.dtype == np.uint8:
        return images
    return np.clip(np.rint(images * 255.0), 0, 255).astype(np.uint8)


def grid(images: npt.NDArray[Any], *, columns: int | None = None, width: int = 480, gap: int = 1) -> Picture:
    """Images side by side, row by row, enlarged by a whole factor until about `width` pixels are filled.

    Args:
        images: [N, H, W, 1 or 3], uint8, or numbers in [0, 1]; N >= 1.
        columns: how many stand in a row; the root of N when left out.
        width: of the picture, at most, unless the images are larger.
        gap: pixels between images, before enlarging.
    """
    tiles = to_uint8(images)
    count, height, breadth, channels = tiles.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (breadth + gap) + gap, channels), 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = gap + (i // columns) * (height + gap), gap + (i % columns) * (breadth + gap)
        sheet[top : top + height, left : left + breadth] = tile
    factor = max(1, width // sheet.shape[1])
    large = sheet.repeat(factor, axis=0).repeat(factor, axis=1)
    return large.repeat(3, axis=2) if channels == 1 else large


def in_rows(*parts: npt.NDArray[Any], columns: int, width: int) -> Picture:
    """Rows of images, below each row what belongs to it: a grid.

    Args:
        parts: [N, H, W, C] each, one below the other.
        columns: images in a row.
        width: as in `grid`.
    """
    rows = [part[i : i + columns] for i in range(0, len(parts[0]), columns) for part in parts]
    return grid(np.concatenate(rows), columns=columns, width=width)


def beside(*parts: npt.NDArray[Any]) -> Picture:
    """Images that belong together side by side, [N, H, W, C] each: a row for every one."""
    rows = np.stack(parts, axis=1)
    return grid(rows.reshape(-1, *parts[0].shape[1:]), columns=len(parts))


def in_colour(images: npt.NDArray[Any]) -> Picture:
    """Images [N, H, W, 1 or 3], bytes or numbers in [0, 1], as bytes [N, H, W, 3]."""
    made = to_uint8(images)
    return made.repeat(3, axis=-1) if made.shape[-1] == 1 else made


class Scatter:
    """Samples over real points in the plane; drawn once, then only the samples move, for films.

    Args:
        real: points in grey, [N, 2]; they set the frame.
        size: of the square picture, pixels.
    """

    def __init__(self, real: npt.NDArray[Any], *, size: int = 480) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._figure = Figure(figsize=(size / 100, size / 100), dpi=100, facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        axes = self._figure.add_axes((0.02, 0.02, 0.96, 0.9))
        low, high = real.min(axis=0), real.max(axis=0)
        middle, reach = (low + high) / 2, 0.62 * float((high - low).max())
        axes.set_xlim(middle[0] - reach, middle[0] + reach)
        axes.set_ylim(middle[1] - reach, middle[1] + reach)
        axes.set_aspect("equal")
        axes.set_axis_off()
        axes.scatter(real[:, 0], real[:, 1], s=26, color=REAL, linewidths=0, label="real")
        self._made = axes.scatter([], [], s=7, color=MADE, alpha=0.45, linewidths=0, label="generated")
        legend = self._figure.legend(
            loc="upper center", ncols=2, frameon=False, fontsize=10, labelcolor=INK, markerscale=1.4
        )
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set_alpha(1)

    def draw(self, samples: npt.NDArray[Any]) -> Picture:
        """The picture with these samples, [M, 2]."""
        self._made.set_offsets(samples)
        return self._render()

    def _render(self) -> Picture:
        self._canvas.draw()
        return np.asarray(self._canvas.buffer_rgba())[..., :3].copy()


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
    classes = len(names)
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predictions), 1)
    short = list(map(shortened, names))
    room = 0.09 + 0.013 * max(map(len, short))
    figure, axes = _square(size, (room, room, 0.98 - room, 0.98 - room))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        color = "white" if shares[row, column] > 0.5 else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, fontsize=9)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_xticks(range(classes), short, rotation=90 if max(map(len, short)) > 2 else 0, fontsize=8)
    axes.set_yticks(range(classes), short, fontsize=8)
    return drawn(figure)


def shortened(name: str) -> str:
    """A name of at most `MOST_LETTERS`, what is cut off said by three dots."""
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def captioned(images: npt.NDArray[Any], captions: Sequence[str], *, columns: int = 6, size: int = 480) -> Picture:
    """Images with a line of text above each; without images, a picture that says so.

    Args:
        images: [N, H, W, 1 or 3], uint8, or numbers in [0, 1].
        captions: N of them.
        columns: how many stand in a row.
        size: of the square picture, pixels.
    """
    figure, axes = _square(size, (0, 0, 1, 1))
    axes.set_axis_off()
    if not captions:
        axes.text(0.5, 0.5, "none", ha="center", va="center", color=INK)
        return drawn(figure)
    rows = max(-(-len(captions) // columns), columns)
    height, breadth = images.shape[1:3]
    half_height, half_breadth = (0.34 * side / max(height, breadth) for side in (height, breadth))
    # All on one pair of axes, a cell of which is 1 by 1: axes of their own would take five times as long to draw.
    for i, (image, caption) in enumerate(zip(to_uint8(images), captions, strict=True)):
        x, y = i % columns + 0.5, i // columns + 0.61
        flat = image.squeeze(-1) if image.shape[-1] == 1 else image
        extent = (x - half_breadth, x + half_breadth, y + half_height, y - half_height)
        axes.imshow(flat, cmap="gray", vmin=0, vmax=255, extent=extent)
        size_of_text = 9 if "\n" not in caption else 7
        axes.text(x, y - half_height - 0.02, caption, fontsize=size_of_text, color=INK, ha="center", va="bottom")
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    return drawn(figure)


def framed(size: int) -> tuple[Any, Any]:
    """A square figure and its axes, for a plot with numbers on both."""
    figure, axes = _square(size, (0.13, 0.11, 0.84, 0.85))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    return figure, axes


def _square(size: int, place: tuple[float, float, float, float]) -> tuple[Any, Any]:
    """A figure, and axes at (left, bottom, width, height) of it; to lay them out by their texts takes twice as long."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size / 100, size / 100), dpi=100, facecolor="white")
    return figure, figure.add_axes(place)


def drawn(figure: Any) -> Picture:
    """A figure as pixels, [height, width, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
