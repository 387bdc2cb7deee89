"""What holds for every mistake on the command line, checked in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def snapshot(place: Path) -> dict[str, bytes]:
    """Every file below a directory with its bytes, and the directories."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(place.rglob("*"))}


class Refused:
    """Runs the command and checks that it is refused: exit code 2, a sentence, no traceback, nothing written."""

    def __init__(self, command: Callable[..., Any], place: Path) -> None:
        """What runs the command, and where it is run."""
        self.command, self.place = command, place

    def __call__(self, *arguments: object, words: Sequence[str] = ()) -> str:
        """What it said on standard error, with `words` in it."""
        before = snapshot(self.place)
        done = self.command(*arguments)
        assert done.code == 2, (arguments, done)
        assert done.out == "", arguments
        assert "Traceback" not in done.err, (arguments, done.err)
        assert done.err.strip() and " " in done.err.strip(), (arguments, done.err)
        for word in words:
            assert word in done.err, (arguments, done.err)
        assert snapshot(self.place) == before, arguments
        return str(done.err)
