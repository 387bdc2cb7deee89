"""How a process finds others, without any."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from rlgen.errors import CrewLost, UserError
from rlgen.together import crew

WORKERS = ["one:2222", "two:2222"]


def described(**task: object) -> str:
    return json.dumps({"cluster": {"worker": WORKERS}, "task": task})


def test_tf_config_says_who_there_is_and_which_one_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert crew.asked() is None
    monkeypatch.setenv("TF_CONFIG", described(type="worker", index=1))
    assert crew.asked() == (WORKERS, 1)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        described(type="worker", index=2),
        described(type="ps", index=0),
        described(type="worker"),
        '{"task": 1}',
    ],
)
def test_what_describes_no_workers_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="does not describe workers: it has to be like"):
        crew.asked()


def test_alone_a_process_is_a_crew_of_one() -> None:
    alone = crew.now()
    assert (alone.rank, alone.size) == (0, 1)
    assert crew.is_loss(tf.errors.UnavailableError(None, None, "gone")) is None
    lost = CrewLost("gone")
    assert crew.is_loss(lost) is lost


def test_in_a_crew_errors_of_exchanges_mean_that_somebody_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "_crew", crew.Crew(rank=1, size=2))
    error = tf.errors.UnavailableError(
        None, None, "Graph execution error:\n\n  Collective ops is aborted: reset by peer"
    )
    found = crew.is_loss(error)
    assert str(found) == "Another of the 2 processes is gone: Collective ops is aborted: reset by peer"
    assert crew.is_loss(tf.errors.InvalidArgumentError(None, None, "mine")) is None
