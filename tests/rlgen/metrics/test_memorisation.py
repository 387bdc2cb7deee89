"""Copies are flagged, and fresh draws are not."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen.metrics.memorisation import memorisation


def draws(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6))


TRAINING, HELD_OUT = draws(0, 500), draws(1, 300)


def test_copies() -> None:
    assert memorisation(TRAINING, HELD_OUT, TRAINING[:200]) == (1, 1, 1)
    jittered = TRAINING[:200] + 0.01 * draws(3, 200)
    assert memorisation(TRAINING, HELD_OUT, jittered).memorised == 1


def test_fresh_draws() -> None:
    for seed in range(10, 30):
        found = memorisation(TRAINING, HELD_OUT, draws(seed, 400))
        assert found.memorised == 0
        assert found.memorisation == pytest.approx(0.5, abs=0.1)
        assert found.copies == pytest.approx(0.05, abs=0.06)


def test_a_few_copies_among_samples_that_look_like_nothing() -> None:
    found = memorisation(TRAINING, HELD_OUT, np.concatenate([TRAINING[:60], draws(4, 140) + 50]))
    assert found.memorisation < 0.5
    assert found.copies == pytest.approx(0.3)
    assert found.memorised == 1


def test_by_hand() -> None:
    # Distances of the held-out ones: 1 and 3; of the samples: 0, 2 and 3. Of 6 pairs 1, 1 of 2 and 1.5 of 2 are nearer.
    found = memorisation([[0.0]] * 2, [[1.0], [3.0]], [[0.0], [2.0], [-3.0]])
    assert found.memorisation == pytest.approx((2 + 1 + 0.5) / 6)
    with pytest.raises(ValueError, match="memorisation takes training and real and samples"):
        memorisation(TRAINING, HELD_OUT[:, :2], TRAINING)
