import numpy as np

from rlgen.looking import report_curves
from rlgen.looking.reading import Columns
from rlgen.looking.report_curves import groups, learning, learning_figure, overview_figure, style


def column(*values: float) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(1, len(values) + 1), np.asarray(values, float)


def test_a_learning_curve_with_all_there_is_around_it() -> None:
    evaluations: Columns = {"score": column(1, 5, 2), "low": column(0, 4, 1), "high": column(2, 6, 3)}
    stats: Columns = {"reward": column(0, 1, 2, 3)}
    found = learning(
        stats, evaluations, score="score", training=("reward", "exploring"), between=("low", "high"), best=2
    )
    assert found is not None
    figure = learning_figure(found, unit="batches")
    assert figure is not None and figure.note == "over batches"
    assert [line.style for line in figure.chart.lines] == ["training", "score"]
    assert [kind for kind, _ in figure.legend] == ["score", "training", "band", "best"]
    assert figure.legend[-1][1] == "best, 5 at step 2"
    assert figure.chart.band and figure.chart.mark and figure.chart.mark in figure.chart.lines[-1].dots


def test_a_learning_curve_with_less() -> None:
    evaluations: Columns = {"score": column(1, 5), "low": column(0), "high": column(2)}
    found = learning({}, evaluations, score="score", training=("reward", "x"), between=("low", "high"), best=7)
    assert found is not None and (found.training, found.between, found.best) == (None, None, None)
    figure = learning_figure(found, unit="steps")
    assert figure is not None and not figure.chart.band and figure.chart.mark is None
    assert learning({}, evaluations, score="other") is None
    lost = learning({}, {"score": column(float("nan"))}, score="score")
    assert lost is not None and learning_figure(lost, unit="steps") is None


def test_the_others_by_what_they_are_about() -> None:
    stats: Columns = {name: column(1, 2) for name in ("counters/a", "loss", "time/fps", "work/b")}
    evaluations: Columns = {name: column(1, float("nan")) for name in ("eval/a", "eval/score")}
    made, left_out = groups(stats, evaluations, shown="eval/score")
    assert {title: [figure.title for figure in figures] for title, figures in made.items()} == {
        "Training": ["loss"],
        "Evaluations": ["eval/a"],
        "Counters and time": ["counters/a", "time/fps", "work/b"],
    }
    assert left_out == 0 and made["Evaluations"][0].note == "1 of 2 points are no numbers"


def test_no_page_is_endless() -> None:
    made, left_out = groups({f"weight/{i}": column(1) for i in range(500)}, {"eval/a": column(1)})
    assert sum(map(len, made.values())) == report_curves.MOST_CHARTS
    assert left_out == 501 - report_curves.MOST_CHARTS


def test_several_on_one_pair_of_axes() -> None:
    curves = [learning({}, {"score": column(i, i + 1)}, score="score") for i in range(20)]
    figure = overview_figure([(f"run {i}", curve) for i, curve in enumerate(curves) if curve], title="score")
    assert figure is not None and len(figure.chart.lines) == 20
    assert figure.legend[0] == ("c0", "run 0") and len({kind for kind, _ in figure.legend}) == 20
    assert style(17) == "c1 dash2"
