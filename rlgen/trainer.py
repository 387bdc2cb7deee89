"""The loop: chunks of training, summaries, evaluation, checkpoints, resume. It knows the contract and nothing else."""

from __future__ import annotations

import dataclasses
import math
import shlex
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from rlgen import checkpoint, state
from rlgen.algorithm import Algorithm
from rlgen.config import Config, option
from rlgen.errors import Diverged, Interrupted, UserError
from rlgen.evaluator import Evaluator, better
from rlgen.media import save_images
from rlgen.reporter import Reporter, Silent
from rlgen.run import Run
from rlgen.summary import SummaryWriter, append_line, drop_lines_after


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig(Config):
    """How a run is judged and kept; none of it changes what is learned."""

    evaluate_every_steps: int | None = option(None, "Steps between evaluations; none: a 20th of the run.", at_least=1)
    evaluation_episodes: int = option(20, "Episodes, sample sets or passes of an evaluation.", at_least=1)
    checkpoint_every_steps: int | None = option(None, "Steps between checkpoints; none: a 20th of the run.", at_least=1)
    keep_checkpoints: int = option(3, "Checkpoints kept, the newest.", at_least=1)

    def resolved(self, steps: int) -> TrainerConfig:
        """With everything that depends on the length of the run filled in."""
        every = max(1, math.ceil(steps / 20))
        return dataclasses.replace(
            self,
            evaluate_every_steps=self.evaluate_every_steps or every,
            checkpoint_every_steps=self.checkpoint_every_steps or every,
        )

    def intervals(self, quantum: int) -> tuple[int, int]:
        """Steps between evaluations and between checkpoints, as multiples of `quantum`; after `resolved`."""
        assert self.evaluate_every_steps and self.checkpoint_every_steps
        evaluate, save = self.evaluate_every_steps, self.checkpoint_every_steps
        return math.ceil(evaluate / quantum) * quantum, math.ceil(save / quantum) * quantum


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
        reporter: Reporter | None = None,
    ) -> None:
        self.algorithm, self.run = algorithm, run
        self.config, self.reporter = config or TrainerConfig(), reporter or Silent()
        self.evaluator = Evaluator(episodes=self.config.evaluation_episodes, seed=algorithm.seed)
        self.step = 0
        self._best: float | None = None
        self._stop: str | None = None

    def resume(self) -> int:
        """Take up the newest whole checkpoint; returns its step, 0 if the run was stopped before its first.

        Raises:
            UserError: all are damaged, or written with another configuration.
        """
        if not checkpoint.listed(self.run.checkpoints):
            return 0
        good, arrays, faults = checkpoint.newest_good(self.run.checkpoints)
        for fault in faults:
            self.reporter.message(f"{fault} Going on from step {good.step:,} instead.")
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
        """Train until `steps` steps are done in all; returns what `result.json` then holds.

        A number that is not a multiple of the algorithm's quantum is rounded up.

        Raises:
            UserError: nothing to do.
            Diverged: a scalar is not finite; the last good checkpoint is kept.
            Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
            RlgenError: a checkpoint could not be written.
        """
        quantum = self.algorithm.step_quantum
        steps = math.ceil(steps / quantum) * quantum
        if steps <= self.step:
            raise UserError(f"{self.run.path} is at step {self.step:,} already; ask for more than that with --steps.")
        config = self.config.resolved(steps)
        resumed_at = self.step or None
        train_log = SummaryWriter(self.run.path / "summaries" / "train", resumed_at=resumed_at)
        eval_log = SummaryWriter(self.run.path / "summaries" / "eval", resumed_at=resumed_at)
        first, start = self.step, time.perf_counter()
        self.reporter.started(step=self.step, steps=steps, unit=self.algorithm.step_unit)
        if not checkpoint.listed(self.run.checkpoints):
            self._save()
        try:
            with self._signals():
                while self.step < steps:
                    self._chunk(steps, config, train_log, eval_log)
            seconds = time.perf_counter() - start
            return self._finish(steps - first, seconds)
        finally:
            train_log.close()
            eval_log.close()
            self.reporter.finished()

    def _chunk(self, steps: int, config: TrainerConfig, train_log: SummaryWriter, eval_log: SummaryWriter) -> None:
        """Train to the next place where something is due, and do it."""
        evaluate_every, save_every = config.intervals(self.algorithm.step_quantum)
        places = (_next_multiple(self.step, n) for n in (self.algorithm.chunk_steps, evaluate_every, save_every))
        end = min(steps, *places)
        begun, before = time.perf_counter(), self.step
        scalars = self.algorithm.train(end - before)
        self.step = end
        scalars["time/fps"] = (end - before) / (time.perf_counter() - begun)
        self._check_finite(scalars, before)
        train_log.scalars(end, scalars)
        append_line(self.run.path / "stats.jsonl", {"step": end, **scalars})
        self.reporter.advanced(end, scalars)
        if end == steps or end % evaluate_every == 0:
            self._evaluate(eval_log)
        if end == steps or end % save_every == 0 or self._stop:
            train_log.flush()
            eval_log.flush()
            self._save()
        if self._stop and end < steps:
            raise Interrupted(
                f"Stopped by {self._stop} at step {end:,}, which is saved. "
                f"Go on with: rlgen train {self.run.config.algorithm} --run {shlex.quote(str(self.run.path))} "
                f"--resume --steps {steps}"
            )

    def _evaluate(self, log: SummaryWriter) -> None:
        evaluation = self.evaluator.evaluate(self.algorithm, split="validation")
        self._check_finite(evaluation.scalars, self.step)
        log.evaluation(self.step, evaluation)
        append_line(self.run.path / "evaluations.jsonl", {"step": self.step, **evaluation.scalars})
        self.reporter.evaluated(self.step, evaluation)
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
        config = self.run.config
        return {
            "run": str(self.run.path),
            "algorithm": config.algorithm,
            "problem": config.problem,
            "engine": config.engine,
            "preset": config.preset,
            "seed": config.seed,
            "steps": self.step,
            "step_unit": self.algorithm.step_unit,
            "seconds": round(seconds, 3),
            "steps_per_second": round(steps / seconds, 1),
            "best_step": best.step,
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

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Let the first SIGINT or SIGTERM stop after the chunk; a second one stops at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, _: Any) -> None:
            if self._stop:
                raise KeyboardInterrupt
            self._stop = signal.Signals(number).name
            self.reporter.message(f"{self._stop}: saving, then stopping.")

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _next_multiple(step: int, every: int) -> int:
    return (step // every + 1) * every
