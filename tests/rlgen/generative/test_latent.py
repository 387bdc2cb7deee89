"""Ways and sums in a space of latent vectors, in closed form."""

from __future__ import annotations

import numpy as np

from rlgen.generative import latent
from rlgen.sampling import Term


def test_all_that_lies_between_is_as_far_from_the_mean_as_the_ends() -> None:
    first, second = np.eye(3, dtype=np.float32)[:2].reshape(2, 1, 3)
    way = latent.between(first, second, steps=5)
    assert way.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(way[[0, -1]], [first[0], second[0]], atol=1e-6)
    np.testing.assert_allclose(way[2], np.array([1, 1, 0]) / np.sqrt(2), rtol=1e-6)


def test_a_sum_and_what_it_is_made_of() -> None:
    vectors = np.array([[1, 0], [3, 0], [0, 2], [0, 4]], np.float32)
    near = np.array([[4, 0], [0, -4]], np.float32)
    rows = latent.combined(vectors, [Term(1, (0, 1)), Term(-1, (2, 3))], near)
    expected = [[1, 0], [3, 0], [2, 0], [0, 2], [0, 4], [0, 3], [3, -3], [2, -4], [2, -3]]
    np.testing.assert_allclose(rows, expected)
    assert rows.dtype == np.float32


def test_the_sum_of_as_many_terms_as_each_has_vectors_is_standard_normal() -> None:
    vectors = np.random.default_rng(0).standard_normal((9, 50_000)).astype(np.float32)
    terms = [Term(1, (0, 1, 2)), Term(-1, (3, 4, 5)), Term(1, (6, 7, 8))]
    total = latent.combined(vectors, terms, np.zeros((3, 50_000), np.float32))[-1]
    assert abs(total.std() - 1) < 0.01 and abs(total.mean()) < 0.02
