"""What the Trainer can be told: the fields that begin with `trainer.` on the command line."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from rlgen.callbacks import Callback, EarlyStopping, StopAfter, StopAtTarget
from rlgen.config import Config, option
from rlgen.errors import UserError
from rlgen.profiling import Profile
from rlgen.values import MOST_EPISODES, MOST_STEPS
from rlgen.watchdog import PATIENCE_SECONDS

# Of a run, where nobody says how many; and as many checkpoints.
EVALUATIONS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig(Config):
    """How a run is judged and kept and what ends it early; none of it changes what is learned until then."""

    # As the number of steps may be another one when a run goes on, so may these: what ends it, what is shown of it,
    # and the rest.
    ENDINGS: ClassVar[tuple[str, ...]] = (
        *("patience_evaluations", "patience_scalar", "patience_higher_is_better"),
        *("stop_at_score", "stop_after_seconds"),
    )
    SHOWN: ClassVar[tuple[str, ...]] = (
        *("histograms_every_evaluations", "graph", "film", "embedding", "score_threshold", "profile"),
    )
    changeable: ClassVar[tuple[str, ...]] = (*ENDINGS, *SHOWN, "checkpoint_replay", "step_timeout_seconds")

    evaluate_every_steps: int | None = option(
        None, "Steps between evaluations; none: a 20th of the run.", at_least=1, at_most=MOST_STEPS
    )
    evaluation_episodes: int = option(
        20, "Episodes, sample sets or passes of an evaluation.", at_least=1, at_most=MOST_EPISODES
    )
    evaluation_share: float = option(
        0.2,
        "Largest share of the time that evaluations take; beyond it, and half a minute, they are left out.",
        above=0,
        at_most=1,
    )
    checkpoint_every_steps: int | None = option(
        None, "Steps between checkpoints; none: a 20th of the run.", at_least=1, at_most=MOST_STEPS
    )
    keep_checkpoints: int = option(3, "Checkpoints kept, the newest.", at_least=1)
    checkpoint_replay: bool = option(
        True, "Keep the replay in checkpoints; a run without it fills another one when it goes on, before it learns."
    )
    patience_evaluations: int | None = option(
        None, "Stop after so many evaluations in a row without a better score; none: never.", at_least=1
    )
    patience_scalar: str | None = option(
        None, "Scalar of the evaluations, such as eval/loss, that patience watches; none: the score."
    )
    patience_higher_is_better: bool | None = option(
        None, "Whether more of it is better; has to be said with patience_scalar."
    )
    stop_at_score: float | None = option(None, "Stop when an evaluation reaches this score; none: never.")
    stop_after_seconds: float | None = option(
        None, "Stop after so many seconds, counted anew by a resume; none: never.", above=0
    )

    histograms_every_evaluations: int | None = option(
        1,
        "Evaluations from one histogram of weights, gradients, values and the like to the next; none: never.",
        at_least=1,
    )
    graph: bool = option(True, "Draw the networks' graph for TensorBoard.")
    film: bool = option(True, "Film the result at work in the end, where it can be filmed.")
    embedding: bool = option(True, "Put what the result makes of examples inside into TensorBoard's projector.")
    score_threshold: float | None = option(
        None, "Score that counts as solved: how many steps it took is noted. None: the problem's own, if it has one."
    )
    profile: str | None = option(None, "Steps to profile, such as 1000:1100; none: no profile.")

    step_timeout_seconds: float | None = option(
        PATIENCE_SECONDS,
        "Seconds within which a step, a reset and a constructor of an environment have to return; none: any time.",
        above=0,
    )

    def check(self) -> None:
        """Refuse a scalar without a direction, or without patience."""
        if (self.patience_scalar is None) != (self.patience_higher_is_better is None):
            raise UserError(
                "trainer.patience_scalar and trainer.patience_higher_is_better go together: say which scalar, and "
                "whether more of it is better."
            )
        if self.patience_scalar is not None and self.patience_evaluations is None:
            raise UserError(
                f"trainer.patience_scalar={self.patience_scalar} watches nothing without trainer.patience_evaluations."
            )
        self.callbacks()

    def resolved(self, steps: int) -> TrainerConfig:
        """With everything that depends on the length of the run filled in."""
        every = max(1, math.ceil(steps / EVALUATIONS))
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

    def callbacks(self) -> list[Callback]:
        """Those that end a run or profile it as configured here."""
        patience, score, seconds = self.patience_evaluations, self.stop_at_score, self.stop_after_seconds
        watched = {"scalar": self.patience_scalar, "higher_is_better": self.patience_higher_is_better}
        made: list[Callback] = [] if patience is None else [EarlyStopping(patience_evaluations=patience, **watched)]  # type: ignore[arg-type]
        made += [] if score is None else [StopAtTarget(value=score)]
        made += [] if seconds is None else [StopAfter(seconds=seconds)]
        return made + ([] if self.profile is None else [Profile.parse(self.profile)])
