"""The end of a run: its best checkpoint judged on what nothing was chosen by, pictures, and `result.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlgen import state
from rlgen.algorithm import Algorithm
from rlgen.best import Best
from rlgen.evaluator import Evaluator
from rlgen.media import draw_learning_curve, film_training, save_images
from rlgen.run import Run


def finish(
    run: Run,
    algorithm: Algorithm,
    evaluator: Evaluator,
    best: Best,
    *,
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
    finally:
        state.write(algorithm.inference_state(), last)
    save_images(run, evaluation)
    for name in algorithm.filmed:
        film_training(run, name)
    draw_learning_curve(run, algorithm, best_step=best_step)
    config = vars(run.config)
    result = {
        "run": str(run.path),
        **{name: config[name] for name in ("algorithm", "problem", "engine", "preset", "seed")},
        "steps": step,
        "stopped": stopped,
        "step_unit": algorithm.step_unit,
        **pace,
        "best_step": best_step,
        "lost_best_step": best.lost_step,
        "score": algorithm.score,
        "episodes": evaluation.episodes,
        "evaluation": dict(evaluation.scalars),
    }
    run.write_result(result)
    return result
