"""Running moments against NumPy, whatever the batches."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from rlgen import state
from rlgen.agents.normalizer import RunningMoments


def test_moments_are_numpys_however_the_data_is_cut() -> None:
    data = np.random.default_rng(0).normal([5, -3], [2, 0.1], (1000, 2)).astype(np.float32)
    for cuts in ([1000], [1, 9, 90, 400, 500], [500, 500]):
        moments = RunningMoments((2,))
        for part in np.split(np.random.default_rng(1).permutation(data), np.cumsum(cuts)[:-1]):
            moments.feed(tf.constant(part))
        np.testing.assert_allclose(moments.mean, data.mean(0), rtol=1e-4)
        np.testing.assert_allclose(moments.variance, data.var(0), rtol=1e-3)
        assert float(moments.count) == 1000


def test_normalised_data_is_standard_and_clipped() -> None:
    data = np.random.default_rng(0).normal(5, 2, (1000, 1)).astype(np.float32)
    moments = RunningMoments((1,))
    moments.feed(tf.constant(data))
    ours = moments.normalize(tf.constant(data)).numpy()
    np.testing.assert_allclose([ours.mean(), ours.std()], [0, 1], atol=1e-3)
    np.testing.assert_allclose(moments.numpy_normalize(data), ours, atol=1e-5)
    assert float(moments.normalize(tf.constant([[1e9]]))[0, 0]) == 10


def test_the_state_is_restored_to_the_bit() -> None:
    first, second = RunningMoments((1,)), RunningMoments((1,))
    first.feed(tf.constant([[1.0], [2.0]]))
    state.write({"m": second.state()}, state.read({"m": first.state()}))
    for moments in (first, second):
        moments.feed(tf.constant([[5.0]]))
    assert float(first.variance[0]) == float(second.variance[0])
