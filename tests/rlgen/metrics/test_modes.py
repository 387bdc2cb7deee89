import math

import numpy as np
import pytest

from rlgen.data.ring import Ring
from rlgen.metrics.modes import modes

CENTERS = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]


def test_hand_made_samples() -> None:
    # Two near the first center, one at 2.9 deviations of the second, one at 3.1 of the third.
    samples = [[0.0, 0.0], [0.5, 0.0], [10.0, 2.9], [3.1, 10.0]]
    # The first center holds half of the samples, and a third is its fair share.
    assert modes(samples, CENTERS, 1.0) == (2, 0.75, pytest.approx(1 / 3 + 1 / 4))


def test_nothing_near_covers_nothing() -> None:
    assert modes([[5.0, 5.0], [90.0, 90.0]], CENTERS, 1.0) == (0, 0.0, 0.0)


def test_a_stray_sample_covers_only_when_its_share_suffices() -> None:
    samples = np.concatenate([np.zeros((199, 2)), [[10.0, 0.0]]])
    assert modes(samples, CENTERS, 1.0).covered == 1
    assert modes(samples, CENTERS, 1.0, least_share=0.005).covered == 2
    assert modes(samples, CENTERS, 1.0, least_share=0.0).covered == 2


def test_real_points_reach_the_closed_form() -> None:
    ring = Ring()
    found = modes(ring.split("test").x, ring.centers, ring.std)
    assert found.covered == 8
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=0.004)


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError, match="modes takes"):
        modes([[0.0, 0.0, 0.0]], CENTERS, 1.0)
    with pytest.raises(ValueError, match="modes takes"):
        modes(np.zeros((0, 2)), CENTERS, 1.0)
