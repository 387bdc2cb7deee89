"""Calls that do not return: ended where they run Python, told where they do not; and no exception that comes late."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from awkward_envs import HANGS

from rlgen import checkpoint, watchdog
from rlgen.errors import EnvironmentFault, Interrupted
from rlgen.watchdog import Call, watched


class Owner:
    """Somebody whose calls are watched for as long as it lives."""


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Has the watchdog look often, in a process that is not its own."""
    monkeypatch.setattr(watchdog.dog, "alone", False)
    monkeypatch.setattr(watchdog, "HELP_SECONDS", 0.1)
    mine = Owner()
    watchdog.dog.watch(mine, 0.1)
    return mine


def spin(call: Call) -> None:
    HANGS["python"]()


def sleep(call: Call, seconds: float = 0.5) -> str:
    time.sleep(seconds)
    return "slept"


def test_python_that_does_not_return_is_ended_with_its_step(owner: Any) -> None:
    with pytest.raises(EnvironmentFault, match="has not returned from step 7 for 0.1 seconds.*step_timeout_seconds"):
        watched("step 7", 0.1, spin)


def test_what_catches_every_exception_is_ended_too(owner: Any) -> None:
    def stubborn(call: Call) -> None:
        while True:
            with contextlib.suppress(Exception):
                HANGS["python"]()

    with pytest.raises(EnvironmentFault, match="step 8"):
        watched("step 8", 0.1, stubborn)


def test_a_thread_of_its_own_is_watched_as_well(owner: Any) -> None:
    caught: list[Any] = []

    def work() -> None:
        try:
            watched("step 9", 0.1, spin)
        except EnvironmentFault as fault:
            caught.append(fault)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert "step 9" in str(caught[0])


def test_what_gets_on_is_not_stuck(owner: Any) -> None:
    def many(call: Call) -> str:
        for call.at in range(20):
            time.sleep(0.03)
        return "done"

    assert watched("reset", 0.1, many) == "done"
    assert watched("step 1", None, sleep, 0.3) == "slept"


def test_what_is_not_in_python_is_told_and_left_alone(owner: Any, capfd: pytest.CaptureFixture[str]) -> None:
    # When it comes back to Python after all, it is ended: the program may have gone on to something else.
    with pytest.raises(EnvironmentFault, match="step 3"):
        watched("step 3", 0.1, sleep, 0.6)
    said = capfd.readouterr().err
    assert said.count("has not returned from step 3") == 1 and "End the process." in said


def test_no_exception_comes_after_the_call(owner: Any) -> None:
    """Calls that return just when they are ended: either they are, or nothing happens at all."""
    ended = 0
    for i in range(60):
        try:
            watched("step 1", 0.0, sleep, 0.02 + i / 2000)
        except EnvironmentFault:
            ended += 1
        for _ in range(200):
            pass  # Where an exception that is late would be felt.
    assert 0 < ended <= 60


def test_calls_within_calls(owner: Any) -> None:
    def outer(call: Call) -> str:
        with pytest.raises(EnvironmentFault, match="from the inner one"):
            watched("the inner one", 0.1, spin)
        return "went on"

    assert watched("the outer one", 60.0, outer) == "went on"

    assert watchdog._calls[threading.get_ident()] is None
    with pytest.raises(EnvironmentFault, match="raised ZeroDivisionError at step 5"):
        watched("step 5", None, lambda _: 1 / 0)
    assert watchdog._calls[threading.get_ident()] is None


def test_the_last_one_to_watch_for_lets_it_rest(owner: Any) -> None:
    del owner
    alone = watchdog.Watchdog()
    assert alone._patience() is None
    mine = Owner()
    alone.watch(mine, 300.0)
    assert alone._patience() == watchdog.RARELY
    del mine
    assert alone._patience() is None


def test_signals_are_announced_to_whom_they_were_before(owner: Any) -> None:
    mine, theirs = socket.socketpair()
    for end in (mine, theirs):
        end.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno())
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with watchdog.dog.listening(str):
            signal.raise_signal(signal.SIGTERM)
            mine.settimeout(5)
            assert mine.recv(10) == bytes([signal.SIGTERM])
        assert signal.set_wakeup_fd(-1) == theirs.fileno()
    finally:
        signal.signal(signal.SIGTERM, handler)
        signal.set_wakeup_fd(before)


def test_a_call_that_hangs_after_a_signal_is_ended(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "GRACE_SECONDS", 0.2)
    handler = signal.signal(signal.SIGTERM, lambda *_: None)

    def signalled(call: Call) -> None:
        signal.raise_signal(signal.SIGTERM)
        HANGS["python"]()

    try:
        with (
            pytest.raises(Interrupted, match="SIGTERM came, and .* not returned from step 4 for 0.2 .*. All is well."),
            watchdog.dog.listening(lambda: "All is well."),
        ):
            watched("step 4", None, signalled)
        assert watched("step 5", None, sleep, 0.4) == "slept", "the signal is forgotten"
    finally:
        signal.signal(signal.SIGTERM, handler)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_watches_for_itself(owner: Any) -> None:
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with watchdog.dog.listening(str):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    signal.raise_signal(signal.SIGTERM)
                    watchdog.dog.watch(owner, 0.1)
                    watched("step 6", 0.1, spin)
                except EnvironmentFault:
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
            time.sleep(0.1)
            listening = watchdog.dog._listening
            assert listening is not None and listening.received == "", "the child's signal is the child's"
    finally:
        signal.signal(signal.SIGTERM, handler)


# ---- the command ------------------------------------------------------------------------------------------

COMMAND = """
from rlgen import cli, watchdog
watchdog.GRACE_SECONDS = watchdog.HELP_SECONDS = 0.5
cli.main()
"""
TINY = {
    "hidden_units": 8,
    "batch_size": 8,
    "num_envs": 1,
    "replay_capacity": 512,
    "learning_starts_env_steps": 16,
    "train_every_env_steps": 8,
    "updates_per_train": 1,
    "trainer.evaluation_episodes": 1,
    "trainer.checkpoint_every_steps": 16,
}


def start(how: str, run: Path, env: dict[str, str], **fields: Any) -> subprocess.Popen[str]:
    words = [word for key, value in {**TINY, **fields}.items() for word in ("--set", f"{key}={value}")]
    problem = f"awkward_envs:Hangs?how={how}&at=100"
    command = [sys.executable, "-c", COMMAND, "train", "dqn", "--env", problem, "--steps", "4000", "--run", str(run)]
    return subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


@pytest.mark.skipif(os.name != "posix", reason="no signals")
def test_the_command_ends_whatever_hangs(subprocess_environment: dict[str, str], tmp_path: Path) -> None:
    """In a sleep, in C, and in C that lets no Python run; by itself, and by a signal. All at once: each takes long."""
    cases = [("sleep", False), ("held", False), ("c", True), ("held", True)]
    started = []
    for i, (how, signalled) in enumerate(cases):
        # Far longer than the signal can take on a busy machine, which would be the other reason to end.
        limit = 120 if signalled else 0.5
        started.append(start(how, tmp_path / str(i), subprocess_environment, **{"trainer.step_timeout_seconds": limit}))
    try:
        for (_, signalled), process in zip(cases, started, strict=True):
            if signalled:
                assert process.stderr
                while "hanging" not in (line := process.stderr.readline()):
                    assert line, "ended early"
                process.terminate()
        ended = [process.communicate(timeout=60)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [2, -signal.SIGKILL, 1, -signal.SIGKILL]
    for said in ended:
        assert "has not returned from step 100 for " in said and "Traceback" not in said
    for i in (0, 2):
        assert (
            f"The checkpoint of step 96 in {tmp_path / str(i) / 'checkpoints'} is untouched. Go on with: " in ended[i]
        )
    assert "SIGTERM came" in ended[2] and "since a signal came" in ended[3]
    for i in (1, 3):
        assert "lets nothing else run in Python: the process is killed" in ended[i]
    for i in range(len(cases)):
        assert checkpoint.newest_good(tmp_path / str(i) / "checkpoints")[0].step == 96
