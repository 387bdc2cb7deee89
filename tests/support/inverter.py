"""What makes pictures out of pictures without having learned anything: their negatives, grey to colour."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlgen.data import pixels
from rlgen.spec import Spec


class Inverter:
    """Negatives of grey pictures of 4 x 6 pixels, in three channels; the blue one holds the seed."""

    inputs = Spec((4, 6, 1))
    made = Spec((4, 6, 3))
    picture_endings = (".png", ".jpg")
    translates_by_chance = True

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def read(self, source: Any, *, name: str = "", background: str = "white") -> Any:
        found = pixels.read(source, channels=1, background=pixels.colour(background), name=name)
        return pixels.fitted(found, 4, 6)

    def translate(self, x: Any, *, seed: int = 0) -> Any:
        assert x.dtype == np.uint8 and x.shape[1:] == (4, 6, 1)
        self.seen.append(x)
        made = 1 - x.repeat(3, axis=-1).astype(np.float32) / 255
        made[..., 2] = (seed % 256) / 255
        return made

    def inputs_to_show(self, count: int) -> Any:
        return np.zeros((min(count, 2), 4, 6, 1), np.uint8)
