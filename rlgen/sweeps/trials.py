"""Which trial is trained next, and what is noted of one that has ended.

A trial is one run, or one for each of several seeds, in `trials/0007-s0` of the study's directory. Who launches holds a
lock as long as it lives, and its trials have its name: those of a launcher that is gone are taken up by the next, and
their runs go on from their checkpoints.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import socket
import statistics
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlgen import files, lock
from rlgen.board import hparams
from rlgen.errors import RlgenError
from rlgen.run import Run
from rlgen.sweeps import study as studies
from rlgen.sweeps.reporter import PRUNED
from rlgen.workers import Job, Later

if TYPE_CHECKING:
    from rlgen.progress import Board

# A launcher of another machine, of which no lock tells, says so often that it lives; after such a silence it is gone.
SIGNS_SECONDS, SILENCE_SECONDS = 60.0, 600.0
# Who takes up a trial in a database looks after a while whether another has taken it up at the same time.
RACE_SECONDS = 2.0
# How often one with nothing to do looks whether another's trial is to be taken up.
LOOKS_SECONDS = 2.0
# What a trial's attributes are called, and a launcher's.
LAUNCHER, WITHDRAWN, WHY, SCORES, SIGN = "launcher", "withdrawn", "why", "scores", "sign of "
# What ends a run and is no fault of its values: the trial is running still.
NOT_ITS_FAULT = ("Interrupted", "RunBusy")
# What ends the sweep: a full disk, a storage that is away.
ENDS_ALL = ("RlgenError", "StorageTrouble")


@dataclass(frozen=True)
class Launcher:
    """Who launches trials, as each of them has it.

    Attributes:
        name: no other has it.
        host: where it runs.
        place: the study's directory there.
    """

    name: str
    host: str
    place: str

    @classmethod
    def here(cls, place: Path) -> Launcher:
        """This process."""
        return cls(f"{os.getpid()}-{uuid.uuid4().hex[:8]}", socket.gethostname(), str(place.resolve()))

    @property
    def directory(self) -> Path:
        """Where its lock lies."""
        return Path(self.place) / "launchers" / self.name

    def gone(self, *, here: Launcher, sign: float | None) -> bool:
        """Whether it is, as far as `here` can see; `sign` is when it last said that it lives."""
        if (self.host, self.place) == (here.host, here.place):
            return lock.holder(self.directory) is None
        return sign is not None and time.time() - sign > SILENCE_SECONDS

    @contextlib.contextmanager
    def living(self, study: Any) -> Iterator[None]:
        """Hold the lock, and give signs of life, inside."""
        files.make_directory(self.directory)
        over = threading.Event()

        def sign() -> None:
            study.set_user_attr(SIGN + self.name, time.time())

        def signs() -> None:
            while not over.wait(SIGNS_SECONDS):
                with contextlib.suppress(Exception):  # Who asks for a trial hears of it.
                    sign()

        thread = threading.Thread(target=signs, daemon=True)
        try:
            with lock.locked(self.directory):
                sign()
                thread.start()
                yield
        finally:
            over.set()
            shutil.rmtree(self.directory, ignore_errors=True)


@dataclass
class _Hand:
    """A trial that is being trained here."""

    number: int
    id: int
    params: dict[str, Any]
    scores: list[float] = field(default_factory=list)


class Trials:
    """Feeds `rlgen.workers` with the runs of trials, and shows how they are doing.

    Attributes:
        broken: what has ended the sweep; None if nothing has.
    """

    def __init__(
        self,
        *,
        study: Any,
        asked: studies.Asked,
        place: Path,
        space: Any,
        trials: int,
        launcher: Launcher,
        reporting: dict[str, Any],
        display: Board,
    ) -> None:
        """Set what is trained.

        Args:
            study: Optuna's.
            asked: what decides a trial.
            place: the study's directory.
            space: Optuna's distributions.
            trials: how many there are to be in all.
            launcher: this one, which lives.
            reporting: what `Reporter` takes beside the trial.
            display: who shows it.
        """
        self._study, self._asked, self._place, self._space = study, asked, place, space
        self._most, self._launcher, self._reporting, self._display = trials, launcher, reporting, display
        self._states = studies.import_optuna().trial.TrialState
        self._hands: dict[int, _Hand] = {}
        self._jobs: dict[str, _Hand] = {}
        self._more: deque[Job] = deque()
        self._mutex, self._look_at = threading.RLock(), 0.0
        self.broken: RlgenError | None = None

    def feed(self) -> Job | Later | None:
        """The next run."""
        with self._mutex, self._guarded():
            return self._next()
        return None

    def at(self, label: str, step: int, steps: int, rate: str) -> None:
        """Shown."""
        self._display.at(label, step, steps, rate)

    def message(self, text: str) -> None:
        """Shown."""
        self._display.message(text)

    def over(self, job: Job) -> None:
        """Note what a run came to."""
        with self._mutex, self._guarded():
            self._look_at = 0.0
            hand = self._jobs.pop(job.label)
            if self._study._storage.get_trial(hand.id).state.is_finished():
                del self._hands[hand.number]  # Another took this process for dead, and was faster.
            elif job.run is not None:
                self._done(hand, job.run)
            elif job.kind in ENDS_ALL:
                self.broken = job.error
                del self._hands[hand.number]
            elif job.kind in NOT_ITS_FAULT:
                del self._hands[hand.number]
            else:
                self._fail(hand, str(job.error))
        self._display.ended(job.label)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever the storage raises ends the sweep; trials that are running stay so."""
        try:
            yield
        except RlgenError as error:
            self.broken = self.broken or error
        except Exception as error:
            self.broken = self.broken or studies.StorageTrouble(
                f"The study's storage has failed: {type(error).__name__}: {error}. What runs is saved; when it is "
                "mended, the same command goes on."
            )

    def _next(self) -> Job | Later | None:
        if self.broken:
            return None
        if self._more:
            return self._more.popleft()
        if time.monotonic() < self._look_at:
            return Later()
        try:
            # What is asked for here has its launcher's name before another launcher of this directory sees it.
            with lock.locked(self._place):
                hand = self._taken_up() or self._new()
        except lock.RunBusy:
            return Later()
        if hand is not None:
            self._hands[hand.number] = hand
            return self._job(hand)
        self._look_at = time.monotonic() + LOOKS_SECONDS
        running = any(trial.state == self._states.RUNNING for trial in self._trials())
        return Later() if running else None

    def _trials(self) -> Sequence[Any]:
        return self._study.get_trials(deepcopy=False)  # type: ignore[no-any-return]

    def _new(self) -> _Hand | None:
        """One that is proposed now, unless there are enough."""
        if sum(map(counts, self._trials())) >= self._most:
            return None
        trial = self._study.ask(fixed_distributions=self._space)
        trial.set_user_attr(LAUNCHER, vars(self._launcher))
        # Others may have asked at the same time: the last ones are too many, and each launcher sees which they are.
        before = sum(counts(other) for other in self._trials() if other.number < trial.number)
        if before >= self._most:
            self._withdraw(trial.number, trial._trial_id)
            return None
        return _Hand(trial.number, trial._trial_id, dict(trial.params))

    def _taken_up(self) -> _Hand | None:
        """One whose launcher is gone."""
        for trial in self._trials():
            if trial.state != self._states.RUNNING or trial.number in self._hands or not self._left(trial):
                continue
            if any(lock.holder(self._run_of(trial.number, run)) for run in range(self._asked.seeds)):
                continue  # Its process is saving it yet.
            if trial.params.keys() != self._space.keys():
                self._withdraw(trial.number, trial._trial_id)  # Nothing was ever trained.
                continue
            if not self._claimed(trial._trial_id):
                continue
            self.message(f"trial {trial.number} was left by a process that is gone; it goes on.")
            return _Hand(trial.number, trial._trial_id, dict(trial.params))
        return None

    def _claimed(self, trial_id: int) -> bool:
        """Whether a trial that was left is this launcher's now; the lock keeps away those of this directory alone."""
        self._set(trial_id, LAUNCHER, vars(self._launcher))
        if self._reporting["storage"] is not None:
            time.sleep(RACE_SECONDS)
        has = self._study._storage.get_trial(trial_id)
        return not has.state.is_finished() and has.user_attrs[LAUNCHER] == vars(self._launcher)

    def _left(self, trial: Any) -> bool:
        row = trial.user_attrs.get(LAUNCHER)
        if row is None:
            # Killed between two words; in a database another may be about to say the second one.
            age = time.time() - trial.datetime_start.timestamp()
            return self._reporting["storage"] is None or age > SILENCE_SECONDS
        owner = Launcher(**row)
        sign = self._study.user_attrs.get(SIGN + owner.name)
        return owner == self._launcher or owner.gone(here=self._launcher, sign=sign)

    def _job(self, hand: _Hand) -> Job:
        run, asked = len(hand.scores), self._asked
        label = f"t{hand.number:04d}-s{run}"
        self._jobs[label] = hand
        request = {
            **asked.request,
            "name": asked.algorithm,
            "run": str(self._run_of(hand.number, run)),
            "seed": asked.request["seed"] + run,
            "steps": asked.steps,
            "config": {**(asked.request.get("config") or {}), **hand.params},
            "resume": "auto",
            "callback": ["rlgen.sweeps.reporter:Reporter", {**self._reporting, "trial": hand.id, "run": run}],
        }
        return Job(label, request)

    def _run_of(self, number: int, run: int) -> Path:
        return run_directory(self._place, number, run)

    def _done(self, hand: _Hand, run: Run) -> None:
        if str(run.result.get("stopped") or "").startswith(PRUNED):
            self._tell(hand, self._states.PRUNED)
            return
        value = score_of(run, self._asked)
        if value is None or not math.isfinite(value):
            self._fail(hand, f"its evaluations have no {self._asked.score}: {value}")
            return
        hand.scores.append(value)
        self._set(hand.id, SCORES, hand.scores)
        if len(hand.scores) < self._asked.seeds:
            self._more.append(self._job(hand))
            return
        value = statistics.median(hand.scores)
        self._tell(hand, self._states.COMPLETE, value)
        best = self._study.best_trial
        self.message(
            f"trial {hand.number}: {self._asked.score} {value:,.6g}; best: trial {best.number}, {best.value:,.6g}"
        )

    def _fail(self, hand: _Hand, why: str) -> None:
        self._set(hand.id, WHY, why)
        self.message(f"trial {hand.number} has failed: {why}")
        self._tell(hand, self._states.FAIL)

    def _tell(self, hand: _Hand, state: Any, value: float | None = None) -> None:
        self._study.tell(hand.number, value, state=state)
        del self._hands[hand.number]

    def _withdraw(self, number: int, trial_id: int) -> None:
        self._set(trial_id, WITHDRAWN, True)
        self._study.tell(number, state=self._states.FAIL)

    def _set(self, trial_id: int, name: str, value: Any) -> None:
        self._study._storage.set_trial_user_attr(trial_id, name, value)


def counts(trial: Any) -> bool:
    """Whether a trial is one of those that are asked for; if not, nothing was trained of it."""
    return WITHDRAWN not in trial.user_attrs


def run_directory(place: Path, number: int, run: int) -> Path:
    """Where a run of a trial lies in a study's directory."""
    return place / "trials" / f"{number:04d}-s{run}"


def score_of(run: Run, asked: studies.Asked) -> float | None:
    """What a run came to by its evaluations while it trained; the part that its result is of has chosen nothing.

    It is the mean of its last evaluations, or the best of them, as the objective says; None if there was none.
    """
    found = hparams.final(run.evaluations(), score=asked.score, higher_is_better=asked.higher_is_better, threshold=None)
    return found.get("final/best" if asked.objective == "best" else f"final/mean_of_last_{hparams.LAST}")
