"""OpenMoji's outlines, and the same emoji in colour: a set to learn colouring from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files, runtime
from rlgen.data import PARTS, Arrays, Dataset, Part, Target, openmoji, pixels
from rlgen.data.images import part_of
from rlgen.data.kept import Made, kept
from rlgen.data.openmoji import Code
from rlgen.data.published import FAULTS, damaged, members
from rlgen.errors import UserError
from rlgen.library import Origin
from rlgen.spec import Spec

OUTLINE, COLOUR = "package/black/svg/", "package/color/svg/"
COUNT = 2464  # For the memory they need.
LEAST = 0.95  # Of the pairs that have to be drawn.


class Outlines(Dataset):
    """2,464 OpenMoji without skin tones: `x` is the black outline, the target the same emoji in colour.

    Both are uint8 [N, size, size, 3], on white, drawn from SVG by CairoSVG the first time that a size is asked for and
    then kept. Which part an emoji is in follows from its code points, 80 : 10 : 10, and those that differ in sex alone
    are in the same.
    """

    name = "outlines"
    origin = Origin.of_package(openmoji.PACKAGE, licence="CC BY-SA 4.0", size=openmoji.BYTES)

    def __init__(self, *, size: int = 64) -> None:
        """See that the file is there; pictures are drawn when somebody asks for examples.

        Args:
            size: pixels along either side.

        Raises:
            UserError: it is not there, or the size is none.
        """
        pixels.check_size(size, 3)
        self.spec = Spec((size, size, 3), "uint8")
        self.target = Target(self.spec)
        # Once as they are drawn, once in their parts.
        runtime.require_memory({"pairs of pictures": 4 * COUNT * self.spec.size}, advice="Make size smaller")
        (self._file,) = self.origin.require(self.name)

    def split(self, part: Part) -> Arrays:
        """The pairs of one part; every call gives the same."""
        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[str, Arrays]:
        with files.open_to_read(self._file) as file:
            content = files.checksum(file)[:16]
        size = self.spec.shape[0]
        drawn = kept(
            f"{self.name}-{content}-{size}",
            ("x", "y", "bases"),
            lambda found: _sound(found, self.spec),
            lambda: _draw(self._file, size, self.name),
        )
        where = np.array([part_of(base) for base in drawn["bases"]])
        return {part: Arrays(drawn["x"][where == part], drawn["y"][where == part]) for part in PARTS}


def _sound(drawn: Made, spec: Spec) -> bool:
    """Whether this is what was drawn before."""
    shaped = all(drawn[name].shape == (len(drawn["bases"]), *spec.shape) for name in ("x", "y"))
    return shaped and drawn["x"].dtype == drawn["y"].dtype == np.uint8


def _draw(file: Path, size: int, name: str) -> dict[str, npt.NDArray[Any]]:
    """Outlines, coloured ones, and the base of each, in the order of the code points."""
    draw = _drawer(size)
    try:
        found = members(file, lambda path: path.startswith((OUTLINE, COLOUR)) and path.endswith(".svg"))
        outlines, coloured = (_by_code(found, folder) for folder in (OUTLINE, COLOUR))
    except FAULTS as error:
        raise damaged(file, error, name) from error
    both = sorted(points for points in outlines.keys() & coloured.keys() if not openmoji.has_tone(points))
    if not both:
        raise damaged(file, "it has no emoji", name)
    runtime.tell(f"Drawing {len(both):,} pairs of {size}x{size} pixels from {file.name}, once.")
    x, y, bases = [], [], []
    for points in both:
        try:
            pair = draw(outlines[points]), draw(coloured[points])
        except Exception:  # A drawing or two of thousands name what they lack, which ends in any error.
            continue
        x.append(pair[0])
        y.append(pair[1])
        bases.append(openmoji.base(points))
    if len(x) < LEAST * len(both):
        raise damaged(file, f"{len(both) - len(x):,} of its {len(both):,} pairs cannot be drawn", name)
    return {"x": np.array(x), "y": np.array(y), "bases": np.array(bases)}


def _by_code(found: Mapping[str, bytes], folder: str) -> dict[Code, bytes]:
    return {openmoji.code(Path(path).stem): content for path, content in found.items() if path.startswith(folder)}


def _drawer(size: int) -> Any:
    """A function of an SVG's bytes that gives its pixels."""
    try:
        import cairosvg
    except (ImportError, OSError) as error:  # OSError: the library of C that it calls is missing.
        raise UserError(
            f"'outlines' is drawn by CairoSVG, which cannot be imported: {error}. Bring it: "
            "pip install 'rlgen[outlines]', and Cairo itself, libcairo2 of the system's packages."
        ) from error

    def draw(svg: bytes) -> pixels.Pixels:
        png = cairosvg.svg2png(bytestring=svg, output_width=size, output_height=size)
        return pixels.read(io.BytesIO(png), channels=3, background=pixels.colour("white"), name="an SVG")

    return draw
