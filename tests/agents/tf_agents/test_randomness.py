"""Draws of TensorFlow's with a state, as a run's seeds decide them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents.tf_agents import randomness

DRAWS = {
    "uniform": lambda: tf.random.uniform((64,)),
    "between": lambda: tf.random.uniform((64,), -3.0, 5.0),
    "integers": lambda: tf.random.uniform((64,), 2, 9, tf.int64),
    "normal": lambda: tf.random.normal((64,)),
    "float64": lambda: tf.random.normal((64,), dtype=tf.float64),
    "truncated": lambda: tf.random.truncated_normal((64,)),
    "categorical": lambda: tf.random.categorical([[0.0, 0.0, 1.0]], 64),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_decides_what_is_drawn_in_a_program_and_outside(draw: object) -> None:
    @tf.function(autograph=False)
    def program(seed: object) -> object:
        with randomness.stateless(seed):
            return drawn(draw), drawn(draw)

    first, second = program(tf.constant([1, 2]))
    again, _ = program(tf.constant([1, 2]))
    other, _ = program(tf.constant([1, 3]))
    with randomness.stateless([1, 2]):
        at_once = drawn(draw)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, at_once, rtol=1e-6)
    assert (np.asarray(first) != np.asarray(second)).any() and (np.asarray(first) != np.asarray(other)).any()


def drawn(draw: object) -> object:
    return draw()  # type: ignore[operator]


def test_draws_have_the_ranges_and_moments_they_are_asked_for() -> None:
    with randomness.stateless([5, 0]):
        numbers = tf.random.uniform((10_000,), 2.0, 4.0).numpy()
        whole = tf.random.uniform((10_000,), -1, 2, tf.int32).numpy()
        normal = tf.random.normal((10_000,), 3.0, 2.0).numpy()
    assert numbers.min() >= 2 and numbers.max() < 4 and abs(numbers.mean() - 3) < 0.02
    assert set(whole) == {-1, 0, 1}
    assert abs(normal.mean() - 3) < 0.06 and abs(normal.std() - 2) < 0.06


def test_a_shape_that_is_known_when_it_runs_alone_is_served() -> None:
    @tf.function(input_signature=[tf.TensorSpec((None,))], autograph=False)
    def program(like: tf.Tensor) -> tf.Tensor:
        with randomness.stateless([1, 2]):
            return tf.random.normal(tf.shape(like))

    assert program(tf.zeros((3,))).shape == (3,)


def test_outside_of_it_draws_are_what_they_were() -> None:
    tf.random.set_seed(1)
    before = tf.random.uniform((3,))
    with randomness.stateless([0, 0]):
        tf.random.uniform((3,))
    tf.random.set_seed(1)
    np.testing.assert_array_equal(before, tf.random.uniform((3,)))
