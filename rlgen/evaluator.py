"""Judging what an algorithm learned: always the same way, always on what it never trained on."""

from __future__ import annotations

import math

from rlgen import runtime
from rlgen.algorithm import Algorithm, Evaluation, Split
from rlgen.config import coerce, read_seed
from rlgen.errors import Diverged, RlgenError, UserError
from rlgen.values import MOST_EPISODES, shown


class Evaluator:
    """Evaluates any algorithm through its contract.

    One seed decides all it draws. Each split gets a seed of its own derived from it, so that no algorithm can
    choose the best checkpoint ("validation") by the draws that then report it ("test").
    """

    def __init__(self, *, episodes: int = 20, seed: int = 0) -> None:
        """Set how much to average over.

        Args:
            episodes: episodes, sample sets or passes.
            seed: of the evaluations.

        Raises:
            UserError: no episodes, or more than `MOST_EPISODES`, or no seed.
        """
        self.episodes, self.seed = coerce("episodes", episodes, int), read_seed(seed)
        if self.episodes < 1:
            raise UserError(f"An evaluation needs at least one episode, not {self.episodes}.")
        if self.episodes > MOST_EPISODES:
            raise UserError(
                f"episodes={shown(self.episodes)}: an evaluation averages over {MOST_EPISODES:,} at most, where the "
                "mean is off by a 300th of the deviation. Ask for fewer."
            )

    def evaluate(self, algorithm: Algorithm, *, split: Split = "test") -> Evaluation:
        """What the algorithm is worth; its training state is left as it was."""
        seed = runtime.derive_seed(self.seed, split)
        return algorithm.evaluate(episodes=self.episodes, seed=seed, split=split)

    def judge(self, algorithm: Algorithm) -> Evaluation:
        """What is to be reported of the algorithm: it was chosen by nothing of this, and all of it are numbers.

        Raises:
            Diverged: something is not finite.
        """
        found = self.evaluate(algorithm, split="test")
        for name, value in found.scalars.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"An evaluation found that '{name}' is {value}, so nothing can be said of what was learned. Look "
                    "at another checkpoint (rlgen evaluate RUN --checkpoint last), or train with a smaller learning "
                    "rate."
                )
        return found


def better(algorithm: Algorithm, new: Evaluation, best: float | None) -> bool:
    """Whether `new` beats the best score so far; a tie goes to the later one, which has learned longer.

    Raises:
        RlgenError: the evaluation lacks the algorithm's own score.
    """
    if algorithm.score not in new.scalars:
        name, found = type(algorithm).__name__, ", ".join(new.scalars)
        raise RlgenError(f"{name}.evaluate() does not report its own score '{algorithm.score}', only {found}.")
    score = new.scalars[algorithm.score]
    if best is None:
        return True
    return score >= best if algorithm.higher_is_better else score <= best
