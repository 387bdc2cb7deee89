import numpy as np
import pytest

from rlgen.data import Part
from rlgen.data.digits import Digits

PARTS: tuple[Part, ...] = ("train", "validation", "test")


def test_shapes_types_and_range() -> None:
    for part, size in zip(PARTS, (1197, 300, 300), strict=True):
        arrays = Digits().split(part)
        assert arrays.x.shape == (size, 8, 8, 1)
        assert arrays.x.dtype == np.float32
        assert arrays.x.min() == 0
        assert arrays.x.max() == 1
        assert arrays.y is not None
        assert arrays.y.shape == (size,)
        assert arrays.y.dtype == np.int32


def test_the_parts_are_the_whole_set_without_overlap() -> None:
    from sklearn.datasets import load_digits

    rows = np.concatenate([Digits().split(part).x.reshape(-1, 64) for part in PARTS])
    whole = (load_digits().images.reshape(-1, 64) / 16).astype(np.float32)
    # The source has no two equal images, so equal multisets mean that no example is in two parts.
    assert len(np.unique(whole, axis=0)) == len(whole)
    assert (rows[np.lexsort(rows.T)] == whole[np.lexsort(whole.T)]).all()


@pytest.mark.parametrize("part", PARTS)
def test_every_class_has_its_share(part: Part) -> None:
    labels = Digits().split(part).y
    shares = np.bincount(labels, minlength=10) / len(labels)
    assert (abs(shares - 0.1) < 0.01).all()


def test_every_call_gives_the_same_in_a_copy_of_its_own() -> None:
    first, second = Digits().split("test"), Digits().split("test")
    assert (first.x == second.x).all()
    first.x[:] = 7
    assert second.x.max() == 1
    assert Digits().split("test").x.max() == 1
