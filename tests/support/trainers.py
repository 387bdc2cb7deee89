"""A process that trains what it is told in children of its own, which may be killed at any moment.

Importing TensorFlow is paid for once: run as a program this imports it and then forks. Each line `[NAME, ARGUMENTS]`
on standard input is a call of `rlgen.train`. Printed are the child's number and its exit status.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any


class Trainers:
    """The other side of such a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def train(self, name: str, *, kill_after_seconds: float | None = None, **arguments: Any) -> int:
        """Train there; the exit status, negative if it was killed."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        if kill_after_seconds is not None:
            time.sleep(kill_after_seconds)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(self._process.stdout.readline())


@contextlib.contextmanager
def started(environment: dict[str, str]) -> Iterator[Trainers]:
    """Such a process, as long as it is needed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trainers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield Trainers(process)
    finally:
        process.communicate()


def _serve() -> None:
    import matplotlib.figure  # noqa: F401
    import same_programs
    import unshown
    from tensorboard.compat.proto import event_pb2  # noqa: F401
    from tensorboard.plugins.scalar import summary_v2  # noqa: F401

    import rlgen
    from rlgen import registry, runtime

    runtime.import_tensorflow()
    same_programs.install()
    unshown.install()
    for plugin in registry.available():
        if plugin.kind in registry.ALGORITHM_KINDS:
            plugin.load()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                rlgen.train(name, **arguments)
                status = 0
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            finally:
                os._exit(status)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
