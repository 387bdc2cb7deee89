from typing import Any

import numpy as np
import pytest
from scipy import stats

from rlgen.errors import UserError
from rlgen.looking import aggregates
from rlgen.looking.aggregates import interquartile_mean, interval, probability_of_improvement


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 10, 11, 40])
def test_interquartile_means_are_trimmed_means(count: int) -> None:
    values = np.random.default_rng(count).normal(size=(count, 3, 2))
    np.testing.assert_allclose(interquartile_mean(values), stats.trim_mean(values, 0.25, axis=0), rtol=1e-12)
    assert interquartile_mean(values[:, 0, 0]) == pytest.approx(stats.trim_mean(values[:, 0, 0], 0.25))


def test_an_interquartile_mean_written_out() -> None:
    assert interquartile_mean([100.0, 2.0, 3.0, -50.0]) == 2.5
    assert interquartile_mean([1, 2, 6]) == 3.0
    assert np.ndim(interquartile_mean([1.0])) == 0


@pytest.mark.parametrize("statistic", [interquartile_mean, lambda values: np.median(values, axis=0)])
def test_intervals_are_those_of_scipy(statistic: Any) -> None:
    values = np.random.default_rng(1).gamma(2.0, size=12)
    low, high = interval(values, statistic=statistic, resamples=20_000)
    theirs = stats.bootstrap(
        (values,),
        lambda drawn, axis: statistic(np.moveaxis(drawn, axis, 0)),
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert (low, high) == pytest.approx(theirs, abs=0.03)
    assert low < statistic(values) < high


def test_an_interval_written_out() -> None:
    # Means of two draws out of 0 and 1: 0, 1/2, 1/2, 1.
    mean = lambda values: values.mean(axis=0)  # noqa: E731
    assert interval([0.0, 1.0], statistic=mean) == (0.0, 1.0)
    assert interval([0.0, 1.0], statistic=mean, share=0.4) == (0.5, 0.5)
    assert interval([3.0, 3.0, 3.0], statistic=mean) == (3.0, 3.0)


def test_intervals_hold_their_share() -> None:
    rng, mean = np.random.default_rng(0), lambda values: values.mean(axis=0)
    values = rng.normal(size=(30, 400))
    low, high = interval(values, statistic=mean, share=0.8)
    assert np.mean((low < 0) & (high > 0)) == pytest.approx(0.8, abs=0.06)


def test_curves_are_drawn_together(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=(5, 7, 2))
    whole = interval(values, statistic=interquartile_mean)
    assert whole[0].shape == whole[1].shape == (7, 2)
    alone = interval(values[:, 2, 1], statistic=interquartile_mean)
    assert (whole[0][2, 1], whole[1][2, 1]) == pytest.approx(alone)
    monkeypatch.setattr(aggregates, "BLOCK", 1)
    np.testing.assert_array_equal(interval(values, statistic=interquartile_mean), whole)
    assert interval(np.empty((5, 0)), statistic=interquartile_mean)[0].shape == (0,)


def test_the_same_seed_draws_the_same() -> None:
    values, others = np.random.default_rng(4).normal(size=(2, 9))
    assert interval(values, statistic=interquartile_mean) == interval(values, statistic=interquartile_mean)
    assert interval(values, statistic=interquartile_mean) != interval(values, statistic=interquartile_mean, seed=1)
    assert probability_of_improvement(values, others) == probability_of_improvement(values, others)
    assert probability_of_improvement(values, others) != probability_of_improvement(values, others, seed=1)


def test_one_value_has_no_interval() -> None:
    assert np.isnan(interval([2.0], statistic=interquartile_mean)).all()
    assert np.isnan(interval([[2.0, 3.0]], statistic=interquartile_mean)).all()
    found = probability_of_improvement([2.0], [1.0, 2.0, 3.0])
    assert found.value == 0.5 and np.isnan(found.low) and np.isnan(found.high)


@pytest.mark.parametrize("sizes", [(1, 1), (3, 5), (10, 4)])
def test_probabilities_of_improvement_are_those_of_mann_and_whitney(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    x, y = (rng.integers(0, 5, size).astype(float) for size in sizes)
    wanted = stats.mannwhitneyu(x, y).statistic / (len(x) * len(y))
    assert probability_of_improvement(x, y).value == pytest.approx(wanted)
    assert probability_of_improvement(y, x).value == pytest.approx(1 - wanted)


def test_the_interval_of_a_probability() -> None:
    assert probability_of_improvement([5.0, 6.0], [1.0, 2.0, 3.0]) == (1.0, 1.0, 1.0)
    assert probability_of_improvement([1.0, 1.0], [1.0, 1.0]) == (0.5, 0.5, 0.5)
    x, y = np.random.default_rng(6).normal(size=(2, 8))
    found = probability_of_improvement(x, y, resamples=20_000)
    theirs = stats.bootstrap(
        (x, y),
        lambda a, b, axis: (a[..., :, None] > b[..., None, :]).mean(axis=(-2, -1)),
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(7),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx(theirs, abs=0.02)


def test_what_is_refused() -> None:
    for values, words in (([], "no values"), (1.0, "no values"), ([1.0, np.nan], "not finite"), ([np.inf], "not fin")):
        for refused in (
            lambda values=values: interquartile_mean(values),
            lambda values=values: interval(values, statistic=interquartile_mean),
            lambda values=values: probability_of_improvement(values, [1.0]),
            lambda values=values: probability_of_improvement([1.0], values),
        ):
            with pytest.raises(UserError, match=words):
                refused()
    with pytest.raises(UserError, match="a number for each seed"):
        probability_of_improvement([[1.0]], [1.0])
    for options, words in (({"resamples": 0}, "resamples=0"), ({"share": 1.0}, "share=1.0"), ({"share": 0}, "share=0")):
        with pytest.raises(UserError, match=words):
            interval([1.0, 2.0], statistic=interquartile_mean, **options)
        with pytest.raises(UserError, match=words):
            probability_of_improvement([1.0, 2.0], [1.0, 2.0], **options)
