import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen import lock
from rlgen.errors import UserError
from rlgen.looking import tailing

pytestmark = pytest.mark.usefixtures("undrawn")

EVERY = {"trainer.evaluate_every_steps": 10, "trainer.checkpoint_every_steps": 10, "chunk": 10}


@pytest.fixture
def run(tmp_path: Path, undrawn: None) -> Path:
    return rlgen.train("walk", steps=40, run=tmp_path / "run", config=EVERY).path


def unfinished(run: Path) -> Path:
    (run / "result.json").unlink()
    return run


def add(run: Path, name: str, text: str) -> None:
    with (run / name).open("a") as file:
        file.write(text)


def test_a_run_that_is_done(run: Path) -> None:
    state, end = tailing.tail(run)
    last = rlgen.Run.open(run).evaluations()[-1]["eval/score"]
    assert state.startswith(f"step 40 of 40  100%  eval/score {last:,.4g}  train/loss ")
    assert "steps/s" in state and "left" not in state
    result = rlgen.Run.open(run).result
    assert end.startswith("done at step 40 after 0 s; eval/score ")
    assert end.endswith(f"of the best checkpoint, step {result['best_step']}.")
    assert list(tailing.tail(run, once=True)) == [state, end]


def test_a_run_whose_process_is_dead(run: Path) -> None:
    unfinished(run)
    for once in (True, False):
        state, end = tailing.tail(run, once=once, every=0.0)
        assert state.startswith("step 40 of 40  100%  eval/score ")
        assert end == (
            f"Nobody is writing it, and it is not complete: it stopped at step 40. `rlgen train walk --run {run} "
            "--resume` goes on."
        )
    for name in ("stats.jsonl", "evaluations.jsonl"):
        (run / name).unlink()
    assert list(tailing.tail(run, once=True))[0] == "step  0 of 40    0%"


def test_a_run_that_goes_on(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look but the first finds what was written since the one before, up to the last whole line."""
    result = (run / "result.json").read_bytes()
    unfinished(run)
    for name in ("stats.jsonl", "evaluations.jsonl"):
        rows = (run / name).read_text().splitlines(keepends=True)
        (run / name).write_text("".join(rows[:1]))

    def writes() -> Iterator[None]:
        add(run, "stats.jsonl", '{"step": 20, "train/loss": 0.5, "time/fps": 10.0}\n{"step": 30, "train')
        yield
        add(run, "stats.jsonl", '/loss": 0.25, "time/fps": 10.0}\nnonsense\n')
        add(run, "evaluations.jsonl", '{"step": 30, "eval/score": -1.5}\n')
        yield
        yield  # Nothing new is no line.
        (run / "result.json").write_bytes(result)
        yield
        held.__exit__(None, None, None)
        yield

    held = lock.locked(run)
    held.__enter__()
    assert "is writing it" in list(tailing.tail(run, once=True))[1]
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(tailing.time, "monotonic", lambda: float(next(clock)))
    steps = writes()
    monkeypatch.setattr(tailing.time, "sleep", lambda _: next(steps))
    lines = list(tailing.tail(run))
    assert lines[0].startswith("step 10 of 40   25%  eval/score")
    assert lines[1].startswith("step 20 of 40   50%  eval/score ") and "(at 10)  train/loss 0.5  10 steps/s" in lines[1]
    assert lines[1].endswith("  about 8 s left")
    assert lines[2] == "step 30 of 40   75%  eval/score -1.5  train/loss 0.25  10 steps/s  about 4 s left"
    assert lines[3].startswith("done at step 40") and len(lines) == 4


def test_a_run_that_is_trained_meanwhile(tmp_path: Path) -> None:
    """A thread trains; whoever looks on sees it end, whatever the two do at the same moment."""
    place = tmp_path / "run"
    begun = threading.Event()

    class Begin(rlgen.Callback):
        def chunk(self, moment: rlgen.Moment) -> None:
            begun.set()

    trainer = threading.Thread(target=lambda: rlgen.train("walk", steps=1000, run=place, callbacks=[Begin()]))
    trainer.start()
    assert begun.wait(30)
    lines = list(tailing.tail(place, every=0.01))
    trainer.join()
    assert len(lines) > 2 and lines[-1].startswith("done at step 1,000")
    assert lines[-2].startswith("step 1,000 of 1,000  100%")


def test_a_run_that_goes_back(run: Path) -> None:
    follower = tailing.Follower(run / "stats.jsonl")
    assert [row["step"] for row in follower.read()] == [10, 20, 30, 40]
    rows = (run / "stats.jsonl").read_text().splitlines(keepends=True)
    (run / "stats.jsonl").write_text("".join(rows[:2]))
    assert follower.read() == []
    add(run, "stats.jsonl", rows[2])
    assert [row["step"] for row in follower.read()] == [30]
    state = tailing.State(40)
    state.add([{"step": 10, "time/fps": 1.0}, {"step": 20, "time/fps": 5.0}], [], now=0.0)
    assert state.rate == 5.0 and state.left() == "at least 4 s left"
    state.add([{"step": 20, "time/fps": 1.0}], [], now=1.0)
    assert state.rate is None and state.left() == ""


def test_rows_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    assert tailing.Follower(file).read() == []
    file.write_text('[1]\n{"step": "1"}\n{"step": 2}\n' + "[" * 10_000 + '\n{"step": 3}\n{"step": 4')
    assert tailing.Follower(file).read() == [{"step": 2}, {"step": 3}]
    with pytest.raises(UserError, match="no regular file"):
        tailing.Follower(tmp_path).read()


def test_durations() -> None:
    assert [tailing._duration(seconds) for seconds in (0.2, 7.2, 95, 7300, 200_000)] == [
        *("0 s", "7 s", "1 min 35 s", "2 h 1 min", "2 d 7 h")
    ]


def test_the_command(rlgen_command: Callable[..., Any], run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = rlgen_command("tail", run)
    assert done.code == 0 and len(done.out.splitlines()) == 2 and done.err == ""
    unfinished(run)
    shown = rlgen_command("tail", run, "--once")
    assert shown.code == 0 and "Nobody is writing it" in shown.out

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tailing.time, "sleep", interrupt)
    left = rlgen_command("tail", run)
    assert left.code == 0 and len(left.out.splitlines()) == 1 and left.err == ""
    refused = rlgen_command("tail", run.parent)
    assert refused.code == 2 and "is not a run" in refused.err and refused.out == ""
    (run / "result.json").write_text(json.dumps({"steps": 1}))
    assert rlgen_command("tail", run).code == 2
