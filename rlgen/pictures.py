"""Pictures of results as uint8 arrays: grids of images, scatters of points, plots.

Everything returned is [height, width, 3], uint8: floats are clipped silently by more than one viewer.
Matplotlib is imported inside functions and draws without a window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

INK, REAL, MADE = "#2b3440", "#b9c4d0", "#e4572e"


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


def spread(length: int, count: int) -> npt.NDArray[np.int64]:
    """So many places from the first to the last one of a set, whose order may be by kind; all, where it has fewer."""
    return np.linspace(0, length - 1, min(count, length)).astype(np.int64)


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
