"""Hooks: when callbacks are called, what they may add, and what becomes of a run when they fail."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scalars import read_scalars
from walk_runs import rows, train

import rlgen
from rlgen import Callback, EarlyStopping, Moment, Reply, StopAfter, StopAtTarget
from rlgen.errors import Diverged, RlgenError, UserError


def texts(directory: Path, plugin: str) -> dict[str, list[Any]]:
    """Tag to the tensors that a plug-in of TensorBoard would show."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found: dict[str, list[Any]] = {}
    for file in sorted(directory.glob("events.*")):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == plugin:
                    found.setdefault(value.tag, []).append(make_ndarray(value.tensor))
    return found


# ---- what they are told -----------------------------------------------------------------------------------


class Ear(Callback):
    """Writes down what it hears."""

    def __init__(self, heard: list[Any], who: str = "") -> None:
        self.heard, self.who = heard, who

    def start(self, moment: Moment) -> None:
        self.heard.append((self.who + "start", moment.step, moment.steps, moment.algorithm.step_unit))

    def chunk(self, moment: Moment) -> None:
        assert moment.scalars["time/fps"] > 0
        assert moment.evaluation is None
        self.heard.append((self.who + "chunk", moment.step))

    def evaluation(self, moment: Moment) -> None:
        assert moment.evaluation is not None
        self.heard.append((self.who + "evaluation", moment.step, moment.evaluation.episodes))

    def checkpoint(self, moment: Moment) -> None:
        assert moment.path.joinpath("checkpoints", f"step-{moment.step:012d}").is_dir()
        self.heard.append((self.who + "checkpoint", moment.step))

    def end(self, moment: Moment) -> None:
        self.heard.append((self.who + "end", moment.step, moment.stopped, type(moment.error).__name__))


def test_they_hear_everything_in_order(walk: Any, tmp_path: Path) -> None:
    heard: list[Any] = []
    every = {"evaluate_every_steps": 20, "evaluation_episodes": 4, "checkpoint_every_steps": 30}
    config = {f"trainer.{key}": value for key, value in every.items()}
    rlgen.train("walk", steps=30, run=tmp_path / "run", config=config, callbacks=[Ear(heard)])
    assert heard == [
        *[("start", 0, 30, "steps"), ("checkpoint", 0), ("chunk", 10), ("chunk", 20), ("evaluation", 20, 4)],
        *[("chunk", 30), ("evaluation", 30, 4), ("checkpoint", 30), ("end", 30, None, "NoneType")],
    ]


def test_several_are_called_in_the_order_given(walk: Any, tmp_path: Path) -> None:
    heard: list[Any] = []
    train(tmp_path / "run", Ear(heard, "a "), Ear(heard, "b "), steps=10)
    said = [row[0] for row in heard]
    assert said[::2] == [word.replace("b ", "a ") for word in said[1::2]]
    assert said[:2] == ["a start", "b start"]


def test_end_comes_with_the_reason_or_the_error(walk: Any, tmp_path: Path) -> None:
    heard: list[Any] = []
    with pytest.raises(Diverged):
        train(tmp_path / "a", Ear(heard), nan_loss_at=15)
    assert heard[-1] == ("end", 20, None, "Diverged")
    train(tmp_path / "b", Ear(heard), StopAtTarget(value=-1e9))
    assert heard[-1][:2] == ("end", 10)
    assert "reached the target" in heard[-1][2]


def test_the_result_is_there_at_the_end(walk: Any, tmp_path: Path) -> None:
    found: list[int] = []

    class Reader(Callback):
        def end(self, moment: Moment) -> None:
            found.append(json.loads((moment.path / "result.json").read_text())["steps"])

    train(tmp_path / "run", Reader(), steps=20)
    assert found == [20]


def test_what_they_are_told_cannot_be_changed(walk: Any, tmp_path: Path) -> None:
    class Meddler(Callback):
        def chunk(self, moment: Moment) -> None:
            moment.scalars["train/loss"] = 0.0  # type: ignore[index]

    with pytest.raises(TypeError, match="does not support item assignment"):
        train(tmp_path / "run", Meddler())


def test_watching_changes_nothing(walk: Any, tmp_path: Path) -> None:
    alone, watched = train(tmp_path / "a"), train(tmp_path / "b", Ear([]), StopAtTarget(value=1e9))
    assert rows(alone) == rows(watched)
    for name, array in alone.weights("last")[1].items():
        np.testing.assert_array_equal(array, watched.weights("last")[1][name])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (EarlyStopping, r"EarlyStopping in callbacks is a class: give what EarlyStopping\(\.\.\.\) makes"),
        (print, "callbacks has a builtin_function_or_method; derive it from rlgen.Callback"),
        (type("Odd", (Callback,), {"name": "a/b"})(), "'a/b' cannot be a callback's name"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_is_written(
    walk: Any, tmp_path: Path, wrong: Any, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        train(tmp_path / "run", wrong)
    assert list(tmp_path.iterdir()) == []


def test_names_come_from_the_class() -> None:
    class GradientWatch(Callback):
        pass

    class Other(GradientWatch):
        name = "mine"

    assert (GradientWatch().name, Other().name, StopAfter(seconds=1).name) == ("gradient_watch", "mine", "stop_after")


# ---- what they add ----------------------------------------------------------------------------------------


class Watch(Callback):
    """Adds one of each kind."""

    def chunk(self, moment: Moment) -> Reply:
        return Reply(scalars={"watch/twice": np.float32(2 * moment.step)}, texts={"watch/note": f"at *{moment.step}*"})

    def evaluation(self, moment: Moment) -> Reply:
        picture = np.full((2, 3, 3), moment.step, np.uint8)
        return Reply(scalars={"watch/half": moment.step / 2}, images={"watch/colour": picture})


def test_what_they_add_is_written_under_their_name(walk: Any, tmp_path: Path) -> None:
    import imageio.v3 as imageio

    run = train(tmp_path / "run", Watch(), steps=20)
    stats, evaluations = rows(run)
    assert [row["watch/twice"] for row in stats] == [20.0, 40.0]
    assert [row["watch/half"] for row in evaluations] == [5.0, 10.0]
    summaries = run.path
    assert read_scalars(summaries / "train")["watch/twice"] == [(10, 20.0), (20, 40.0)]
    assert read_scalars(summaries / "eval")["watch/half"] == [(10, 5.0), (20, 10.0)]
    notes = texts(summaries / "train", "text")["watch/note"]
    assert [note.reshape(()).item() for note in notes] == [b"at *10*", b"at *20*"]
    pictures = texts(summaries / "eval", "images")
    assert pictures.keys() == {"watch/colour", "eval/picture"}
    np.testing.assert_array_equal(imageio.imread(pictures["watch/colour"][1][2]), np.full((2, 3, 3), 20))
    assert "watch/half" not in run.evaluation, "the figures of the result are the algorithm's"


def test_two_runs_of_n_write_what_one_of_2n_does(walk: Any, tmp_path: Path) -> None:
    whole, half = train(tmp_path / "whole", Watch(), steps=40), train(tmp_path / "half", Watch(), steps=20)
    assert rows(whole) == rows(train(half.path, Watch(), steps=40, resume=True))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"x": 1.0}, "returns None or an rlgen.Reply, not a dict"),
        (Reply(scalars={"bad/x": float("nan")}), "'bad/x' is nan; it must be finite"),
        (Reply(scalars={"bad/x": np.inf}), "'bad/x' is inf; it must be finite"),
        (Reply(scalars={"bad/x": "much"}), "'bad/x' is a str; it must be a number"),  # type: ignore[dict-item]
        (Reply(scalars={"train/x": 1.0}), "'train/x' is outside the callback's own prefix: begin it with 'bad/'"),
        (Reply(texts={"x": "y"}), "'x' is outside"),
        (Reply(scalars={"bad/x": 1.0}, texts={"bad/": "y"}), "'bad/' is outside"),
        (Reply(texts={"bad/x": 3}), "The text 'bad/x' is a int; write Markdown in a str"),  # type: ignore[dict-item]
        (Reply(images={"bad/x": np.zeros((2, 2, 3))}), r"'bad/x' is float64 \[2, 2, 3\]; it must be a uint8 array"),
        (Reply(images={"bad/x": np.zeros((2, 2), np.uint8)}), r"is uint8 \[2, 2\]"),
        (Reply(stop=""), "is no reason"),
        (Reply(stop=True), "stop=True is no reason"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_written_is_refused(walk: Any, tmp_path: Path, reply: Any, words: str) -> None:
    class Bad(Callback):
        def chunk(self, moment: Moment) -> Reply | None:
            return reply if moment.step == 20 else None

    with pytest.raises(UserError, match=words):
        train(tmp_path / "run", Bad())
    run = train(tmp_path / "run", resume=True, steps=30)
    assert rows(run) == rows(train(tmp_path / "whole", steps=30))


def test_no_name_is_written_twice(walk: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'watch/twice' is written already at this step; give the callback a `name`"):
        train(tmp_path / "run", Watch(), Watch())


def test_only_two_hooks_can_add(walk: Any, tmp_path: Path) -> None:
    class Bad(Callback):
        def start(self, moment: Moment) -> Any:
            return Reply(stop="now")

    with pytest.raises(UserError, match="only chunk\\(\\) and evaluation\\(\\) can add something or stop"):
        train(tmp_path / "run", Bad())


# ---- going wrong ------------------------------------------------------------------------------------------


class Failing(Callback):
    """Raises in one hook, from a step on."""

    def __init__(self, hook: str, step: int) -> None:
        self.hook, self.step, self.heard = hook, step, [""]

    def _maybe(self, hook: str, moment: Moment) -> None:
        self.heard.append(hook)
        if hook == self.hook and moment.step >= self.step:
            raise KeyError("no such spoon")

    def start(self, moment: Moment) -> None:
        self._maybe("start", moment)

    def chunk(self, moment: Moment) -> None:
        self._maybe("chunk", moment)

    def evaluation(self, moment: Moment) -> None:
        self._maybe("evaluation", moment)

    def checkpoint(self, moment: Moment) -> None:
        self._maybe("checkpoint", moment)

    def end(self, moment: Moment) -> None:
        self._maybe("end", moment)


class Listener(Callback):
    """Keeps the messages, and whether it heard the end."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.ended = False

    def message(self, text: str) -> None:
        self.messages.append(text)

    def end(self, moment: Moment) -> None:
        self.ended = True


@pytest.mark.parametrize(
    ("hook", "saved"), [("start", 0), ("chunk", 30), ("evaluation", 40), ("checkpoint", 50), ("end", 100)]
)
def test_one_that_fails(walk: Any, tmp_path: Path, hook: str, saved: int) -> None:
    every = {"trainer.evaluate_every_steps": 20, "trainer.checkpoint_every_steps": 50}
    whole, listener = train(tmp_path / "whole", **every), Listener()
    step = 1 if hook == "checkpoint" else 30 if hook != "start" else 0
    failing = Failing(hook, step)
    with pytest.raises(KeyError, match="no such spoon") as caught:
        train(tmp_path / "run", failing, listener, **every)
    run = rlgen.Run.open(tmp_path / "run")
    assert run.steps == saved
    whose = f"the callback 'failing' (Failing) in its hook {hook}()"
    assert [text for text in listener.messages if whose in text and "KeyError: 'no such spoon'" in text]
    if sys.version_info >= (3, 11):
        assert whose in caught.value.__notes__[0]
    assert listener.ended
    assert failing.heard[-1] == "end"
    if hook != "end":
        run = train(run.path, resume=True)
    assert rows(run) == rows(whole)
    assert run.result["evaluation"] == whole.result["evaluation"]
    for name, array in whole.weights("last")[1].items():
        np.testing.assert_array_equal(array, run.weights("last")[1][name])


def test_one_that_fails_at_the_last_step_costs_nothing(walk: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        train(tmp_path / "run", Failing("chunk", 40), steps=40)
    run = rlgen.Run.open(tmp_path / "run")
    assert (run.result["steps"], run.steps) == (40, 40)


def test_two_that_fail_and_an_end_that_fails_too(walk: Any, tmp_path: Path) -> None:
    listener = Listener()
    with pytest.raises(KeyError):
        train(tmp_path / "a", Failing("chunk", 20), Failing("evaluation", 20), listener)
    assert len(listener.messages) == 2
    assert rlgen.Run.open(tmp_path / "a").steps == 20
    # What ended training goes first; the other one is told.
    with pytest.raises(Diverged):
        train(tmp_path / "b", Failing("end", 0), listener, nan_loss_at=5)
    assert "in its hook end()" in listener.messages[-1]


def test_a_message_that_fails_waits_for_the_end_of_the_chunk(walk: Any, tmp_path: Path) -> None:
    """A signal comes in the middle of a chunk, where nothing can be saved."""

    class Mute(Callback):
        def message(self, text: str) -> None:
            raise RuntimeError("no voice")

    whole, listener, before = train(tmp_path / "whole"), Listener(), signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="no voice"):
        train(tmp_path / "run", Mute(), listener, signal_at=25)
    assert "SIGINT: saving, then stopping." in listener.messages
    assert any("'mute' (Mute) in its hook message()" in text for text in listener.messages)
    assert signal.getsignal(signal.SIGINT) is before
    assert rlgen.Run.open(tmp_path / "run").steps == 30
    assert rows(train(tmp_path / "run", resume=True)) == rows(whole)


def test_its_own_trouble_with_files_is_not_that_of_the_run(walk: Any, tmp_path: Path) -> None:
    class Upload(Callback):
        def checkpoint(self, moment: Moment) -> None:
            if moment.step:
                raise ConnectionError("the server is gone")

    with pytest.raises(ConnectionError, match="the server is gone") as caught:
        train(tmp_path / "run", Upload())
    assert not isinstance(caught.value, RlgenError)
