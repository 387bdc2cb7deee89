"""The loop: chunks of training, summaries, evaluation, checkpoints, resume. It knows the contract and nothing else."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rlgen import best, checkpoint, keeping, lock, state
from rlgen.algorithm import Algorithm
from rlgen.archive import Archive
from rlgen.best import Best
from rlgen.callbacks import Callback, Moment
from rlgen.errors import Diverged, Interrupted, UserError
from rlgen.evaluator import Evaluator
from rlgen.finish import finish
from rlgen.hooks import Hooks
from rlgen.pace import Pace
from rlgen.records import Records, marks_in, take_back
from rlgen.run import Run
from rlgen.signals import Signals, going_on, untouched
from rlgen.trainer_config import TrainerConfig


class Trainer:
    """Trains any algorithm in a run's directory.

    A chunk of steps is one call of `Algorithm.train`; between chunks the Trainer writes what it returned,
    and where they are due evaluates and saves. Chunks end at multiples of the algorithm's chunk, so a run
    that was stopped and resumed is cut in the same places as one that was not.
    """

    def __init__(
        self,
        *,
        algorithm: Algorithm,
        run: Run,
        config: TrainerConfig | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        """Take what learns, the run it is written to, and who is called while it learns, in order.

        Raises:
            UserError: `callbacks` has something that is none.
        """
        self.algorithm, self.run, self.config = algorithm, run, config or TrainerConfig()
        self.hooks = Hooks((*callbacks, *self.config.callbacks()))
        self.evaluator = Evaluator(episodes=self.config.evaluation_episodes, seed=algorithm.seed)
        self.best = Best(run, algorithm, self.hooks.message)
        self.pace = Pace(evaluation_share=self.config.evaluation_share)
        self.step = self._steps = 0
        self.stopped: str | None = None

    def resume(self) -> int:
        """Take up the newest whole checkpoint; returns its step, 0 if the run was stopped before its first.

        Raises:
            UserError: all are damaged or lost, or written with another configuration; or another process trains.
            OSError: the run cannot be written.
        """
        with lock.locked(self.run.path):
            self.run.make_ready()
            if not self.run.begun():
                return 0
            good, arrays, faults = checkpoint.newest_good(self.run.checkpoints, closely=True)
            for fault in faults:
                self.hooks.message(f"{fault} Going on from step {good.step:,} instead.")
            self._take_up(good, arrays)
        return self.step

    def _take_up(self, good: checkpoint.Checkpoint, arrays: Archive) -> None:
        known, marks = best.known_in(manifest := good.manifest()), marks_in(manifest)
        state.require_finite(self.algorithm.inference_state(), arrays)
        for said in keeping.take_up(good, arrays, self.algorithm):
            self.hooks.message(said)
        self.step, self.stopped = good.step, manifest.get("stopped")
        # Later ones are damaged; left there, they would count among those that are kept.
        checkpoint.drop_after(self.run.checkpoints, self.step)
        checkpoint.keep_last(self.run.checkpoints, self.config.keep_checkpoints)
        for said in take_back(self.run, step=self.step, marks=marks):
            self.hooks.message(said)
        self.best.take_back(self.step, known)

    def train(self, steps: int) -> dict[str, Any]:
        """Train until `steps` steps are done in all, or a callback stops the run; returns what `result.json` holds.

        A number that is not a multiple of the algorithm's quantum is rounded up.

        Raises:
            UserError: nothing to do, or another process trains.
            Diverged: a scalar is not finite; the last good checkpoint is kept.
            Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
            RlgenError: a checkpoint could not be written.
            Exception: what a callback raised, after the run was saved.
        """
        steps = self.whole_steps(steps)
        if steps <= self.step:
            raise UserError(f"{self.run.path} is at step {self.step:,} already; ask for more than that with --steps.")
        with lock.locked(self.run.path), Signals(self.hooks.message, advice=lambda: untouched(self.run)) as signals:
            self.run.make_ready()
            self.run.forget_result()
            return self._trained(steps, signals)

    def finish(self) -> dict[str, Any]:
        """Make what a run lacks that has done all its steps: its final evaluation, pictures and `result.json`.

        Raises:
            OSError: it cannot be written.
            UserError: the best checkpoint is lost.
        """
        with lock.locked(self.run.path):
            self.run.make_ready()
            self._steps = self.step
            with contextlib.closing(Records(self.run, resumed_at=self.step)) as self.records:
                return self._finish(0)

    def whole_steps(self, steps: int) -> int:
        """So many steps as multiples of the algorithm's quantum."""
        return math.ceil(steps / self.algorithm.step_quantum) * self.algorithm.step_quantum

    def _trained(self, steps: int, signals: Signals) -> dict[str, Any]:
        config = self.config.resolved(steps)
        first, error, self.stopped = self.step, None, None
        self._steps, self.pace = steps, Pace(evaluation_share=config.evaluation_share)
        self.records = Records(self.run, resumed_at=self.step or None)
        try:
            self.records.board.begin(self.algorithm, config)
            self.hooks.start(self._moment())
            if not checkpoint.listed(self.run.checkpoints):
                self._save()
            self.hooks.raise_fault()
            while not self._over:
                self._chunk(config, signals)
            if self.stopped:
                self.hooks.message(f"Stopped at step {self.step:,}: {self.stopped}.")
            result = self._finish(self.step - first)
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                self.records.close()
            finally:
                self.hooks.end(self._moment(error=error))
        self.hooks.raise_fault()
        return result

    @property
    def _over(self) -> bool:
        return self.step >= self._steps or self.hooks.stopped is not None

    def _moment(self, **about: Any) -> Moment:
        """What a hook is told, with what is said to this one alone."""
        return Moment(
            step=self.step,
            steps=self._steps,
            algorithm=self.algorithm,
            path=self.run.path,
            stopped=self.stopped,
            **about,
        )

    def _chunk(self, config: TrainerConfig, signals: Signals) -> None:
        """Train to the next place where something is due, and do it."""
        evaluate_every, save_every = config.intervals(self.algorithm.step_quantum)
        # The next multiple of each.
        places = ((self.step // n + 1) * n for n in (self.algorithm.chunk_steps, evaluate_every, save_every))
        end = min(self._steps, *places, *map(self.whole_steps, self.hooks.due_after(self.step)))
        before, seconds = self.step, self.pace.training_seconds
        with self.pace.training():
            scalars = self.algorithm.train(end - before)
        self.step = end
        scalars["time/fps"] = (end - before) / (self.pace.training_seconds - seconds)
        self._check_finite(scalars, before)
        reply = self.hooks.chunk(self._moment(scalars=scalars))
        self.records.chunk(end, scalars, reply)
        if self._over or (end % evaluate_every == 0 and self._affords_evaluation()):
            with self.pace.evaluation():
                self._evaluate()
        if self._over or end % save_every == 0 or signals.received or self.hooks.fault:
            self._save()
        if self._over:
            return
        self.hooks.raise_fault()
        if signals.received:
            raise Interrupted(f"Stopped by {signals.received} at step {end:,}, which is saved. {going_on(self.run)}")

    def _affords_evaluation(self) -> bool:
        if self.algorithm.heeds_evaluations or self.pace.affords_evaluation():
            return True
        if self.pace.left_out == 1:
            self.hooks.message("Evaluations take more than their share of the time: from now on some are left out.")
        return False

    def _evaluate(self) -> None:
        evaluation = self.evaluator.evaluate(self.algorithm, split="validation")
        self._check_finite(evaluation.scalars, self.step)
        reply = self.hooks.evaluation(self._moment(evaluation=evaluation))
        self.records.evaluation(self.step, evaluation, reply)
        self.algorithm.heed(evaluation)
        self.best.offer(self.step, evaluation, self._weights)

    def _save(self) -> None:
        self._weights()
        if self.step < self._steps:
            self.stopped = self.hooks.stopped
        about = {
            "run": self.run.row,
            "stopped": self.stopped,
            "best": self.best.known,
            "records": self.records.sync(),
        }
        place, spare = self.run.checkpoints, self.config.checkpoint_replay
        keeping.save(place, step=self.step, algorithm=self.algorithm, about=about, spare=spare)
        checkpoint.keep_last(place, self.config.keep_checkpoints)
        self.best.sweep()
        self.hooks.checkpoint(self._moment())

    def _weights(self) -> state.Arrays:
        """What using the result needs, known to be finite."""
        arrays = state.read(self.algorithm.inference_state())
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise Diverged(self._diverged(f"the weights '{name}' are not finite", self.step))
        return arrays

    def _finish(self, steps: int) -> dict[str, Any]:
        """Complete the run, after so many steps of training without a break."""
        return finish(
            *(self.run, self.algorithm, self.evaluator, self.best, self.records.board),
            config=self.config,
            step=self.step,
            stopped=self.stopped,
            pace=self.pace.report(steps),
        )

    def _check_finite(self, scalars: Mapping[str, float], before: int) -> None:
        for name, value in scalars.items():
            if not math.isfinite(value):
                raise Diverged(self._diverged(f"'{name}' is {value}", before))

    def _diverged(self, what: str, before: int) -> str:
        return (
            f"Training diverged: {what} at step {self.step:,} (finite until step {before:,}). The last good checkpoint "
            f"is that of step {self.run.steps:,} in {self.run.checkpoints}. "
            "A smaller learning rate or a smaller max_grad_norm usually helps."
        )
