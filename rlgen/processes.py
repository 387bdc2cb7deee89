"""A worker process of this machine, `python -m rlgen.worker`, and the lines that go to it and come from it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class Process:
    """Trains one run after another."""

    def __init__(self, *, environment: Mapping[str, str] | None = None, directory: Path | None = None) -> None:
        """Start it.

        Args:
            environment: its variables; those of this process unless given.
            directory: where it works; where this process does unless given.
        """
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rlgen.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
            cwd=directory,
            # What can be imported here can be imported there.
            env={**(os.environ if environment is None else environment), "PYTHONPATH": import_path(sys.path)},
            # A terminal's Ctrl-C is for the one who asked; it is passed on once.
            start_new_session=True,
        )

    @property
    def number(self) -> int:
        """Of the process."""
        return self._process.pid

    def address(self) -> str:
        """host:port, where it can listen for others on this machine."""
        return free_address("127.0.0.1")

    def words(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Ask for a run: all that is said of it, the answer last; it does not come if the process dies before."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
        except OSError:
            return
        for line in self._process.stdout:
            if not line.endswith("\n"):
                return
            said = json.loads(line)
            yield said
            if not said.keys() & {"step", "told"}:
                return

    def send(self, number: int) -> None:
        """A signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def why(self) -> str:
        """Why it is gone."""
        code = self._process.wait()
        if code < 0:
            return f"{signal.Signals(-code).name} ended the process."
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        return f"the process ended with code {code}: {said[-1] if said else 'it said nothing'}"

    def close(self) -> None:
        """Let it go: it ends when nobody asks any more."""
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def free_address(host: str) -> str:
    """host:port, where nobody listens yet."""
    with socket.socket() as listening:
        listening.bind((host, 0))
        return f"{host}:{listening.getsockname()[1]}"


def import_path(places: list[str]) -> str:
    """Where modules are looked for, as an environment's variable has it."""
    return os.pathsep.join(place for place in places if place)
