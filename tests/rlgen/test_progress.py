import pytest

from rlgen.algorithm import Evaluation
from rlgen.progress import Bar
from rlgen.reporter import Silent


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.message("replay [100 MB]")
    bar.started(step=0, steps=10, unit="batches")
    bar.advanced(5, {"time/fps": 1234.5})
    bar.evaluated(5, Evaluation({"eval/accuracy": 0.9876543, "eval/loss": 1.0}, 1))
    bar.finished()
    said = capsys.readouterr()
    assert said.out == ""
    assert "replay [100 MB]" in said.err
    assert "step         5  accuracy 0.9877  loss 1" in said.err


def test_a_bar_shows_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "COLUMNS": "160", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    bar = Bar()
    bar.started(step=20, steps=100, unit="batches")
    bar.advanced(50, {"time/fps": 1234.5})
    bar.finished()
    said = capsys.readouterr()
    assert said.out == ""
    for word in ("training", "/100", "1,234 batches/s", "0:00:00"):
        assert word in said.err


def test_silence(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Silent()
    silent.message("x")
    silent.started(step=0, steps=1, unit="x")
    silent.advanced(1, {})
    silent.evaluated(1, Evaluation({}, 1))
    silent.finished()
    assert capsys.readouterr() == ("", "")
