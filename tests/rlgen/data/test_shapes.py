"""Pictures of discs, squares and triangles: their masks are what was drawn, and only the form tells the class."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen import data
from rlgen.data import shapes
from rlgen.errors import UserError

# How far the farthest point of a form is from its middle, where a disc of the same area has the radius 1.
REACHES = {"disc": 1.0, "square": np.sqrt(np.pi / 2), "triangle": np.sqrt(4 * np.pi / np.sqrt(27))}


def test_parts_are_as_promised_disjoint_and_the_same_every_time() -> None:
    loaded = data.load("shapes")
    assert (str(loaded.spec), str(loaded.target.spec)) == ("uint8 [32, 32, 3]", "int32 [32, 32]")
    assert loaded.target.classes == ("background", "disc", "square", "triangle")
    parts = {part: data.examples(loaded, part, name="shapes") for part in data.PARTS}
    assert [len(arrays) for arrays in parts.values()] == [800, 100, 100]
    assert all(arrays.y.dtype == np.int32 for arrays in parts.values())
    assert len({picture.tobytes() for arrays in parts.values() for picture in arrays.x}) == 1000
    assert len({mask.tobytes() for arrays in parts.values() for mask in arrays.y}) == 1000
    for part in data.PARTS:
        again = data.load("shapes").split(part)
        np.testing.assert_array_equal(again.x, parts[part].x)
        np.testing.assert_array_equal(again.y, parts[part].y)


def test_each_colour_is_one_shape_and_one_class() -> None:
    arrays = data.load("shapes?noise=0").split("test")
    counts = set()
    for picture, mask in zip(arrays.x, arrays.y, strict=True):
        colours = set(map(tuple, picture[mask > 0].tolist()))
        both = np.unique(np.concatenate([picture, mask[..., None]], axis=-1)[mask > 0], axis=0)
        assert len(colours) == len(both)
        assert colours.isdisjoint(map(tuple, picture[mask == 0].tolist()))
        counts.add(len(colours))
    assert counts == {1, 2, 3}


def test_the_class_says_the_form() -> None:
    arrays = data.load("shapes?noise=0&size=96").split("test")
    seen = dict.fromkeys(REACHES, 0)
    for picture, mask in zip(arrays.x, arrays.y, strict=True):
        places = np.argwhere(mask)
        # It is whole, so that nothing is at the border.
        assert places.min() > 0 and places.max() < 95
        if len(np.unique(picture[mask > 0], axis=0)) > 1:
            continue
        reach = np.linalg.norm(places - places.mean(axis=0), axis=1).max() / np.sqrt(len(places) / np.pi)
        form = shapes.CLASSES[mask.max()]
        assert reach == pytest.approx(REACHES[form], abs=0.08)
        seen[form] += 1
    assert min(seen.values()) > 5


def test_neither_colour_nor_area_tells_the_class() -> None:
    arrays = data.load("shapes").split("train")
    colours = np.array([arrays.x[arrays.y == kind].mean(axis=0) for kind in range(4)])
    assert np.ptp(colours, axis=0).max() < 16
    np.testing.assert_allclose(np.bincount(arrays.y[arrays.y > 0])[1:] / (arrays.y > 0).sum(), 1 / 3, atol=0.03)


def test_noise_and_size_change_nothing_but_themselves() -> None:
    clean, noisy, finer = (data.load(f"shapes?{query}").split("test") for query in ("noise=0", "noise=0.1", "size=96"))
    np.testing.assert_array_equal(clean.y, noisy.y)
    # A pixel's middle is that of the middle one of nine; rounding may decide at an edge.
    assert (finer.y[:, 1::3, 1::3] == clean.y).mean() > 0.9999
    inner = (clean.x > 90) & (clean.x < 165)
    assert (noisy.x.astype(float) - clean.x)[inner].std() == pytest.approx(25.5, rel=0.02)


@pytest.mark.parametrize("query", ["size=15", "size=0", "noise=-0.1", "noise=1.5"])
def test_what_cannot_be_made(query: str) -> None:
    with pytest.raises(UserError, match=r"take a size of at least 16|a picture has 1 to 8192"):
        data.load(f"shapes?{query}")
