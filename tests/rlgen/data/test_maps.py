"""Tiles out of two maps of a smaller Earth."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rlgen import data
from rlgen.data import maps
from rlgen.data.maps import Maps
from rlgen.errors import UserError

HEIGHT, WIDTH = 360, 720


def jpeg(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=100, subsampling=0)
    return file.getvalue()


@pytest.fixture
def packed(data_place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Red says the longitude, green the latitude; the satellite sees water in the north, and shades of half as much."""
    monkeypatch.setattr(maps, "HEIGHT", HEIGHT)
    monkeypatch.setattr(maps, "WIDTH", WIDTH)
    relief = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    relief[..., 0] = np.linspace(0, 250, WIDTH).round()
    relief[..., 1] = np.linspace(0, 250, HEIGHT).round()[:, None]
    satellite = relief // 2
    satellite[: HEIGHT // 2] = (0, 0, 200)
    with zipfile.ZipFile(data_place / maps.FILE, "w") as archive:
        archive.writestr(maps.RELIEF, jpeg(relief))
        archive.writestr(maps.SATELLITE, jpeg(satellite))
    return data_place / maps.FILE


def test_tiles_of_one_place_and_parts_by_longitude(packed: Path) -> None:
    loaded = data.load("maps?size=64")
    for part, (west, east) in maps.LONGITUDES.items():
        arrays = data.examples(loaded, part, name="maps")
        assert len(arrays) and arrays.y is not None
        longitudes = arrays.x[..., 0].astype(float) / 250 * 360 - 180
        assert west - 2 <= longitudes.min() and longitudes.max() <= east + 2
        # Where there is land both show the same place.
        land = arrays.y[..., 2] < 100
        gap = arrays.x[..., :2].astype(float) / 2 - arrays.y[..., :2]
        assert np.abs(gap[land]).mean() < 3
        assert (land.mean(axis=(1, 2)) >= maps.LEAST_LAND - 0.05).all()


def test_small_tiles_are_scaled_and_large_ones_refused(packed: Path) -> None:
    small, whole = (data.load(f"maps?size={size}").split("train") for size in (16, 64))
    assert small.x.shape == (len(whole), 16, 16, 3)
    np.testing.assert_allclose(small.x.mean(axis=(1, 2)), whole.x.mean(axis=(1, 2)), atol=1)
    with pytest.raises(UserError, match="size=512: tiles of the maps have at most 256 pixels"):
        data.load("maps?size=512")


def test_a_damaged_or_missing_package_is_named(packed: Path) -> None:
    with zipfile.ZipFile(packed, "w") as archive:
        for member in (maps.RELIEF, maps.SATELLITE):
            archive.writestr(member, jpeg(np.zeros((4, 8, 3), np.uint8)))
    with pytest.raises(UserError, match=r"is not as 'maps' was published: .* has 8 x 4 pixels"):
        data.load("maps").split("train")
    for content in (b"no archive", packed.read_bytes()[:100]):
        packed.write_bytes(content)
        with pytest.raises(UserError, match=rf"{maps.FILE}' is not as 'maps' was published"):
            data.load("maps").split("train")
    packed.unlink()
    with pytest.raises(UserError, match="`rlgen data get maps` brings it"):
        data.load("maps")


def test_the_real_ones() -> None:
    if Maps.origin.find() is None:
        pytest.skip("The maps are not here: `rlgen data get maps` brings them.")
    loaded = data.load("maps?size=128")
    assert [len(loaded.split(part)) for part in data.PARTS] == [414, 129, 255]
