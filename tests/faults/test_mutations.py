"""Runs to which something has happened: no traceback, no hang, nothing outside touched, no silent difference."""

from __future__ import annotations

import random
import re
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disk import Died, Failing
from mutations import contents, mutations_of
from outcomes import command, outcome, train

from rlgen import files
from rlgen.errors import RlgenError
from rlgen.run import Run

Command = Callable[..., Any]

SAMPLE, WHOLE = 40, 600
LONGEST_SECONDS = 10
# How a damage is said.
NAMED = re.compile(r"is damaged|is lost|cannot be used|not what was written|is missing|bytes of|regular file")
MOST_MEMORY_BYTES = 200_000_000


@pytest.fixture(autouse=True)
def in_time(undrawn: None) -> Iterator[None]:
    """No pictures, and an end to what hangs."""

    def hang(*_: Any) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, hang)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def runs(walk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """One that is finished, and one whose process died in its third part."""
    whole, torn = tmp_path / "runs" / "whole", tmp_path / "runs" / "torn"
    train(whole)
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", Failing(at=150))
        with pytest.raises(Died):
            train(torn)
    return [whole, torn]


def peak_bytes() -> int:
    """The most memory that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def test_whatever_has_happened_to_a_run(
    runs: list[Path], rlgen_command: Command, everything: bool, figures: Any, tmp_path: Path
) -> None:
    wanted, rng = outcome(Run(runs[0]), newest=True), random.Random(11)
    rlgen_command("evaluate", runs[0])
    before, faults = peak_bytes(), []
    for number in range(WHOLE if everything else SAMPLE):
        place = tmp_path / str(number)
        (place / "outside").mkdir(parents=True)
        shutil.copytree(rng.choice(runs), place / "run")
        target = rng.choice(sorted(path for path in (place / "run").rglob("*") if "/." not in str(path)))
        mutation = rng.choice(mutations_of(target))
        mutation(target, rng, place / "outside")
        what = f"{mutation.__name__} {target.relative_to(place)} ({number})"
        # What somebody has sealed again is no damage; it may be anything but a traceback or a hang.
        sealed = mutation.__name__ in ("_resealed", "_other_arrays")
        faults += [f"{what}: {fault}" for fault in used(place, None if sealed else wanted, rlgen_command)]
        shutil.rmtree(place)
    grown = peak_bytes() - before
    figures(
        *("mutations", "something has happened to a file or directory of the run"),
        runs=number + 1,
        tracebacks=sum("raised" in fault for fault in faults),
        hangs=sum("hangs" in fault for fault in faults),
        silent_differences=sum("silent" in fault for fault in faults),
        peak_memory_mb=round(grown / 1e6),
    )
    assert not faults, "\n".join(faults)
    assert grown < MOST_MEMORY_BYTES


def used(place: Path, wanted: dict[str, Any] | None, rlgen_command: Command) -> Iterator[str]:
    """Do with a run whatever can be done with one; what should not have been."""
    run, outside = place / "run", contents(place / "outside")
    commands = [["check", run], ["evaluate", run], ["record", run, "--out", place / "film.gif"], command(run)]
    said = ""
    for words in commands:
        signal.alarm(LONGEST_SECONDS)
        try:
            done = rlgen_command(*words)
        except Exception as error:
            yield f"{words[0]} raised {type(error).__name__}: {error}"
            return
        finally:
            signal.alarm(0)
        said += done.err + (done.out if words[0] == "check" else "")
        if done.code not in (0, 1, 2) or (done.code and not said.strip()):
            yield f"{words[0]} ended with {done.code} without a word"
        if "Traceback" in done.err or {"\x1b", "\x07"} & {*done.err, *done.out}:
            yield f"{words[0]} raised or wrote what a terminal obeys: {done.err!r}"
    signal.alarm(LONGEST_SECONDS)
    if contents(place / "outside") != outside:
        yield "something outside was touched"
    if done.code == 0 and not said.strip():
        yield "nothing was said at all"
    if wanted and done.code == 0 and not NAMED.search(done.err) and not is_outcome(run, wanted):
        yield f"a silent difference: {done.err}"
    signal.alarm(0)


def is_outcome(run: Path, wanted: dict[str, Any]) -> bool:
    """Whether a run came to what was wanted."""
    try:
        return outcome(Run(run), newest=True) == wanted
    except (RlgenError, OSError):
        return False
