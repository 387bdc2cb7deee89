"""Who is called while training goes on: to watch it, to add figures of one's own, to end it early."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rlgen.algorithm import Algorithm, Evaluation
from rlgen.errors import UserError, nearest
from rlgen.run import Run


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where training stands when a hook is called; to be read, not changed.

    Attributes:
        step: steps done.
        steps: steps asked for in all; a callback that stops the run ends it before them.
        algorithm: what learns. Look at it as you like, `act` or `sample` with it, but leave training it alone.
        path: the run's directory.
        scalars: in `chunk`, what the chunk returned, by TensorBoard name; empty in the other hooks.
        evaluation: in `evaluation`, what was found; None in the other hooks.
        stopped: in `end`, why a callback ended the run; None if none did.
        error: in `end`, the exception that ended training; None if it ended well.
    """

    step: int
    steps: int
    algorithm: Algorithm
    path: Path
    scalars: Mapping[str, float] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    stopped: str | None = None
    error: BaseException | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a hook has to say. Names begin with the callback's own and a slash: `my_callback/margin`.

    Attributes:
        stop: why the run should end here; None to go on.
        scalars: name to a finite number.
        images: name to a uint8 picture, [height, width, 1, 3 or 4].
        texts: name to Markdown.
    """

    stop: str | None = None
    scalars: Mapping[str, float] = field(default_factory=dict)
    images: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


class Callback:
    """Base of every callback: hooks that do nothing, to be overridden where there is something to do.

    A hook that raises ends training after the chunk it was called in: the run is saved, then the exception
    goes on to whoever called `train`. The other callbacks are told who it was.

    Attributes:
        name: what its scalars, pictures and texts are filed under; the class's name in snake case unless given.
        due_steps: steps at which a chunk ends, so that its hook is called there: at the next multiple of the
            algorithm's quantum. What is learned does not depend on where chunks end.
    """

    name: str = "callback"
    due_steps: tuple[int, ...] = ()

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).strip("_").lower()

    def start(self, moment: Moment) -> None:
        """Training begins, or goes on after a resume; `moment.step` says from where."""

    def chunk(self, moment: Moment) -> Reply | None:
        """A chunk of steps is done."""

    def evaluation(self, moment: Moment) -> Reply | None:
        """An evaluation on the validation split is done."""

    def checkpoint(self, moment: Moment) -> None:
        """A checkpoint of `moment.step` was written."""

    def end(self, moment: Moment) -> None:
        """Training is over, one way or another; always called, the place to let go of things."""

    def message(self, text: str) -> None:
        """Something a person should read once."""


class _Watcher(Callback):
    """What the callbacks share that watch one scalar of the evaluations."""

    def __init__(self, scalar: str | None, higher_is_better: bool | None) -> None:
        if scalar is not None and higher_is_better is None:
            raise UserError(
                f"Is more of '{scalar}' better, or less? Say higher_is_better=True or False; only the direction of "
                "the algorithm's own score, which is watched without scalar=, is known."
            )
        if scalar is None and higher_is_better is not None:
            raise UserError(
                f"higher_is_better={higher_is_better} goes with scalar=; the direction of the algorithm's own score is "
                "the algorithm's. Leave it out, or say which scalar you mean."
            )
        self._scalar, self._higher = scalar, higher_is_better

    def _name_in(self, algorithm: Algorithm) -> str:
        return self._scalar or algorithm.score

    def _more_is_better(self, algorithm: Algorithm) -> bool:
        return algorithm.higher_is_better if self._higher is None else self._higher

    def _value(self, moment: Moment) -> float:
        """The scalar's value in the evaluation.

        Raises:
            UserError: it has no scalar of that name.
        """
        assert moment.evaluation is not None
        found, name = moment.evaluation.scalars, self._name_in(moment.algorithm)
        if name not in found:
            raise UserError(
                f"{type(self).__name__} watches '{name}', which an evaluation of {type(moment.algorithm).__name__} "
                f"does not report.{nearest(name, found)} It reports {', '.join(found)}."
            )
        return found[name]


class EarlyStopping(_Watcher):
    """Ends the run when a scalar of the evaluations has not improved for some of them.

    A resumed run counts on from the evaluations it has behind it, as if it had never been stopped.
    """

    def __init__(
        self,
        *,
        patience_evaluations: int,
        scalar: str | None = None,
        higher_is_better: bool | None = None,
        min_improvement: float = 0.0,
    ) -> None:
        """Set how long to wait for what.

        Args:
            patience_evaluations: how many evaluations in a row without improvement end the run, at least 1.
            scalar: name of a scalar of the evaluations; the algorithm's score unless given.
            higher_is_better: the direction of `scalar`, needed with it and only then.
            min_improvement: how much better than the best one so far counts, in the scalar's unit: more than this.

        Raises:
            UserError: a value out of range, or a scalar without its direction.
        """
        super().__init__(scalar, higher_is_better)
        if patience_evaluations < 1:
            raise UserError(f"patience_evaluations={patience_evaluations} is out of range: it must be >= 1.")
        if not 0 <= min_improvement < float("inf"):
            raise UserError(f"min_improvement={min_improvement} is out of range: it must be >= 0 and finite.")
        self._patience, self._least = patience_evaluations, min_improvement
        self._values: list[float] = []

    def start(self, moment: Moment) -> None:
        """Take up the evaluations that the run has behind it."""
        name = self._name_in(moment.algorithm)
        rows = Run(moment.path).evaluations()
        self._values = [row[name] for row in rows if row["step"] <= moment.step and name in row]

    def evaluation(self, moment: Moment) -> Reply | None:
        """Count, and stop when it is enough."""
        self._values.append(self._value(moment))
        waited = evaluations_without_improvement(
            self._values, higher_is_better=self._more_is_better(moment.algorithm), min_improvement=self._least
        )
        if waited < self._patience:
            return None
        times = f"{waited} evaluation{'s' * (waited > 1)}"
        return Reply(stop=f"no improvement of {self._name_in(moment.algorithm)} in {times}")


class StopAtTarget(_Watcher):
    """Ends the run when an evaluation reaches a value."""

    def __init__(self, *, value: float, scalar: str | None = None, higher_is_better: bool | None = None) -> None:
        """Set the target.

        Args:
            value: what is enough, in the scalar's unit.
            scalar: name of a scalar of the evaluations; the algorithm's score unless given.
            higher_is_better: the direction of `scalar`, needed with it and only then.

        Raises:
            UserError: the value is not finite, or a scalar comes without its direction.
        """
        super().__init__(scalar, higher_is_better)
        if not np.isfinite(value):
            raise UserError(f"value={value} can never be reached: give a finite number.")
        self._target = value

    def evaluation(self, moment: Moment) -> Reply | None:
        """Stop if the value is there."""
        value = self._value(moment)
        reached = value >= self._target if self._more_is_better(moment.algorithm) else value <= self._target
        if not reached:
            return None
        return Reply(stop=f"{self._name_in(moment.algorithm)} {value:,.6g} reached the target {self._target:,.6g}")


class StopAfter(Callback):
    """Ends the run after some time, at the end of the chunk or evaluation in which it is over.

    Time is counted from where training begins or goes on: a resumed run has it all again.
    """

    def __init__(self, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Set how long.

        Args:
            seconds: the time, above 0. Compilation counts; the last evaluation comes on top.
            clock: tells the time in seconds, from anywhere.

        Raises:
            UserError: the time is not above 0.
        """
        if not seconds > 0:
            raise UserError(f"seconds={seconds} is out of range: it must be > 0.")
        self._seconds, self._clock = seconds, clock
        self._begun = clock()

    def start(self, moment: Moment) -> None:
        """Begin to count."""
        self._begun = self._clock()

    def chunk(self, moment: Moment) -> Reply | None:
        """Stop if it is time."""
        over = self._clock() - self._begun >= self._seconds
        return Reply(stop=f"the {self._seconds:,g} seconds it had are over") if over else None

    def evaluation(self, moment: Moment) -> Reply | None:
        """Stop if it is time."""
        return self.chunk(moment)


def evaluations_without_improvement(
    values: Sequence[float], *, higher_is_better: bool, min_improvement: float = 0.0
) -> int:
    """How many of the last values, in order, were no better than the best one before them by more than a margin.

    >>> evaluations_without_improvement([1.0, 3.0, 2.0, 3.0], higher_is_better=True)
    2
    """
    best, waited = None, 0
    for value in values if higher_is_better else (-value for value in values):
        if best is None or value - best > min_improvement:
            best, waited = value, 0
        else:
            waited += 1
    return waited
