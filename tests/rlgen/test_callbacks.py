"""Callbacks: when they are called, what they may add, how they end a run, and what becomes of it when they fail."""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rlgen
from rlgen import Callback, EarlyStopping, Moment, Reply, StopAfter, StopAtTarget, checkpoint
from rlgen.algorithm import Evaluation
from rlgen.callbacks import evaluations_without_improvement
from rlgen.errors import Diverged, Interrupted, RlgenError, UserError
from rlgen.summary import read_scalars

EVERY_TEN = {"trainer.evaluate_every_steps": 10, "trainer.checkpoint_every_steps": 10}


def train(path: Path, *callbacks: Any, steps: int = 100, resume: bool = False, **config: Any) -> rlgen.Run:
    """A run of the cheap algorithm that evaluates and saves at every tenth step."""
    asked = {} if resume else {**EVERY_TEN, **config}
    return rlgen.train("walk", steps=steps, run=path, resume=resume, config=asked, callbacks=callbacks)


@pytest.fixture
def scores(walk: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], None]:
    """Let the evaluations at steps 10, 20, ... find these scores, on either split; the last one from there on."""

    def script(values: Sequence[float]) -> None:
        def evaluate(self: Any, *, episodes: int, seed: int, split: str) -> Evaluation:
            value = float(values[min(int(self.steps) // 10, len(values)) - 1])
            return Evaluation({"eval/score": value, "eval/cost": -value}, episodes)

        monkeypatch.setattr(walk.Walk, "evaluate", evaluate)

    return script


def rows(run: rlgen.Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was written, without times."""
    stats = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in run.stats()]
    return stats, run.evaluations()


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
    summaries = run.path / "summaries"
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


# ---- ending a run -----------------------------------------------------------------------------------------


def test_a_stop_ends_as_the_last_step_does(walk: Any, tmp_path: Path) -> None:
    class At30(Callback):
        def chunk(self, moment: Moment) -> Reply | None:
            return Reply(stop="thirty is enough") if moment.step >= 30 else None

    every = {"trainer.evaluate_every_steps": 80, "trainer.checkpoint_every_steps": 80}
    run = train(tmp_path / "run", At30(), **every)
    assert (run.steps, run.result["steps"], run.result["stopped"]) == (30, 30, "thirty is enough")
    assert [row["step"] for row in run.evaluations()] == [30]
    assert run.result["best_step"] == 30
    # More steps than it has: it goes on.
    again = train(run.path, steps=100, resume=True)
    assert (again.result["steps"], again.result["stopped"]) == (100, None)


def test_the_first_reason_counts_and_a_full_run_was_not_stopped(walk: Any, tmp_path: Path) -> None:
    class Two(Callback):
        def chunk(self, moment: Moment) -> Reply:
            return Reply(stop=f"at {moment.step}")

        def evaluation(self, moment: Moment) -> Reply:
            return Reply(stop="the evaluation")

    assert train(tmp_path / "a", Two(), StopAtTarget(value=-1e9)).result["stopped"] == "at 10"
    assert train(tmp_path / "b", Two(), steps=10).result["stopped"] is None


def test_early_stopping_waits_as_long_as_it_should(scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 3.5, 3, 3, 3, 3])
    run = train(tmp_path / "a", EarlyStopping(patience_evaluations=3))
    assert run.steps == 80, "3.5 at step 50, and three evaluations after it"
    assert run.result["stopped"] == "no improvement of eval/score in 3 evaluations"
    assert run.result["best_step"] == 50
    assert train(tmp_path / "b", EarlyStopping(patience_evaluations=1)).steps == 30
    # From 1 to 3 is more than one; 3.5 is no improvement then.
    slow = EarlyStopping(patience_evaluations=3, min_improvement=1.0)
    assert train(tmp_path / "c", slow).steps == 50


def test_early_stopping_on_another_scalar(scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 3.5, 3])
    down = EarlyStopping(patience_evaluations=2, scalar="eval/cost", higher_is_better=False)
    run = train(tmp_path / "a", down)
    assert (run.steps, run.result["stopped"]) == (40, "no improvement of eval/cost in 2 evaluations")
    up = EarlyStopping(patience_evaluations=2, scalar="eval/cost", higher_is_better=True)
    assert train(tmp_path / "b", up).steps == 30


def test_the_direction_of_the_score_is_the_algorithms(
    scores: Any, walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores([3, 2, 1, 2, 3])
    monkeypatch.setattr(walk.Walk, "higher_is_better", False)
    assert train(tmp_path / "a", EarlyStopping(patience_evaluations=2)).steps == 50
    assert train(tmp_path / "b", StopAtTarget(value=1)).steps == 30


@pytest.mark.parametrize("stop_at", [15, 35, 40, 65])
def test_patience_is_counted_across_a_resume(scores: Any, tmp_path: Path, stop_at: int) -> None:
    scores([1, 3, 2, 3, 3.5, 3, 3, 3, 3])
    patience = {"trainer.patience_evaluations": 3}
    whole = train(tmp_path / "whole", **patience)
    with pytest.raises(Interrupted):
        train(tmp_path / "halves", signal_at=stop_at, **patience)
    halves = train(tmp_path / "halves", resume=True)
    assert (halves.steps, halves.result["stopped"]) == (whole.steps, whole.result["stopped"])
    assert halves.evaluations() == whole.evaluations()


def test_one_that_is_used_again_begins_anew(scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 2])
    patient = EarlyStopping(patience_evaluations=2)
    assert [train(tmp_path / name, patient).steps for name in ("a", "b")] == [40, 40]


def test_a_run_that_was_stopped_early_goes_on_and_counts_on(scores: Any, tmp_path: Path) -> None:
    scores([3, 2, 2, 2, 2, 2])
    run = train(tmp_path / "run", **{"trainer.patience_evaluations": 2})
    assert run.steps == 30
    assert train(run.path, resume=True).steps == 40, "still no improvement"
    # As the number of steps may, so may what ends the run be another one; what it was started with stays on record.
    asked = {"trainer.patience_evaluations": "none"}
    run = rlgen.train("walk", run=run.path, steps=100, resume=True, config=asked)
    assert (run.steps, run.result["stopped"]) == (100, None)
    assert run.config.trainer["patience_evaluations"] == 2


def test_stop_at_target(scores: Any, tmp_path: Path) -> None:
    scores([1, 2, 5, 9])
    run = train(tmp_path / "a", StopAtTarget(value=5))
    assert (run.steps, run.result["stopped"]) == (30, "eval/score 5 reached the target 5")
    assert train(tmp_path / "b", StopAtTarget(value=4.5, scalar="eval/score", higher_is_better=True)).steps == 30
    assert train(tmp_path / "c", StopAtTarget(value=-2, scalar="eval/cost", higher_is_better=False)).steps == 20
    assert train(tmp_path / "d", StopAtTarget(value=10)).steps == 100


def test_stop_after_a_time(walk: Any, tmp_path: Path) -> None:
    def clock(ticks: Iterator[int]) -> Callable[[], float]:
        return lambda: float(next(ticks))

    # It looks once when made, once at the start, then after every chunk and every evaluation.
    run = train(tmp_path / "run", StopAfter(seconds=5, clock=clock(iter(range(100)))))
    assert (run.steps, run.result["stopped"]) == (30, "the 5 seconds it had are over")
    again = train(run.path, StopAfter(seconds=5, clock=clock(iter(range(50, 150)))), resume=True)
    assert again.steps == 60, "counted anew"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EarlyStopping(patience_evaluations=0), "patience_evaluations=0 is out of range: it must be >= 1"),
        (lambda: EarlyStopping(patience_evaluations=1, min_improvement=-1), "min_improvement=-1 is out of range"),
        (lambda: EarlyStopping(patience_evaluations=1, scalar="eval/cost"), "Is more of 'eval/cost' better, or less"),
        (lambda: StopAtTarget(value=1, higher_is_better=True), "higher_is_better=True goes with scalar="),
        (lambda: StopAtTarget(value=float("nan")), "can never be reached"),
        (lambda: StopAfter(seconds=0), "seconds=0 is out of range: it must be > 0"),
    ],
)
def test_what_they_cannot_be_told(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make()


def test_an_unknown_scalar_is_named_with_the_nearest(walk: Any, tmp_path: Path) -> None:
    wrong = EarlyStopping(patience_evaluations=1, scalar="eval/scor", higher_is_better=True)
    words = "watches 'eval/scor', which an evaluation of Walk does not report. Did you mean 'eval/score'.*eval/draw"
    with pytest.raises(UserError, match=words):
        train(tmp_path / "run", wrong)
    assert checkpoint.listed(tmp_path / "run" / "checkpoints")[-1].step == 10


def test_counting() -> None:
    assert evaluations_without_improvement([], higher_is_better=True) == 0
    assert evaluations_without_improvement([1.0], higher_is_better=True) == 0
    assert evaluations_without_improvement([1.0, 1.0], higher_is_better=True) == 1
    assert evaluations_without_improvement([2.0, 1.0, 3.0], higher_is_better=False) == 1
    assert evaluations_without_improvement([1.0, 1.4, 1.8], higher_is_better=True, min_improvement=0.5) == 0


# ---- on the command line ----------------------------------------------------------------------------------


def test_on_the_command_line(rlgen_command: Any, scores: Any, tmp_path: Path) -> None:
    scores([1, 3, 2, 3, 9])
    every = [word for key, value in EVERY_TEN.items() for word in ("--set", f"{key}={value}")]
    for field, steps, why in (
        ("patience_evaluations=2", 40, "no improvement of eval/score in 2 evaluations"),
        ("stop_at_score=3", 20, "eval/score 3 reached the target 3"),
        ("stop_after_seconds=1e-6", 10, "the 1e-06 seconds it had are over"),
    ):
        run = tmp_path / field.partition("=")[0]
        done = rlgen_command("train", "walk", "--run", run, *every, "--set", f"trainer.{field}", "--json")
        assert done.code == 0, done.err
        row = json.loads(done.out)
        assert (row["steps"], row["stopped"]) == (steps, why)
        assert f"Stopped at step {steps}: {why}." in done.err
        assert json.loads((run / "result.json").read_text()) == row
        key, value = field.split("=")
        assert json.loads((run / "config.json").read_text())["trainer"][key] == float(value)
    shown = rlgen_command("train", "walk", "--run", tmp_path / "shown", *every, "--set", "trainer.stop_at_score=3")
    assert any(line.split(maxsplit=1)[0] == "stopped" for line in shown.out.splitlines() if line)
    whole = rlgen_command("train", "walk", "--run", tmp_path / "whole", *every)
    assert "stopped" not in whole.out
    wrong = rlgen_command("train", "walk", "--set", "trainer.patience_evaluations=0")
    assert (wrong.code, "patience_evaluations=0 is out of range" in wrong.err) == (2, True)


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
