"""Precision and recall: by hand, and where one of them fails."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.precision_recall import precision_recall


def test_by_hand() -> None:
    # With k = 1 the balls of 0, 1 and 10 reach 1, 1 and 9; those of 0.5, 30 and 31 reach 29.5, 1 and 1.
    found = precision_recall([[0.0], [1.0], [10.0]], [[0.5], [30.0], [31.0]], neighbours=1)
    assert found == (pytest.approx(1 / 3), 1.0)


def test_one_mode_of_two_is_precise_and_recalls_half() -> None:
    random = np.random.default_rng(0)
    real = random.normal(size=(600, 2)) + np.where(np.arange(600) % 2, 100, 0)[:, None]
    found = precision_recall(real, random.normal(size=(600, 2)))
    assert found.precision > 0.9
    assert found.recall == pytest.approx(0.5, abs=0.05)


def test_noise_around_it_is_imprecise_and_recalls_all() -> None:
    random = np.random.default_rng(0)
    made = np.concatenate([random.normal(size=(300, 2)), random.normal(size=(300, 2)) + 1000])
    found = precision_recall(random.normal(size=(600, 2)), made)
    assert found.precision == pytest.approx(0.5, abs=0.05)
    assert found.recall > 0.9


def test_too_few() -> None:
    with pytest.raises(ValueError, match="precision_recall takes real and samples"):
        precision_recall(np.zeros((3, 1)), np.zeros((9, 1)))
