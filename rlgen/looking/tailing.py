"""A run watched while it goes on: a line whenever something new is in its files, until it is over."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlgen import checkpoint, files, lock
from rlgen.errors import CheckpointDamaged, UserError
from rlgen.lines import LONGEST_LINE
from rlgen.looking.inspecting import ASIDE
from rlgen.run import EVALUATIONS_FILE, STATS_FILE, Run

POLL_SECONDS = 2.0
# A run that nobody writes and that has brought nothing new in so many looks is over: between two processes of a
# resume, and before the first, nobody writes it either.
LOOKS = 3
# Chunks, and looks, by which the speed is judged.
RECENT = 5
# Scalars of training that a line has room for.
MOST_SCALARS = 3


class Follower:
    """The rows that are added to a file of JSON lines, each once and when its line is whole."""

    def __init__(self, path: Path) -> None:
        """Begin at its beginning; it need not be there yet."""
        self._path = path
        self._place = 0

    def read(self) -> list[dict[str, Any]]:
        """What is new. Where the file has become shorter, because a run went back to a checkpoint, it was read before.

        Raises:
            UserError: it is no regular file, or cannot be read.
        """
        try:
            return list(self._rows())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{self._path} cannot be read: {error.strerror}.") from error

    def _rows(self) -> Iterator[dict[str, Any]]:
        with files.open_to_read(self._path) as file:
            self._place = min(self._place, files.size_of(file))
            file.seek(self._place)
            while (line := file.readline(LONGEST_LINE)).endswith(b"\n") or len(line) == LONGEST_LINE:
                self._place += len(line)
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict) and type(row.get("step")) is int:
                    yield row


@dataclass
class State:
    """What is known of a run so far.

    Attributes:
        steps: it is to reach; None if nobody has said.
        step: it has reached.
        chunk: the scalars of its last chunk.
        evaluation: those of its last evaluation, with its step.
        score: the name of what it is judged by, once it is known.
        pace: steps and seconds of its last chunks.
        seen: seconds and the step, at the last looks that brought something new.
    """

    steps: int | None
    score: str | None = None
    step: int = 0
    chunk: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    pace: list[tuple[int, float]] = field(default_factory=list)
    seen: list[tuple[float, int]] = field(default_factory=list)

    def add(self, chunks: list[dict[str, Any]], evaluations: list[dict[str, Any]], *, now: float) -> None:
        """Take in what is new, in order, at a look `now`, in seconds."""
        for row in chunks:
            took, rate = row["step"] - self.step, row.get("time/fps")
            if took <= 0:  # It went back to a checkpoint.
                self.pace, self.seen = [], []
            elif self.step and isinstance(rate, int | float) and rate > 0:  # The first chunk was compiled.
                self.pace = [*self.pace, (took, took / rate)][-RECENT:]
            self.step, self.chunk = row["step"], row
        if evaluations:
            self.evaluation = evaluations[-1]
            self.step = max(self.step, self.evaluation["step"])
        self.seen = [*self.seen, (now, self.step)][-RECENT:]

    @property
    def rate(self) -> float | None:
        """Steps per second of training, of the last chunks together; None if there is only the first."""
        return sum(steps for steps, _ in self.pace) / sum(seconds for _, seconds in self.pace) if self.pace else None

    def line(self) -> str:
        """The state in one line."""
        parts = [f"step {self.step:,}"]
        if self.steps:
            parts = [f"step {self.step:>{len(f'{self.steps:,}')},} of {self.steps:,}", f"{self.step / self.steps:4.0%}"]
        if self.evaluation:
            late = "" if self.evaluation["step"] == self.step else f" (at {self.evaluation['step']:,})"
            judged = {name: value for name, value in self.evaluation.items() if name == self.score} or self.evaluation
            parts += [shown + late for shown in _figures(judged, most=1)]
        parts += _figures(self.chunk, most=MOST_SCALARS)
        if self.rate:
            parts.append(f"{self.rate:,.0f} steps/s")
        if left := self.left():
            parts.append(left)
        return "  ".join(parts)

    def left(self) -> str:
        """How long it will take: at the speed that was seen, evaluations and all; at first, at that of training."""
        ahead = max(self.steps - self.step, 0) if self.steps else 0
        (since, start), (now, step) = (self.seen[0], self.seen[-1]) if self.seen else ((0.0, 0), (0.0, 0))
        if not ahead or (step <= start and not self.rate):
            return ""
        if step > start:
            return f"about {_duration(ahead * (now - since) / (step - start))} left"
        assert self.rate
        return f"at least {_duration(ahead / self.rate)} left"


def tail(run: Path, *, once: bool = False, every: float = POLL_SECONDS) -> Iterator[str]:
    """Lines about a run: its state now and whenever there is something new, and how it ended.

    Only what is new is read of its files.

    Args:
        run: its directory.
        once: end after its state now.
        every: seconds between two looks.

    Raises:
        UserError: it is not a run, or a file of it cannot be read.
    """
    opened = Run.open(run)
    state = State(opened.config.steps)
    chunks, evaluations = Follower(run / STATS_FILE), Follower(run / EVALUATIONS_FILE)
    first, quiet = True, 0
    while True:
        # Asked before the files are read, so that what a run wrote last is among what is read.
        writer, result = lock.holder(run), opened.result
        new = chunks.read(), evaluations.read()
        if any(new):
            state.add(*new, now=time.monotonic())
            state.steps = Run(run).config.steps  # A resume may have asked for more.
        state.score = state.score or result.get("score") or _score(opened, [state.evaluation, *new[1]])
        if any(new) or first:
            yield state.line()
        first, quiet = False, 0 if any(new) or writer else quiet + 1
        if result and not writer:
            yield _end(result)
            return
        if not writer and (once or quiet >= LOOKS) and not (result := opened.result):
            yield _stopped(opened, state)
            return
        if once:
            yield _end(result) if result else f"{writer} is writing it."
            return
        time.sleep(every)


def _score(run: Run, evaluations: Sequence[Mapping[str, Any]]) -> str | None:
    """What a run is judged by, without importing its algorithm: what was found of its best checkpoint; None before."""
    with contextlib.suppress(CheckpointDamaged):
        best = {each.step: each.manifest().get("score") for each in checkpoint.listed(run.best)}
        for row in evaluations:
            for name, value in row.items():
                if name != "step" and value is not None and value == best.get(row["step"]):
                    return name
    return None


def _end(result: Mapping[str, Any]) -> str:
    """How a run ended."""
    score = result["score"]
    parts = [f"done at step {result['steps']:,}"]
    if seconds := result.get("seconds"):
        parts[0] += f" after {_duration(seconds)}"
    if result.get("stopped"):
        parts.append(f"stopped early: {result['stopped']}")
    if isinstance(value := result["evaluation"].get(score), int | float):
        of = f" of the best checkpoint, step {result['best_step']:,}" if result.get("best_step") is not None else ""
        parts.append(f"{score} {value:,.4g}{of}")
    if isinstance(protocol := result.get("protocol"), str):
        parts.append(f"protocol {protocol}")
    return "; ".join(parts) + "."


def _stopped(run: Run, state: State) -> str:
    """That nobody writes it, and how it goes on."""
    return f"Nobody is writing it, and it is not complete: it stopped at step {state.step:,}. `{run.way_on}` goes on."


def _figures(row: Mapping[str, Any], *, most: int) -> list[str]:
    """The first scalars of a row, but for counters and times."""
    named = {name: value for name, value in row.items() if name != "step" and not name.startswith(ASIDE)}
    numbers = [(name, value) for name, value in named.items() if isinstance(value, int | float)]
    return [f"{name} {value:,.4g}" for name, value in numbers[:most]]


def _duration(seconds: float) -> str:
    """A time for people.

    >>> _duration(7.2), _duration(95), _duration(7300), _duration(200000)
    ('7 s', '1 min 35 s', '2 h 1 min', '2 d 7 h')
    """
    for size, unit, below, small in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} {int(seconds % size // below)} {small}"
    return f"{seconds:.0f} s"
