import numpy as np
import pytest
import tensorflow as tf

from rlgen.errors import UserError
from rlgen.supervised.probabilistic_regression import (
    LEAST_SCALE,
    ProbabilisticRegression,
    ProbabilisticRegressionConfig,
)


def make(problem: str, **config: object) -> ProbabilisticRegression:
    small = {"hidden_units": (), "learning_rate": 0.02, "batch_size": 100, **config}
    return ProbabilisticRegression(problem=problem, config=ProbabilisticRegressionConfig.build(small), seed=0)


def test_the_likelihood_in_closed_form() -> None:
    task = make("line").task
    location, raw, y = 0.5, 0.3, 2.0
    scale = LEAST_SCALE + np.log1p(np.exp(raw))
    density = np.exp(-0.5 * ((y - location) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
    loss = task.loss(tf.constant([[[location, raw, 0.0]]]), tf.constant([y]))
    assert float(loss) == pytest.approx(-np.log(density), rel=1e-5)


def test_a_mixture_in_closed_form() -> None:
    task = make("line", components=2).task
    parameters = tf.constant([[[0.0, 20.0, np.log(0.25)], [4.0, 20.0, np.log(0.75)]]])
    mean, deviation = task.answer(parameters)
    assert float(mean[0]) == pytest.approx(3.0)
    # Of the components, and of their means from each other.
    assert float(deviation[0]) == pytest.approx(np.sqrt((20 + LEAST_SCALE) ** 2 + 0.25 * 0.75 * 16), rel=1e-5)


@pytest.mark.parametrize(
    ("problem", "scale"), [("line?noise=growing&count=8000", "input"), ("line?count=8000", "constant")]
)
def test_it_finds_the_line_and_its_band(problem: str, scale: str) -> None:
    model = make(problem, scale=scale)
    model.train(1500)
    x = np.linspace(0, 9.99, 50, dtype=np.float32)[:, None]
    mean, deviation = model.predict_with_deviation(x)
    np.testing.assert_allclose(mean, 2 * x[:, 0] + 3, atol=0.6)
    true = 0.5 * x[:, 0] + 2 if scale == "input" else np.full(50, 3.0)
    np.testing.assert_allclose(deviation, true, atol=0.5)
    found = model.evaluate(episodes=1, seed=0, split="test")
    assert 0.93 <= found.scalars["eval/coverage"] <= 0.97
    assert set(found.images) == {"eval/fit"}


def test_a_mixture_says_its_own_surprise() -> None:
    one, two = make("line", components=1), make("line", components=2)
    for model in (one, two):
        model.train(300)
    single, mixed = (
        model.evaluate(episodes=1, seed=0, split="test").scalars["eval/negative_log_likelihood"] for model in (one, two)
    )
    # The line's noise is normal: nothing is to be gained, and nothing lost.
    assert mixed == pytest.approx(single, abs=0.05)


def test_a_mixture_without_scales_of_its_own_is_refused() -> None:
    with pytest.raises(UserError, match="set scale=input"):
        ProbabilisticRegressionConfig(components=2, scale="constant")
