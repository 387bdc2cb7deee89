from __future__ import annotations

import numpy as np
import pytest

from rlgen.errors import UserError
from rlgen.metrics.perceptual_distance import perceptual_distance
from rlgen.networks import vgg


def test_it_is_the_mean_over_all_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg, "distance", lambda x, y: np.abs(x - y).mean(axis=(1, 2, 3)))
    x = np.random.default_rng(0).random((130, 4, 4, 3))
    assert perceptual_distance(x, x[::-1]) == pytest.approx(np.abs(x - x[::-1]).mean(), rel=1e-5)


def test_without_the_network_it_says_how_to_bring_it(data_place: object) -> None:
    vgg._weights.cache_clear()
    x = np.zeros((1, 8, 8, 3))
    with pytest.raises(
        UserError, match=r"network 'vgg16' is not here: `rlgen data get vgg16` brings it \(54.8 MB, MIT"
    ):
        perceptual_distance(x, x)
