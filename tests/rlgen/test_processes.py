"""A worker process: why it is gone, and that one which is gone is not waited for."""

from __future__ import annotations

import signal

from rlgen.processes import Process, import_path


def test_one_that_was_ended_says_nothing_and_why() -> None:
    process = Process()
    process.send(signal.SIGKILL)
    assert list(process.words({"name": "linear"})) == []
    assert process.why() == "SIGKILL ended the process."
    process.send(signal.SIGTERM)
    process.close()


def test_one_that_cannot_begin_says_its_last_line() -> None:
    process = Process(environment={"PYTHONUTF8": "3"})
    assert list(process.words({"name": "linear"})) == []
    assert process.why().startswith("the process ended with code 1: ")
    assert not process.why().endswith("it said nothing")
    process.close()


def test_the_current_directory_is_no_place_for_modules() -> None:
    assert import_path(["", "/a", "/b"]) == "/a:/b"
