"""The end of a run: its best checkpoint judged on what nothing was chosen by, pictures, and `result.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlgen import state
from rlgen.algorithm import Algorithm
from rlgen.best import Best
from rlgen.board import hparams
from rlgen.board.board import Board
from rlgen.evaluator import Evaluator
from rlgen.media import draw_learning_curve, film_result, film_training, save_images
from rlgen.run import Run
from rlgen.trainer_config import TrainerConfig


def finish(
    run: Run,
    algorithm: Algorithm,
    evaluator: Evaluator,
    best: Best,
    board: Board,
    *,
    config: TrainerConfig,
    step: int,
    stopped: str | None,
    pace: Mapping[str, Any],
) -> dict[str, Any]:
    """Report the best checkpoint on the test split; the algorithm goes back to where training ended.

    `result.json` comes last: where it is, all else is.

    Args:
        run: to be completed.
        algorithm: at the end of training.
        evaluator: judges.
        best: the best checkpoint.
        board: for TensorBoard.
        config: says what is shown there.
        step: steps done.
        stopped: why there are fewer than were asked for.
        pace: what there is to say of times.

    Raises:
        UserError: the best checkpoint is lost.
        Diverged: what it is worth is no number.
        OSError: it cannot be written.
    """
    best_step, arrays = best.load()
    inference = algorithm.inference_state()
    last = state.read(inference)
    state.write(inference, arrays)
    try:
        evaluation = evaluator.judge(algorithm)
        film = film_result(run, algorithm, seed=evaluator.seed) if config.film and not algorithm.filmed else None
        if config.embedding:
            board.embed(algorithm, seed=evaluator.seed)
    finally:
        state.write(algorithm.inference_state(), last)
    board.conclude(step, evaluation, final(run, algorithm, config), film=film)
    save_images(run, evaluation)
    for name in algorithm.filmed:
        film_training(run, name)
    draw_learning_curve(run, algorithm, best_step=best_step)
    about = vars(run.config)
    result = {
        "run": str(run.path),
        **{name: about[name] for name in ("algorithm", "problem", "engine", "preset", "seed")},
        "steps": step,
        "stopped": stopped,
        "step_unit": algorithm.step_unit,
        **pace,
        "best_step": best_step,
        "lost_best_step": best.lost_step,
        "score": algorithm.score,
        "higher_is_better": algorithm.higher_is_better,
        "episodes": evaluation.episodes,
        **({"protocol": evaluation.protocol} if evaluation.protocol else {}),
        "evaluation": dict(evaluation.scalars),
    }
    run.write_result(result)
    return result


def final(run: Run, algorithm: Algorithm, config: TrainerConfig) -> dict[str, float]:
    """What the evaluations of a run's training came to, for the table of hyperparameters."""
    threshold = algorithm.score_threshold if config.score_threshold is None else config.score_threshold
    return hparams.final(
        run.evaluations(),
        score=algorithm.score,
        higher_is_better=algorithm.higher_is_better,
        threshold=threshold,
    )
