"""A run as a row of TensorBoard's table of hyperparameters."""

from __future__ import annotations

import time
from typing import Any

from rlgen.board import texts
from rlgen.run import RunConfig

# How good a run is at its end is said by the mean of so many evaluations: the last one alone may be luck.
LAST = 5


def flat(config: RunConfig) -> dict[str, bool | float | str]:
    """All that decides a run, each value as the table holds one; `none` where there is none, a list as a text."""
    return {name: _plain(value) for name, value in texts.decided(config).items()}


def _plain(value: Any) -> bool | float | str:
    if isinstance(value, bool | int | float | str):
        return value
    if value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def started(config: RunConfig) -> Any:
    """The summary that says what is trained."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    info = SessionStartInfo(start_time_secs=time.time())
    for name, value in flat(config).items():
        kind = "bool" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
        setattr(info.hparams[name], f"{kind}_value", value)
    return _summary("_hparams_/session_start_info", HParamsPluginData(session_start_info=info))


def ended() -> Any:
    """The summary that says that a run is complete.

    There is none of a failure: TensorBoard keeps the first that it sees, and a failed run may be resumed.
    """
    from tensorboard.plugins.hparams import api_pb2
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    info = SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    return _summary("_hparams_/session_end_info", HParamsPluginData(session_end_info=info))


def _summary(name: str, data: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata

    described = metadata.create_summary_metadata(data)
    return Summary(value=[Summary.Value(tag=name, metadata=described, tensor=metadata.NULL_TENSOR)])


def final(
    evaluations: list[dict[str, Any]], *, score: str, higher_is_better: bool, threshold: float | None
) -> dict[str, float]:
    """What a run came to, by the evaluations made while it trained: a number for each column of the table.

    Args:
        evaluations: rows with their `step`, in order.
        score: the name of what they are judged by.
        higher_is_better: its direction.
        threshold: of it; how many steps it took to get there is said, if it got there.
    """
    points = [(row["step"], row[score]) for row in evaluations if score in row]
    if not points:
        return {}
    values = [value for _, value in points]
    tail = values[-LAST:]
    found = {
        "final/best": max(values) if higher_is_better else min(values),
        "final/last": values[-1],
        f"final/mean_of_last_{LAST}": sum(tail) / len(tail),
    }
    if threshold is not None:
        there = [step for step, value in points if (value >= threshold if higher_is_better else value <= threshold)]
        found |= {"final/steps_to_threshold": float(there[0])} if there else {}
    return found
