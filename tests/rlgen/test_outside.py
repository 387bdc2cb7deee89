"""Looking from outside; that it ends what hangs is tested with the watchdog."""

from __future__ import annotations

import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from rlgen import outside

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no signals")


def test_looks_are_neither_rare_nor_many() -> None:
    assert outside.pause([20.0]) == 2.0
    assert outside.pause([float("inf")]) == outside.RARELY
    assert outside.pause([300.0, 0.01]) == outside.OFTEN


def test_the_board_holds_what_fits() -> None:
    with tempfile.TemporaryFile() as file:
        file.truncate(outside.BOARD_BYTES)
        board = mmap.mmap(file.fileno(), outside.BOARD_BYTES)
        outside.note(board, "step 7")
        assert board[: 1 + board[0]] == b"\x06step 7"
        outside.note(board, "x" * 1000)
        outside.heard(board)
        assert (board[0], board[-2:]) == (outside.BOARD_BYTES - 2, b"x\x01")
        outside.forget(board)
        assert board[-1] == 0


class Looked:
    """A process that sleeps, and what another one has to look at it with."""

    def __init__(self, file: Any) -> None:
        self.receiver, self.sender = socket.socketpair()
        self.alive, self.end = os.pipe()
        self.file = file
        self.file.truncate(outside.BOARD_BYTES)
        self.board = mmap.mmap(self.file.fileno(), outside.BOARD_BYTES)

    def watch(self, patience: float, grace: float) -> subprocess.Popen[str]:
        """Have a parent looked at, which is a Python that starts the looking and sleeps."""
        numbers = (self.alive, self.receiver.fileno(), self.sender.fileno(), self.file.fileno())
        program = (
            "import os, subprocess, sys, time\n"
            f"subprocess.Popen([sys.executable, {outside.__file__!r}, str(os.getpid()), *sys.argv[1:]], "
            f"pass_fds={numbers})\ntime.sleep(60)"
        )
        words = [str(word) for word in (*numbers, patience, grace)]
        return subprocess.Popen(
            [sys.executable, "-c", program, *words], pass_fds=numbers, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def looked() -> Iterator[Looked]:
    with tempfile.TemporaryFile() as file:
        made = Looked(file)
        yield made
    made.receiver.close()
    made.sender.close()
    os.close(made.alive)
    os.close(made.end)


@pytest.mark.parametrize(
    ("patience", "sent", "said"),
    [
        (0.2, b"", "has not returned from step 7 for 0.2 seconds, and lets nothing else run"),
        (20.0, bytes([signal.SIGTERM]), "has not returned from step 7 for 0.1 seconds since a signal came"),
    ],
)
def test_a_call_that_holds_python_is_ended(looked: Looked, patience: float, sent: bytes, said: str) -> None:
    outside.note(looked.board, "step 7")
    looked.sender.send(sent or b"\0")
    process = looked.watch(patience, 0.1)
    err = process.communicate(timeout=30)[1]
    assert process.returncode == -signal.SIGKILL
    assert said in err and "go on with --resume" in err


def test_who_is_in_no_call_or_answers_is_left_alone(looked: Looked) -> None:
    for call in ("", "step 7"):
        outside.note(looked.board, call)
        process: Any = looked.watch(0.2, 0.1)
        looked.receiver.settimeout(0.05)
        for _ in range(20):
            try:
                # Nobody reads while no call is going on.
                _ = looked.receiver.recv(100) if call else process.wait(0.05)
            except (TimeoutError, subprocess.TimeoutExpired):
                continue
        assert process.poll() is None
        process.kill()
        process.communicate()
