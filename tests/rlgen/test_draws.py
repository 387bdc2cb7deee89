"""Random numbers: the same bits inside XLA and outside, and the right distributions."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from rlgen import draws

SEED = tf.constant([7, 11])
KINDS = {
    "uniform": lambda shape, seed: draws.uniform(shape, seed, -1.0, 3.0),
    "normal": draws.normal,
    "gumbel": draws.gumbel,
    "integers": lambda shape, seed: draws.integers(shape, seed, 6),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (3,), (16, 2), (5, 4, 3)], ids=str)
def test_the_same_bits_inside_xla_outside_and_in_python(kind, shape):
    def draw(seed):
        return KINDS[kind](shape, seed)

    eager = draw(SEED).numpy()
    assert eager.shape == shape
    for xla in (True, None):
        inside = tf.function(draw, jit_compile=xla)(SEED).numpy()
        np.testing.assert_array_equal(inside, eager)


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_other_numbers(kind):
    first, second, third = (KINDS[kind]((64,), tf.constant(seed)) for seed in ([1, 2], [1, 3], [2, 2]))
    assert (first.numpy() != second.numpy()).any() and (first.numpy() != third.numpy()).any()


@pytest.mark.parametrize(
    ("kind", "distribution"),
    [("uniform", stats.uniform(-1, 4)), ("normal", stats.norm()), ("gumbel", stats.gumbel_r())],
)
def test_moments_and_kolmogorov_smirnov(kind, distribution):
    x = KINDS[kind]((50_000,), SEED).numpy()
    error = distribution.std() / np.sqrt(len(x))
    assert x.mean() == pytest.approx(distribution.mean(), abs=4 * error)
    assert x.std() == pytest.approx(distribution.std(), rel=0.02)
    assert stats.kstest(x, distribution.cdf).pvalue > 0.01
    # One number of each of many draws is as good a sample as many of one.
    across = np.array([KINDS[kind]((2,), tf.constant([3, i])).numpy()[1] for i in range(2000)])
    assert stats.kstest(across, distribution.cdf).pvalue > 0.01


def test_whole_numbers_come_alike():
    counts = np.bincount(draws.integers((60_000,), SEED, 6).numpy(), minlength=6)
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 0.01
    assert draws.integers((50,), SEED, tf.constant(1)).numpy().max() == 0


def test_in_programs_that_run_step_by_step_there_are_draws_too(uncompiled):
    assert draws.normal((3,), SEED).shape == (3,)
