"""Shares of classes."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.class_histogram import class_histogram


def test_by_hand() -> None:
    found = class_histogram(np.eye(4)[[0, 0, 0, 1, 2, 2, 0, 0]] * 0.6 + 0.1)
    assert found.class_shares.tolist() == [5 / 8, 1 / 8, 2 / 8, 0]
    assert found[:3] == (3, 0, 5 / 8)


def test_a_stray_sample_makes_no_class_present() -> None:
    labels = np.zeros(1000, int)
    labels[0] = 1
    assert class_histogram(np.eye(10)[labels]).classes_present == 1
    assert class_histogram(np.eye(10)[labels], least_share=0).classes_present == 2
    with pytest.raises(ValueError, match="class_histogram takes probabilities"):
        class_histogram(labels)
