"""One writer for a run, among processes, among threads, and whatever lies in the place of the lock."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rlgen import lock
from rlgen.errors import UserError
from rlgen.lock import RunBusy, holder, locked

HOLD = """
import sys
from pathlib import Path
from rlgen.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "an argument"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    yield process
    process.communicate()


def in_a_thread(call: Callable[[], None]) -> None:
    """Call it in another thread; what it raises is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def take(place: Path) -> None:
    with locked(place):
        pass


def test_another_process_is_refused_and_told_who(other: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(RunBusy) as caught, locked(tmp_path):
        pass
    for text in (str(caught.value), holder(tmp_path) or ""):
        for word in (f"process {other.pid} on {socket.gethostname()} since 2", "'an argument'"):
            assert word in text
    assert f"{tmp_path} is being written by" in str(caught.value) and "Wait for it, or stop it" in str(caught.value)
    assert isinstance(caught.value, UserError)
    other.communicate()
    assert holder(tmp_path) is None
    take(tmp_path)


def test_it_ends_with_the_process_that_is_killed(other: subprocess.Popen[str], tmp_path: Path) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert holder(tmp_path) is None
    take(tmp_path)


def test_a_thread_that_holds_it_goes_on_holding_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("run")
    with locked(tmp_path / "run"):
        with locked(tmp_path / "link"), locked(tmp_path / "link" / ".." / "run"):
            pass
        with pytest.raises(RunBusy, match=f"process {os.getpid()} on"):
            in_a_thread(lambda: take(tmp_path / "run"))
        assert f"process {os.getpid()}" in str(holder(tmp_path / "run"))
    in_a_thread(lambda: take(tmp_path / "run"))


def test_it_is_let_go_whatever_happens_inside(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked(tmp_path):
        raise KeyboardInterrupt
    in_a_thread(lambda: take(tmp_path))
    assert lock._held == {}


def test_others_say_what_they_do(tmp_path: Path) -> None:
    with locked(tmp_path):
        row = json.loads((tmp_path / lock.FILE).read_text())
    assert row.keys() == {"process", "host", "since", "command"}


def test_a_forked_child_does_not_hold_it(tmp_path: Path) -> None:
    """Nor can it take it, and it does not outlive its parent's; it may close what it inherits."""
    ready, go = os.pipe(), os.pipe()
    with locked(tmp_path):
        child = os.fork()
        if child == 0:
            try:
                with locked(tmp_path):
                    status = 1
            except RunBusy:
                status = 0 if lock._held == {} else 2
            os.write(ready[1], b"x")
            os.read(go[0], 1)
            os._exit(status)
        os.read(ready[0], 1)
        with pytest.raises(RunBusy):
            in_a_thread(lambda: take(tmp_path))
    take(tmp_path)  # While the child is still there.
    os.write(go[1], b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for end in (*ready, *go):
        os.close(end)


def test_a_child_that_leaves_the_block_takes_nothing_from_its_parent(tmp_path: Path) -> None:
    child = None
    with locked(tmp_path):
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            with pytest.raises(RunBusy):
                in_a_thread(lambda: take(tmp_path))
    if child == 0:
        os._exit(0)


def test_who_only_looks_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """To see whether it is held, it is held for a moment."""
    take(tmp_path)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            holder(tmp_path)
            ended.wait(0.0005)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(200):
            take(tmp_path)
    finally:
        ended.set()
        looking.join()


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert holder(tmp_path) is None and holder(tmp_path / "nowhere") is None
    assert list(tmp_path.iterdir()) == [], "looking writes nothing"
    with pytest.raises(FileNotFoundError), locked(tmp_path / "nowhere"):
        pass


@pytest.mark.parametrize("what", ["link", "dangling", "pipe", "directory"])
def test_something_else_in_its_place(tmp_path: Path, what: str) -> None:
    """Nothing is written through a link, and a pipe without a writer is not waited for."""
    place, theirs = tmp_path / "run", tmp_path / "theirs"
    place.mkdir()
    theirs.write_bytes(b"theirs")
    if what == "pipe":
        os.mkfifo(place / lock.FILE)
    elif what == "directory":
        (place / lock.FILE).mkdir()
    else:
        (place / lock.FILE).symlink_to(theirs if what == "link" else tmp_path / "nowhere")
    holder(place)
    with pytest.raises((OSError, UserError)) as caught, locked(place):
        pass
    assert what != "pipe" or "is no regular file" in str(caught.value)
    assert theirs.read_bytes() == b"theirs" and not (tmp_path / "nowhere").exists()
    assert lock._held == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"process": 1}', "[" * 99_999, "\udcff", "x" * 200_000])
def test_a_lock_that_does_not_say_who_holds_it(tmp_path: Path, text: str) -> None:
    with locked(tmp_path):
        (tmp_path / lock.FILE).write_text(text, errors="surrogateescape")
        assert holder(tmp_path) == "another process"
        with pytest.raises(RunBusy, match="is being written by another process"):
            in_a_thread(lambda: take(tmp_path))


def test_where_nothing_can_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some network file systems have no locks: training goes on, and it is said."""

    def cannot(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", cannot)
    with locked(tmp_path):
        pass
    assert "cannot be locked here (Operation not supported)" in capsys.readouterr().err


def test_a_lock_that_cannot_be_written_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", full)
        with pytest.raises(OSError, match="No space left"), locked(tmp_path):
            pass
    in_a_thread(lambda: take(tmp_path))
