import numpy as np
import pytest

from rlgen import data
from rlgen.data import Part
from rlgen.data.grid import Grid
from rlgen.data.mixture import Mixture
from rlgen.data.ring import Ring

PARTS: tuple[Part, ...] = ("train", "validation", "test")
both = pytest.mark.parametrize("mixture", [Ring(), Grid()], ids=["ring", "grid"])


@both
def test_shapes_and_types(mixture: Mixture) -> None:
    for part, size in zip(PARTS, (50_000, 10_000, 10_000), strict=True):
        arrays = mixture.split(part)
        assert arrays.x.shape == (size, 2)
        assert arrays.x.dtype == np.float32
        assert arrays.y is None


@both
def test_points_have_the_stated_distribution(mixture: Mixture) -> None:
    x, count = mixture.split("train").x, len(mixture.centers)
    offsets = x[:, None] - mixture.centers[None]
    nearest = np.linalg.norm(offsets, axis=-1).argmin(axis=1)
    own = offsets[np.arange(len(x)), nearest]
    np.testing.assert_allclose(own.std(axis=0), mixture.std, rtol=0.02)
    np.testing.assert_allclose(own.mean(axis=0), 0, atol=0.03 * mixture.std)
    np.testing.assert_allclose(np.bincount(nearest) / len(x), 1 / count, atol=0.006)


@both
def test_parts_are_fixed_and_differ(mixture: Mixture) -> None:
    assert (mixture.split("train").x == type(mixture)().split("train").x).all()
    together = np.concatenate([mixture.split(part).x for part in PARTS])
    assert len(np.unique(together, axis=0)) == len(together)


def test_a_grid_by_its_name() -> None:
    centers, even = data.load("grid").centers, range(-4, 5, 2)
    assert sorted(map(tuple, centers.tolist())) == [(x, y) for x in even for y in even]
