"""Pictures and films of a run."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlgen import files, paths
from rlgen.algorithm import Algorithm, Evaluation
from rlgen.board.board import Film, optional
from rlgen.errors import RlgenError, UserError
from rlgen.run import Run
from rlgen.summary import png_bytes, read_images

ENDINGS = (".mp4", ".gif")
TINY_PIXELS = 32
# Of a film of training.
MOST_FRAMES, FRAME_MILLISECONDS, LAST_MILLISECONDS = 60, 250, 2000
# Of a film of the result.
FILM_STEPS, FILM_EVERY, FILM_PIXELS = 300, 4, 240


def write_video(algorithm: Algorithm, out: Path, *, seed: int) -> Path:
    """Film the algorithm at work into `out`; written beside and renamed, so never half there.

    Raises:
        UserError: `out` does not end in .mp4 or .gif, its directory is missing, or there is nothing to film.
    """
    import imageio.v2 as imageio

    check_video_path(out)
    frames = map(_enlarged, algorithm.frames(seed=seed))
    first = next(frames)
    beside = out.with_name(f".{uuid.uuid4().hex}{out.suffix}")
    try:
        rate = algorithm.frames_per_second
        video: dict[str, Any] = {"fps": rate, "macro_block_size": 2}
        options = video if out.suffix == ".mp4" else {"duration": 1000 / rate, "loop": 0}
        writer: Any = imageio.get_writer(beside, **options)
        with writer:
            writer.append_data(first)
            for frame in frames:
                writer.append_data(_sized(frame, first.shape))
        beside.replace(out)
    except OSError as error:
        raise RlgenError(f"The film could not be written to {out}: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return out


def _enlarged(frame: Any) -> Any:
    """A frame of few pixels, each of them as a square, so that people see something and players play it."""
    side = min(frame.shape[:2])
    if side >= TINY_PIXELS:
        return frame
    times = -(-4 * TINY_PIXELS // side)
    return frame.repeat(times, axis=0).repeat(times, axis=1)


def _sized(frame: Any, shape: tuple[int, ...]) -> Any:
    """A frame in the size of the first one: a film has one size, a window that is drawn may not."""
    if frame.shape == shape:
        return frame
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(frame).resize((shape[1], shape[0])))


def check_video_path(out: Path) -> None:
    """Check that a film can be written to `out`.

    Raises:
        UserError: it cannot.
    """
    out = paths.named(out, what="--out")
    if out.suffix not in ENDINGS:
        raise UserError(f"'{out}' ends in neither {' nor '.join(ENDINGS)}; the ending chooses the format.")
    if paths.exists(out.parent) and not out.parent.is_dir():
        raise UserError(f"'{out.parent}' is a file, and {out.name} cannot be written into it. Choose another --out.")
    if not paths.exists(out.parent):
        raise UserError(f"There is no directory '{out.parent}' to write {out.name} into.")
    if out.is_dir() or not os.access(out.parent, os.W_OK | os.X_OK):
        raise UserError(f"'{out}' cannot be written. Choose another --out.")


def save_images(run: Run, evaluation: Evaluation) -> None:
    """Write the pictures of an evaluation into `media/`, `eval/samples` as `eval_samples.png`."""
    for name, pixels in evaluation.images.items():
        files.write(run.path / "media" / f"{name.replace('/', '_')}.png", png_bytes(pixels))


def film_training(run: Run, name: str) -> Path | None:
    """What a picture of the evaluations became in training, `media/eval_fixed_samples.gif`; None where there is one.

    A run of many evaluations shows `MOST_FRAMES` of them, evenly, the last among them.
    """
    import imageio.v3 as imageio

    pictures = [png for _, png in read_images(run.path / "eval", name)]
    if len(pictures) < 2:
        return None
    count = min(len(pictures), MOST_FRAMES)
    chosen = [pictures[i * (len(pictures) - 1) // (count - 1)] for i in range(count)]
    first = imageio.imread(chosen[0], extension=".png")
    frames = [_sized(imageio.imread(png, extension=".png"), first.shape) for png in chosen]
    durations = [FRAME_MILLISECONDS] * (count - 1) + [LAST_MILLISECONDS]
    path = run.path / "media" / f"{name.replace('/', '_')}.gif"
    files.write(path, imageio.imwrite("<bytes>", frames, extension=".gif", duration=durations, loop=0))
    return path


def film_result(run: Run, algorithm: Algorithm, *, seed: int) -> Film | None:
    """Film the algorithm at work, small and short, into `media/film.gif`; None where there is nothing to film.

    Every `FILM_EVERY`th of the first `FILM_STEPS` steps is shown.
    """
    hide_windows()
    film = None
    with optional("The film of the result"), contextlib.suppress(UserError):  # Most have nothing to film.
        chosen = list(itertools.islice(algorithm.frames(seed=seed), 0, FILM_STEPS, FILM_EVERY))
        if len(chosen) > 1:
            film = _animated(chosen, milliseconds=max(20, round(1000 * FILM_EVERY / algorithm.frames_per_second)))
    if film is not None:
        files.write(run.path / "media" / "film.gif", film.data)
    return film


def _animated(chosen: Sequence[Any], *, milliseconds: int) -> Film:
    """Frames [height, width, 3], made smaller, each for so long."""
    from PIL import Image

    smaller = -(-max(chosen[0].shape[:2]) // FILM_PIXELS)
    frames = [Image.fromarray(frame).reduce(smaller) for frame in chosen]
    drawn = io.BytesIO()
    frames[0].save(drawn, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return Film(drawn.getvalue(), *frames[0].size)


def hide_windows() -> None:
    """Let environments draw off the screen: SDL complains where there is none, and its dummy may stay black."""
    os.environ.setdefault("SDL_VIDEODRIVER", "offscreen" if sys.platform == "linux" else "dummy")


def draw_learning_curve(run: Run, algorithm: Algorithm | type[Algorithm], *, best_step: int) -> Path:
    """Draw what evaluations found, and training beside it where the algorithm says so: `media/learning_curve.png`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if algorithm.training_curve is not None:
        name, label = algorithm.training_curve
        points = [(row["step"], row[name]) for row in run.stats() if name in row]
        if points:
            axes.plot(*zip(*points, strict=True), color="#9db4c0", lw=1.2, label=label)
    score = algorithm.score
    rows = [row for row in run.evaluations() if score in row]
    steps = [row["step"] for row in rows]
    if algorithm.score_range is not None and all(name in row for row in rows for name in algorithm.score_range):
        low, high = ([row[name] for row in rows] for name in algorithm.score_range)
        axes.fill_between(steps, low, high, color="#2a6f97", alpha=0.15, lw=0, label="lowest to highest")
    axes.plot(steps, [row[score] for row in rows], color="#2a6f97", lw=2, marker="o", ms=4, label="evaluation")
    for row in rows:
        if row["step"] == best_step:
            label = f"best, step {best_step:,}"
            axes.plot(best_step, row[score], marker="*", ms=15, color="#e76f51", ls="", label=label)
    config = run.config
    axes.set(
        title=f"{config.algorithm} on {config.problem}, seed {config.seed}", xlabel=algorithm.step_unit, ylabel=score
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    path = run.path / "media" / "learning_curve.png"
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    files.write(path, drawn.getvalue())
    return path
