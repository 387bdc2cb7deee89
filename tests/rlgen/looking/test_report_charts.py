import numpy as np
import pytest

from rlgen.looking import report_charts
from rlgen.looking.report_charts import Series, draw, labelled, round_step, thinned


def series(values: list[float], steps: list[int] | None = None, **how: str) -> Series:
    return Series("loss", np.asarray(steps or range(len(values))), np.asarray(values, float), **how)


def test_where_points_lie() -> None:
    chart = draw([series([0.0, 10.0, 5.0], [0, 50, 100])], mark=(50, 10.0), dots=True)
    assert chart is not None and (chart.first_step, chart.last_step) == (0, 100)
    # Of the height 6 % are free above and below, of what the values reach.
    top, middle, bottom = 1000 * 0.06 / 1.12, 500.0, 1000 * 1.06 / 1.12
    (line,) = chart.lines
    assert line.path == f"M0.0 {bottom:.1f}L500.0 {top:.1f}L1000.0 {middle:.1f}"
    assert (line.steps, line.values) == ("0 50 100", "0 10 5")
    assert chart.mark == ("50%", "5.36%") and line.dots == (("0%", "94.64%"), ("50%", "5.36%"), ("100%", "50%"))
    assert [text for _, text in chart.up] == ["0", "2.5", "5", "7.5", "10"]
    assert chart.up[2][0] == "50%" and chart.across[:2] == (("0%", "0"), ("25%", "25"))
    assert chart.summary == "loss: 0 at step 0 to 5 at 100, lowest 0, highest 10"


def test_a_band_goes_there_and_back() -> None:
    steps = np.array([0, 10])
    chart = draw([series([1.0, 1.0], [0, 10])], band=(steps, np.array([0.0, 0.0]), np.array([2.0, 2.0])))
    assert chart is not None
    top, bottom = f"{1000 * 0.06 / 1.12:.1f}", f"{1000 * 1.06 / 1.12:.1f}"
    assert chart.band == f"M0.0 {top}L1000.0 {top}L1000.0 {bottom}L0.0 {bottom}Z"


def test_points_alone_and_constants_lie_in_the_middle() -> None:
    alone = draw([series([3.0], [7])])
    assert alone is not None and alone.lines[0].path == "M500.0 500.0h0"
    constant = draw([series([2.0, 2.0])])
    assert constant is not None and constant.lines[0].path == "M0.0 500.0L1000.0 500.0"
    nought = draw([series([0.0, 0.0])])
    assert nought is not None and ("50%", "0") in nought.up


def test_what_is_no_number_is_left_out() -> None:
    chart = draw([series([1.0, float("nan"), 3.0, float("inf")])])
    assert chart is not None and chart.lines[0].steps == "0 2"
    assert draw([series([float("nan")])]) is None
    assert draw([]) is None


@pytest.mark.parametrize(
    "values", [[1e308, -1e308], [5e-324, 0.0], [1e300, 1e300], [1.0, 1.0 + 1e-15], [1e-300, 2e-300]]
)
def test_no_number_is_too_large_or_too_small(values: list[float]) -> None:
    chart = draw([series(values)])
    assert chart is not None and "nan" not in repr(chart) and "inf" not in repr(chart)


def test_steps_from_afar_begin_where_they_do() -> None:
    near, far = draw([series([1.0, 2.0], [10, 100])]), draw([series([1.0, 2.0], [90, 100])])
    assert near is not None and far is not None and (near.first_step, far.first_step) == (0, 90)
    huge = draw([series([1.0, 2.0], [0, 2**63 - 1])])
    assert huge is not None and huge.lines[0].steps == f"0 {2**63 - 1}"


def test_thinning_keeps_ends_and_extremes() -> None:
    values = np.sin(np.arange(100_000) / 5000)
    values[[31_415, 77_777]] = 9.0, -9.0
    kept = thinned(values)
    assert len(kept) <= report_charts.MOST_POINTS and {0, 31_415, 77_777, 99_999} <= set(kept.tolist())
    assert np.array_equal(kept, np.unique(kept))
    assert np.array_equal(thinned(np.zeros(400)), np.arange(400))


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 30_016, ["0", "5k", "10k", "15k", "20k", "25k", "30k"]),
        (-1300, -150, ["−1.25k", "−1k", "−750", "−500", "−250"]),
        (0.00188, 0.00199, ["0.0019", "0.001925", "0.00195", "0.001975"]),
        (1000.05, 1000.46, ["1.0001k", "1.0002k", "1.0003k", "1.0004k"]),
        (0, 5e6, ["0", "1M", "2M", "3M", "4M", "5M"]),
        (0, 4e-7, ["0", "1e-7", "2e-7", "3e-7", "4e-7"]),
    ],
)
def test_ticks_are_round(low: float, high: float, texts: list[str]) -> None:
    assert [text for _, text in labelled(low, high, least=4)] == texts


@pytest.mark.parametrize("least", [2, 3, 4])
def test_there_are_some_ticks_and_not_many(least: int) -> None:
    for high in np.geomspace(1e-9, 1e12, 500):
        assert least <= len(labelled(0.013 * high, high, least=least)) <= 2 * least + 2


def test_steps_of_whole_numbers_are_whole() -> None:
    assert [round_step(most, whole=True) for most in (0.2, 1.7, 2.6, 7, 26)] == [1, 1, 2, 5, 25]
    assert [text for _, text in labelled(0, 3, least=4, whole=True)] == ["0", "1", "2", "3"]
