"""Diversity in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.diversity import diversity


def test_scale_is_what_it_measures() -> None:
    x = np.random.default_rng(0).normal(size=(50, 2, 3))
    assert diversity(x, x + 5) == pytest.approx(1)
    assert diversity(x, x / 4) == pytest.approx(0.25)
    assert diversity(x, np.ones_like(x)) == 0
    assert diversity(np.ones_like(x), np.ones_like(x)) == 0


def test_it_is_a_ratio_of_mean_distances() -> None:
    real, made = np.random.default_rng(0).normal(size=(2, 9, 3)) * np.array([1.0, 3.0])[:, None, None]
    mean = [((x[:, None] - x) ** 2).sum() / (9 * 8) for x in (real, made)]
    assert diversity(real, made) == pytest.approx(np.sqrt(mean[1] / mean[0]))
    with pytest.raises(ValueError, match="diversity takes real and samples"):
        diversity(real, made[:1])
