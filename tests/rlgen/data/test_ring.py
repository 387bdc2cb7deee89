import numpy as np

from rlgen.data import Part
from rlgen.data.ring import Ring

PARTS: tuple[Part, ...] = ("train", "validation", "test")


def test_shapes_and_types() -> None:
    for part, size in zip(PARTS, (50_000, 10_000, 10_000), strict=True):
        arrays = Ring().split(part)
        assert arrays.x.shape == (size, 2)
        assert arrays.x.dtype == np.float32
        assert arrays.y is None


def test_centers_lie_on_the_circle_in_equal_steps() -> None:
    centers = Ring().centers
    assert centers.shape == (8, 2)
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 2, rtol=1e-6)
    gaps = np.linalg.norm(centers - np.roll(centers, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 4 * np.sin(np.pi / 8), rtol=1e-5)


def test_points_have_the_stated_distribution() -> None:
    ring = Ring()
    x = ring.split("train").x
    offsets = x[:, None] - ring.centers[None]
    nearest = np.linalg.norm(offsets, axis=-1).argmin(axis=1)
    own = offsets[np.arange(len(x)), nearest]
    np.testing.assert_allclose(own.std(axis=0), ring.std, rtol=0.02)
    np.testing.assert_allclose(own.mean(axis=0), 0, atol=5e-4)
    np.testing.assert_allclose(np.bincount(nearest) / len(x), 1 / 8, atol=0.006)


def test_parts_are_fixed_and_differ() -> None:
    assert (Ring().split("train").x == Ring().split("train").x).all()
    together = np.concatenate([Ring().split(part).x for part in PARTS])
    assert len(np.unique(together, axis=0)) == len(together)
