import re

import pytest
from tensorboard.plugins.custom_scalar import layout_pb2

from rlgen import registry
from rlgen.board import charts


@pytest.mark.parametrize("name", ["double_dqn", "gan", "cnn"])
def test_families_have_charts_of_their_own(name: str) -> None:
    algorithm = registry.load(name, registry.ALGORITHM_KINDS)
    found = charts.charts(algorithm)
    assert tuple(found)[:4] == charts.CATEGORIES
    assert next(iter(found["Learning"])) == algorithm.score
    assert all(algorithm.charts[category].items() <= found[category].items() for category in algorithm.charts)
    assert len(found["Health"]) > 2


def test_names_are_whole_and_regular() -> None:
    algorithm = registry.load("double_dqn", ("agent",))
    names = ("eval/mean_reward", "train/loss", "train/grad_norm", "time/fps", "train/td_error")
    (value,) = charts.layout(algorithm, names).value
    layout = layout_pb2.Layout.FromString(value.tensor.string_val[0])
    assert value.metadata.plugin_data.plugin_name == "custom_scalars"
    assert [category.title for category in layout.category] == list(charts.CATEGORIES)
    tags = [tag for category in layout.category for chart in category.chart for tag in chart.multiline.tag]
    assert all(tag.startswith("^") and tag.endswith("$") and re.compile(tag) for tag in tags)
    losses = re.compile(layout.category[1].chart[0].multiline.tag[0])
    assert losses.match("train/loss") and losses.match("train/critic_loss") and not losses.match("train/lossy")


def test_a_chart_without_curves_is_left_out() -> None:
    made = {"Learning": {"both": ("a", "b.*"), "none": ("c",)}, "Health": {"none": ("c",)}}
    assert charts.with_curves(made, ["bee", "cc"]) == {"Learning": {"both": ("a", "b.*")}}


def test_an_algorithm_that_says_nothing_has_those_of_all() -> None:
    class Silent:
        score, training_curve, charts = "eval/score", None, {"Own": {"a chart": ("a",)}}

    found = charts.charts(Silent)  # type: ignore[arg-type]
    assert found["Learning"] == {"eval/score": ("eval/score",)} and found["Own"] == {"a chart": ("a",)}
