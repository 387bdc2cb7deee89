"""What a run of a trial tells the study: each evaluation, and it ends where the pruner says so."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from rlgen.callbacks import Callback, Moment, Reply
from rlgen.errors import RlgenError
from rlgen.sweeps import study as studies

# What a result's `stopped` begins with, of a run that was cut short.
PRUNED = "pruned"


class Reporter(Callback):
    """Reports evaluations of one run of a trial.

    Runs of a trial, one for each seed, count as one long run: those of other trials are compared at the same place.
    """

    def __init__(self, *, study: str, storage: str | None, pruner: str, trial: int, run: int) -> None:
        """Say whose run it is.

        Args:
            study: its directory.
            storage: the URL of its database; None: in the directory.
            pruner: its name.
            trial: Optuna's id of it in the storage.
            run: which of its runs, from 0.
        """
        self._study, self._asked = _opened(study, storage)
        self._study.pruner = studies.make_pruner(pruner, self._asked)
        self._trial_id, self._run = trial, run

    def evaluation(self, moment: Moment) -> Reply | None:
        """Report, and ask whether to go on."""
        assert moment.evaluation is not None
        asked = self._asked
        value = moment.evaluation.scalars[asked.score]
        place = self._run * asked.evaluations + moment.step // asked.evaluate_every_steps
        last = moment.step >= moment.steps and self._run + 1 == asked.seeds
        optuna = studies.import_optuna()
        try:
            enough = self._report(value, place)
        except optuna.exceptions.UpdateFinishedTrialError:
            return Reply(stop="another process has ended the trial")
        if enough and not last:
            return Reply(stop=f"{PRUNED}: {asked.score} {value:,.6g} at step {moment.step:,}")
        return None

    def _report(self, value: float, place: int) -> bool:
        """Whether the pruner has seen enough."""
        optuna = studies.import_optuna()
        try:
            trial = optuna.trial.Trial(self._study, self._trial_id)
            trial.report(value, place)
            return bool(trial.should_prune())
        except optuna.exceptions.UpdateFinishedTrialError:
            raise
        except Exception as error:
            raise studies.StorageTrouble(f"The study cannot be told of an evaluation: {error}") from error


@functools.lru_cache(maxsize=1)
def _opened(study: str, storage: str | None) -> tuple[Any, studies.Asked]:
    """The study, which a process reads once."""
    try:
        return studies.open_study(Path(study), storage)
    except RlgenError as error:
        raise studies.StorageTrouble(str(error)) from error
