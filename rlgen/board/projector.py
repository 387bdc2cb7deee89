"""Points in many dimensions that TensorBoard's projector turns about, with what they are and what they look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files
from rlgen.algorithm import Embedding
from rlgen.summary import png_bytes

# A sprite's largest side in pixels: above it browsers give up.
MOST_SPRITE_PIXELS = 8192
CONFIG = "projector_config.pbtxt"


def write(directory: Path, embedding: Embedding) -> None:
    """Put an embedding beside the events of a run, whole or not at all: the configuration comes last.

    Raises:
        OSError: it cannot be written.
    """
    files.write(directory / "embedding.tsv", _rows(embedding.vectors))
    lines = [f'tensor_name: "{embedding.name}"', 'tensor_path: "embedding.tsv"']
    if embedding.labels:
        files.write(directory / "labels.tsv", _labels(embedding))
        lines.append('metadata_path: "labels.tsv"')
    if embedding.pictures is not None:
        side, sprite = sprites(embedding.pictures)
        files.write(directory / "sprites.png", png_bytes(sprite))
        lines.append(f'sprite {{ image_path: "sprites.png" single_image_dim: {side[1]} single_image_dim: {side[0]} }}')
    inside = "\n".join(f"  {line}" for line in lines)
    files.write(directory / CONFIG, f"embeddings {{\n{inside}\n}}\n".encode())


def _rows(vectors: npt.NDArray[np.float32]) -> bytes:
    return "".join("\t".join(f"{number:.6g}" for number in row) + "\n" for row in vectors).encode()


def _labels(embedding: Embedding) -> bytes:
    """A line for each point; a single column has no heading, as TensorBoard wants it."""
    columns = [[_in_one_cell(value) for value in column] for column in embedding.labels.values()]
    rows = ["\t".join(row) for row in zip(*columns, strict=True)]
    heading = ["\t".join(map(_in_one_cell, embedding.labels))] if len(columns) > 1 else []
    return "".join(f"{row}\n" for row in [*heading, *rows]).encode()


def _in_one_cell(value: Any) -> str:
    return " ".join(str(value).split())


def sprites(pictures: npt.NDArray[np.uint8]) -> tuple[tuple[int, int], npt.NDArray[np.uint8]]:
    """(Height, width) of one, and pictures [N, H, W, C] in a square of rows, out of which TensorBoard cuts them.

    Large ones are made smaller by leaving pixels out, so that the square is no larger than browsers take.
    """
    across = int(np.ceil(np.sqrt(len(pictures))))
    step = max(1, -(-across * max(pictures.shape[1:3]) // MOST_SPRITE_PIXELS))
    small = pictures[:, ::step, ::step]
    height, width, channels = small.shape[1:]
    whole = np.full((across * across, height, width, channels), 255, np.uint8)
    whole[: len(small)] = small
    square = whole.reshape(across, across, height, width, channels).swapaxes(1, 2)
    return (height, width), square.reshape(across * height, across * width, channels)
