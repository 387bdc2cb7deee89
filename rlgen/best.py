"""The best checkpoint of a run that is being written: chosen, kept as long as a resume may need it, found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rlgen import checkpoint, state
from rlgen.algorithm import Algorithm, Evaluation
from rlgen.archive import Archive
from rlgen.checkpoint import Checkpoint
from rlgen.errors import CheckpointDamaged, UserError
from rlgen.evaluator import better
from rlgen.run import Run


class Best:
    """What `best/` holds, held against what the other checkpoints say of it.

    Attributes:
        known: the `step` and the `score` of the best one so far; None before the first evaluation. Every checkpoint
            keeps it, so that a best one that is lost is missed.
    """

    def __init__(self, run: Run, algorithm: Algorithm, tell: Callable[[str], None]) -> None:
        """Of a new run; `tell` is told what was lost."""
        self._run, self._algorithm, self._tell = run, algorithm, tell
        self.known: dict[str, Any] | None = None

    def offer(self, step: int, found: Evaluation, weights: Callable[[], state.Arrays]) -> None:
        """Keep what an evaluation was made of if it is the best one so far."""
        if better(self._algorithm, found, None if self.known is None else self.known["score"]):
            self._keep(step, weights(), float(found.scalars[self._algorithm.score]))

    def sweep(self) -> None:
        """Delete those that neither the run nor one of its checkpoints calls the best any more."""
        wanted = {kept.step: kept for kept in checkpoint.listed(self._run.checkpoints)}
        called = [self.known, *(_known(kept) for kept in wanted.values())]
        checkpoint.keep_only(self._run.best, {each["step"] for each in called if each})

    def take_back(self, step: int, known: dict[str, Any] | None) -> None:
        """Be what it was at a checkpoint, as far as it is there.

        Args:
            step: of the checkpoint.
            known: what it said.
        """
        checkpoint.drop_after(self._run.best, step)
        self.known = known
        if known is not None:
            self._find()
        self.sweep()

    def load(self) -> tuple[int, Archive]:
        """Its step and its arrays.

        Raises:
            UserError: it is lost.
        """
        if self.known is not None:
            self._find()
        if self.known is None:
            raise UserError(f"{self._run.best} holds no best checkpoint to report. Train for more steps (--steps).")
        step = self.known["step"]
        return step, Checkpoint(self._run.best / checkpoint.name_of(step)).load()

    @property
    def lost_step(self) -> int | None:
        """The step of an evaluation that was better than the best one that is left; None: nothing was lost."""
        sign = 1 if self._algorithm.higher_is_better else -1
        found = {step: sign * score for step, score in self._scores().items()}
        if self.known is None or not found or max(found.values()) <= sign * self.known["score"]:
            return None
        return max(found, key=lambda step: (found[step], step))

    def _find(self) -> None:
        """See that it is there; if not, put the best one in its place whose weights are left."""
        assert self.known is not None
        step, score = self.known["step"], self.known["score"]
        lost = fault_of(self._run.best, step)
        if lost is None:
            return
        # A checkpoint holds all that the best one does.
        scores = self._scores() | {step: score}
        kept = [each for each in checkpoint.listed(self._run.checkpoints) if each.step in scores]
        left = [each for each in kept if fault_of(self._run.checkpoints, each.step) is None]
        text = f"The best checkpoint, of step {step:,} with {self._algorithm.score} {score:,.6g}, is lost: {lost}"
        if not left:
            self.known = None
            self._tell(f"{text} The next evaluation is the best one from here on.")
            return
        sign = 1 if self._algorithm.higher_is_better else -1
        found = max(left, key=lambda each: (sign * scores[each.step], each.step))
        again = "It was made again from" if found.step == step else "The best one that is left takes its place:"
        self._tell(f"{text} {again} {found.path}, {self._algorithm.score} {scores[found.step]:,.6g}.")
        checkpoint.drop_after(self._run.best, -1)
        self._keep(found.step, state.part(self._algorithm.inference_state(), found.load()), scores[found.step])

    def _scores(self) -> dict[int, float]:
        """What the evaluations that can be read found, by step."""
        name = self._algorithm.score
        return {row["step"]: row[name] for row in self._run.evaluations() if name in row}

    def _keep(self, step: int, arrays: state.Arrays, score: float) -> None:
        self.known = {"step": step, "score": score}
        checkpoint.save(self._run.best, step=step, arrays=arrays, about={"score": score})


def _known(kept: Checkpoint) -> dict[str, Any] | None:
    """What a checkpoint calls the best one; None if it is damaged."""
    try:
        return known_in(kept.manifest())
    except CheckpointDamaged:
        return None


def known_in(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """What a checkpoint's manifest calls the best one.

    Raises:
        UserError: it is no step and score.
    """
    known = manifest.get("best")
    if known is None:
        return None
    if not isinstance(known, dict) or type(known.get("step")) is not int or type(known.get("score")) is not float:
        raise UserError(f"A checkpoint says of the best one {known!r}, which is no step and score.")
    return known


def fault_of(directory: Path, step: int) -> str | None:
    """What is wrong with the checkpoint of a step; None if it is whole."""
    for kept in checkpoint.listed(directory):
        if kept.step == step:
            try:
                kept.load()
            except CheckpointDamaged as error:
                return str(error)
            return None
    return f"{directory} does not hold it."
