"""A process that looks at another from outside: where foreign code holds Python's lock, no thread there can look.

`rlgen.watchdog` runs this file. The process that is watched empties a socket as long as its Python runs; a byte that
stays in it says that it does not. Only the standard library is imported, so that starting this takes no time.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import sys
from pathlib import Path

STOPS = {int(signal.SIGINT), int(signal.SIGTERM)}
# The rarest and the most frequent looks, in seconds.
RARELY, OFTEN = 5.0, 0.02
# What the watched process writes where both can read it: the length of a text, the text, whether a signal came.
BOARD_BYTES = 256


def pause(limits: list[float]) -> float:
    """Seconds between two looks, where these are the seconds that something may take."""
    return min(max(min(limits) / 10, OFTEN), RARELY)


def note(board: mmap.mmap, where: str) -> None:
    """Write down which call is going on."""
    text = where.encode()[: BOARD_BYTES - 2]
    board[1 : 1 + len(text)] = text
    board[0] = len(text)


def heard(board: mmap.mmap) -> None:
    """Write down that a signal came: it is read from the socket then, and can be seen there no more."""
    board[-1] = 1


def forget(board: mmap.mmap) -> None:
    """No signal has come yet."""
    board[-1] = 0


def watch(*, parent: int, alive: int, sockets: tuple[int, int], board: int, patience: float, grace: float) -> None:
    """End the parent when a call in it has held its Python for too long; return when it has ended by itself.

    Args:
        parent: the process.
        alive: a pipe that ends with it.
        sockets: where it reads, and where it is written to.
        board: the file with the call that is going on.
        patience: seconds for which a call may hold Python; infinite: any time.
        grace: the same after SIGINT or SIGTERM.
    """
    receiver, sender = (socket.socket(fileno=number) for number in sockets)
    seen = mmap.mmap(board, BOARD_BYTES)
    held = since_signal = 0.0
    signalled = False
    while True:
        seconds = pause([patience, grace] if signalled else [patience])
        if select.select([alive], [], [], seconds)[0] or os.getppid() != parent:
            return
        waiting = _waiting(receiver)
        if not waiting or not seen[0]:
            held, since_signal, signalled = 0.0, 0.0, False
            if not waiting:
                sender.send(b"\0")
        elif not _is_stopped(parent):
            held += seconds
            since_signal += seconds if signalled else 0
            signalled = bool(STOPS.intersection(waiting)) or bool(seen[-1])
            if held > patience or since_signal > grace:
                where = seen[1 : 1 + seen[0]].decode(errors="replace")
                _end(parent, where, grace if since_signal > grace else patience, signalled=since_signal > grace)
                return


def _waiting(receiver: socket.socket) -> bytes:
    """What the parent has not read yet."""
    try:
        return receiver.recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


def _is_stopped(process: int) -> bool:
    """Whether it has been stopped, by Ctrl-Z for instance; then it is not stuck."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return False  # Not every system says so.


def _end(process: int, where: str, seconds: float, *, signalled: bool) -> None:
    why = f"for {seconds:g} seconds since a signal came" if signalled else f"for {seconds:g} seconds"
    advice = "" if signalled else " Mend it, or say --set trainer.step_timeout_seconds=SECONDS, more of them."
    text = (
        f"rlgen: The environment has not returned from {where} {why}, and lets nothing else run in Python: the process "
        f"is killed.{advice} The run's checkpoints are untouched; go on with --resume.\n"
    )
    os.write(2, text.encode())
    os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)  # They go to all processes of a terminal.
    numbers = [int(text) for text in sys.argv[1:6]]
    watch(
        parent=numbers[0],
        alive=numbers[1],
        sockets=(numbers[2], numbers[3]),
        board=numbers[4],
        patience=float(sys.argv[6]),
        grace=float(sys.argv[7]),
    )
