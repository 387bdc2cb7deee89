"""Which curves belong on one chart: TensorBoard's custom scalars, arranged by what people ask first."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rlgen.algorithm import Algorithm

# Charts by their titles, each the names of its curves as regular expressions.
Charts = Mapping[str, tuple[str, ...]]

CATEGORIES = ("Learning", "Losses", "Health", "Time")


def charts(algorithm: Algorithm | type[Algorithm]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The charts of an algorithm by category: those that all have, and its own."""
    score, beside = algorithm.score, algorithm.training_curve
    found: dict[str, dict[str, tuple[str, ...]]] = {
        "Learning": {score: (score, *((beside[0],) if beside else ()))},
        "Losses": {"losses": (r"train/([a-z_]+_)?loss", r"loss/.*")},
        "Health": {"norm of the gradient": (r"train/.*grad_norm",), "step size": (r"train/.*learning_rate",)},
        "Time": {"steps per second": ("time/fps",), "where the time goes": (r"time/.*_ms",), "work": (r"work/.*",)},
    }
    for category, own in algorithm.charts.items():
        found.setdefault(category, {}).update(own)
    return found


def with_curves(
    charts: Mapping[str, Mapping[str, tuple[str, ...]]], names: Collection[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Those on which there is something, `names` being those of all curves."""
    there = {
        category: {title: tags for title, tags in own.items() if any(re.fullmatch(t, n) for t in tags for n in names)}
        for category, own in charts.items()
    }
    return {category: own for category, own in there.items() if own}


def layout(algorithm: Algorithm | type[Algorithm], names: Collection[str]) -> Any:
    """The charts as a summary of TensorBoard's plug-in for custom scalars, `names` being those of all curves."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.custom_scalar import layout_pb2, metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    def chart(title: str, tags: tuple[str, ...]) -> Any:
        curves = layout_pb2.MultilineChartContent(tag=[f"^{tag}$" for tag in tags])
        return layout_pb2.Chart(title=title, multiline=curves)

    categories = [
        layout_pb2.Category(title=category, chart=[chart(*each) for each in own.items()])
        for category, own in with_curves(charts(algorithm), names).items()
    ]
    packed = layout_pb2.Layout(category=categories).SerializeToString()
    value = Summary.Value(
        tag=metadata.CONFIG_SUMMARY_TAG,
        metadata=metadata.create_summary_metadata(),
        tensor=make_tensor_proto(packed, dtype=np.object_),
    )
    return Summary(value=[value])
