"""The loop: chunks of training, summaries, evaluation, checkpoints, resume. It knows the contract and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rlgen import checkpoint, state
from rlgen.algorithm import Algorithm
from rlgen.callbacks import Callback, Moment
from rlgen.errors import Diverged, Interrupted, UserError
from rlgen.evaluator import Evaluator, better
from rlgen.hooks import Hooks
from rlgen.media import save_images
from rlgen.pace import Pace
from rlgen.run import Run
from rlgen.signals import Signals, going_on, untouched
from rlgen.summary import SummaryWriter, append_line, drop_lines_after
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
        self.step = self._steps = 0
        self._best: float | None = None

    def resume(self) -> int:
        """Take up the newest whole checkpoint; returns its step, 0 if the run was stopped before its first.

        Raises:
            UserError: all are damaged, or written with another configuration.
        """
        if not checkpoint.listed(self.run.checkpoints):
            return 0
        good, arrays, faults = checkpoint.newest_good(self.run.checkpoints)
        for fault in faults:
            self.hooks.message(f"{fault} Going on from step {good.step:,} instead.")
        state.write(self.algorithm.state(), arrays)
        self.step = good.step
        for name in ("stats.jsonl", "evaluations.jsonl"):
            drop_lines_after(self.run.path / name, self.step)
        # Later ones are damaged; left there, they would count among those that are kept.
        checkpoint.drop_after(self.run.checkpoints, self.step)
        checkpoint.drop_after(self.run.best, self.step)
        try:
            self._best = checkpoint.newest_good(self.run.best)[0].manifest()["scalars"][self.algorithm.score]
        except UserError:
            self._best = None  # Nothing was evaluated yet, or it is lost: the next evaluation is the best one.
        return self.step

    def train(self, steps: int) -> dict[str, Any]:
        """Train until `steps` steps are done in all, or a callback stops the run; returns what `result.json` holds.

        A number that is not a multiple of the algorithm's quantum is rounded up.

        Raises:
            UserError: nothing to do.
            Diverged: a scalar is not finite; the last good checkpoint is kept.
            Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
            RlgenError: a checkpoint could not be written.
            Exception: what a callback raised, after the run was saved.
        """
        quantum = self.algorithm.step_quantum
        steps = math.ceil(steps / quantum) * quantum
        if steps <= self.step:
            raise UserError(f"{self.run.path} is at step {self.step:,} already; ask for more than that with --steps.")
        config = self.config.resolved(steps)
        train_log, eval_log = (
            SummaryWriter(self.run.path / "summaries" / name, resumed_at=self.step or None)
            for name in ("train", "eval")
        )
        first, error = self.step, None
        self._steps, self.pace = steps, Pace(evaluation_share=config.evaluation_share)
        try:
            self.hooks.start(self._moment())
            if not checkpoint.listed(self.run.checkpoints):
                self._save()
            self.hooks.raise_fault()
            with Signals(self.hooks.message, advice=lambda: untouched(self.run, steps)) as signals:
                while not self._over:
                    self._chunk(config, train_log, eval_log, signals)
            if self._stopped:
                self.hooks.message(f"Stopped at step {self.step:,}: {self._stopped}.")
            result = self._finish(self.step - first, self.pace.seconds)
            self.run.write_result(result)
        except BaseException as raised:
            error = raised
            raise
        finally:
            train_log.close()
            eval_log.close()
            self.hooks.end(self._moment(error=error))
        self.hooks.raise_fault()
        return result

    @property
    def _over(self) -> bool:
        return self.step >= self._steps or self.hooks.stopped is not None

    @property
    def _stopped(self) -> str | None:
        """Why there are fewer steps than were asked for."""
        return self.hooks.stopped if self.step < self._steps else None

    def _moment(self, **about: Any) -> Moment:
        """What a hook is told, with what is said to this one alone."""
        return Moment(
            step=self.step,
            steps=self._steps,
            algorithm=self.algorithm,
            path=self.run.path,
            stopped=self._stopped,
            **about,
        )

    def _chunk(
        self, config: TrainerConfig, train_log: SummaryWriter, eval_log: SummaryWriter, signals: Signals
    ) -> None:
        """Train to the next place where something is due, and do it."""
        evaluate_every, save_every = config.intervals(self.algorithm.step_quantum)
        # The next multiple of each.
        places = ((self.step // n + 1) * n for n in (self.algorithm.chunk_steps, evaluate_every, save_every))
        end = min(self._steps, *places)
        before, seconds = self.step, self.pace.training_seconds
        with self.pace.training():
            scalars = self.algorithm.train(end - before)
        self.step = end
        scalars["time/fps"] = (end - before) / (self.pace.training_seconds - seconds)
        self._check_finite(scalars, before)
        reply = self.hooks.chunk(self._moment(scalars=scalars))
        scalars |= reply.scalars
        train_log.add(end, scalars, reply.images, reply.texts)
        append_line(self.run.path / "stats.jsonl", {"step": end, **scalars})
        if self._over or (end % evaluate_every == 0 and self._affords_evaluation()):
            with self.pace.evaluation():
                self._evaluate(eval_log)
        if self._over or end % save_every == 0 or signals.received or self.hooks.fault:
            train_log.flush()
            eval_log.flush()
            self._save()
        if self._over:
            return
        self.hooks.raise_fault()
        if signals.received:
            raise Interrupted(
                f"Stopped by {signals.received} at step {end:,}, which is saved. {going_on(self.run, self._steps)}"
            )

    def _affords_evaluation(self) -> bool:
        if self.pace.affords_evaluation():
            return True
        if self.pace.left_out == 1:
            self.hooks.message("Evaluations take more than their share of the time: from now on some are left out.")
        return False

    def _evaluate(self, log: SummaryWriter) -> None:
        evaluation = self.evaluator.evaluate(self.algorithm, split="validation")
        self._check_finite(evaluation.scalars, self.step)
        reply = self.hooks.evaluation(self._moment(evaluation=evaluation))
        scalars = {**evaluation.scalars, **reply.scalars}
        log.add(self.step, scalars, {**evaluation.images, **reply.images}, {**evaluation.texts, **reply.texts})
        append_line(self.run.path / "evaluations.jsonl", {"step": self.step, **scalars})
        if better(self.algorithm, evaluation, self._best):
            self._best = evaluation.scalars[self.algorithm.score]
            arrays = self._weights()
            checkpoint.save(self.run.best, step=self.step, arrays=arrays, about={"scalars": dict(evaluation.scalars)})

    def _save(self) -> None:
        self._weights()
        arrays = state.read(self.algorithm.state())
        about = {"algorithm": self.run.config.algorithm}
        checkpoint.save(self.run.checkpoints, step=self.step, arrays=arrays, about=about)
        checkpoint.keep_last(self.run.checkpoints, self.config.keep_checkpoints)
        # Only now: until this step is saved, a resume may need the best checkpoint before this one.
        checkpoint.keep_last(self.run.best, 1)
        self.hooks.checkpoint(self._moment())

    def _weights(self) -> state.Arrays:
        """What using the result needs, known to be finite."""
        arrays = state.read(self.algorithm.inference_state())
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise Diverged(self._diverged(f"the weights '{name}' are not finite", self.step))
        return arrays

    def _finish(self, steps: int, seconds: float) -> dict[str, Any]:
        """Report the best checkpoint on the test split; the algorithm goes back to where training ended."""
        best, arrays, _ = checkpoint.newest_good(self.run.best)
        inference = self.algorithm.inference_state()
        last = state.read(inference)
        state.write(inference, arrays)
        evaluation = self.evaluator.evaluate(self.algorithm, split="test")
        state.write(self.algorithm.inference_state(), last)
        save_images(self.run, evaluation)
        config = vars(self.run.config)
        return {
            "run": str(self.run.path),
            **{name: config[name] for name in ("algorithm", "problem", "engine", "preset", "seed")},
            "steps": self.step,
            "stopped": self._stopped,
            "step_unit": self.algorithm.step_unit,
            "seconds": round(seconds, 3),
            "steps_per_second": round(steps / seconds, 1),
            "training_steps_per_second": round(steps / self.pace.training_seconds, 1),
            "evaluations_left_out": self.pace.left_out,
            "best_step": best.step,
            "score": self.algorithm.score,
            "episodes": evaluation.episodes,
            "evaluation": dict(evaluation.scalars),
        }

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
