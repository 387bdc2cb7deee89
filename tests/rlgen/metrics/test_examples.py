"""What metrics of examples share: forms, blocks of distances, answers that are kept."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from rlgen.metrics import examples


def test_arrays_that_have_the_form_stay_themselves() -> None:
    x = np.zeros((3, 2))
    same, flat = examples.vectors("m", 2, x=x, y=np.ones((2, 1, 2)).reshape(2, 2))
    assert same is x and flat.shape == (2, 2)
    assert examples.vectors("m", 1, x=np.zeros((3, 2, 2), np.uint8))[0].shape == (3, 4)


@pytest.mark.parametrize("other", [np.zeros((1, 2)), np.zeros((3, 3)), np.zeros(3)])
def test_what_does_not_belong_together(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"m takes x and y, each \[N, ...\] with N >= 2"):
        examples.vectors("m", 2, x=np.zeros((3, 2)), y=other)


def test_blocks_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(7, 3)), random.normal(size=(5, 3))
    by_hand = ((a[:, None] - b) ** 2).sum(-1)
    monkeypatch.setattr(examples, "BLOCK_DISTANCES", 10)
    blocks = list(examples.distance_blocks(a, b))
    assert len(blocks) == 4
    np.testing.assert_allclose(np.concatenate([block for _, block in blocks]), by_hand)
    np.testing.assert_allclose(examples.nearest(a, b), np.sqrt(by_hand.min(axis=1)))
    np.testing.assert_allclose(examples.squared_radii(np.array([[0.0], [1.0], [3.0]]), 1), [1, 1, 4])


def test_answers_are_kept_for_what_cannot_change_and_as_long_as_it_is_there() -> None:
    asked = []

    @examples.remembered
    def total(x: np.ndarray, times: int) -> float:
        asked.append(times)
        return float(x.sum() * times)

    x = np.arange(3.0)
    assert total(x, 1) == 3
    x[0] = 4
    assert total(x, 1) == 7 and asked == [1, 1]
    x.setflags(write=False)
    assert [total(x, 2), total(x, 2), total(x, 3), total(x[1:], 2), total(x[1:], 2)] == [14, 14, 21, 6, 6]
    assert asked == [1, 1, 2, 3, 2, 2]
    del x
    gc.collect()
    assert total.__closure__ is not None
    assert [cell.cell_contents for cell in total.__closure__ if isinstance(cell.cell_contents, dict)] == [{}]
