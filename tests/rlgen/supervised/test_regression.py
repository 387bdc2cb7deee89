import numpy as np
import pytest

from rlgen.data import given
from rlgen.errors import UserError
from rlgen.supervised.regression import Regression, RegressionConfig


def make(problem: str, preset: str | None = None, **config: object) -> Regression:
    return Regression(problem=problem, config=RegressionConfig.build(config, preset=preset), seed=0)


def test_wide_and_deep_is_linear_where_the_deep_part_says_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    model = make(given.name_of((x, 100 + x @ np.float32([1, 2, 3]))), wide=True, hidden_units=(4,), learning_rate=0.02)
    kernel = model.net.layers[-1].kernel
    assert kernel.shape == (7, 1)
    model.train(600)
    found = model.evaluate(episodes=1, seed=0, split="test").scalars
    assert found["eval/root_mean_squared_error"] < 0.5 < found["eval/root_mean_squared_error_mean"]
    assert found["eval/root_mean_squared_error_linear"] < 1e-3


def test_the_books_nets_have_the_books_weights() -> None:
    assert make("diabetes", "book-hands-on-ml").net.count_params() == 11 * 30 + 31
    assert make("diabetes", "book-hands-on-ml-wide").net.count_params() == 11 * 30 + 31 * 30 + 41


def test_classes_are_refused() -> None:
    with pytest.raises(UserError, match="predicts numbers, and the targets of 'digits' are classes"):
        make("digits")
