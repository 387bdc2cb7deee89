"""Several runs of one request, one after another in one process: other seeds, or the folds of a cross-validation."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlgen.config import read_seed
from rlgen.errors import UserError

if TYPE_CHECKING:
    from rlgen.planning import Finished, Plan
    from rlgen.run import Run

# Each of them is a run of its own.
MOST_SEEDS, MOST_FOLDS = 10_000, 1000

Execute = Callable[["Plan | Finished"], "Run"]


def with_seeds(name: str, seeds: int, asked: Mapping[str, Any], *, execute: Execute) -> dict[str, Run]:
    """A run from each of several seeds, `asked["seed"]` and those after it, below `asked["run"]` where that is said.

    Raises:
        UserError: anything that cannot be; nothing has been written then.
    """
    first = asked["seed"] or 0
    read_seed(first + seeds - 1)
    requests = {f"s{seed}": {"seed": seed} for seed in range(first, first + seeds)}
    return _executed(name, asked, requests, execute)


def with_folds(name: str, folds: int, asked: Mapping[str, Any], *, execute: Execute) -> dict[str, Run]:
    """A run for each fold of a cross-validation, which validates on that fold and trains on the others.

    Raises:
        UserError: anything that cannot be; nothing has been written then.
    """
    from rlgen import registry

    if folds < 2:
        raise UserError(f"folds={folds}: at least 2 are needed, of which one validates and the others train.")
    cls = registry.load(name, registry.ALGORITHM_KINDS)
    if cls.problem_kind != "dataset":
        raise UserError(f"'{name}' learns in an environment, which has no folds: give --seeds.")
    problem = cls.name_problem(asked["data"] or cls.default_problem, {})
    if any(part.partition("=")[0] in ("fold", "folds") for part in problem.partition("?")[2].split("&")):
        raise UserError(f"'{problem}' is one fold already: leave fold and folds out of the name.")
    mark = "&" if "?" in problem else "?"
    requests = {f"f{fold}": {"data": f"{problem}{mark}fold={fold}&folds={folds}"} for fold in range(1, folds + 1)}
    return _executed(name, asked, requests, execute)


def text(runs: Mapping[str, Run], what: str) -> str:
    """The score of each run and a summary, for people.

    Of a fold it is what the end of training scored on the examples that it did not train on, so that nothing was chosen
    by it, and the result on the test part beside it.

    Args:
        runs: by label, a letter and a number.
        what: the number is: "seed" or "fold".
    """
    score = next(iter(runs.values())).result["score"]
    tested = {label: run.evaluation[score] for label, run in runs.items()}
    values = tested if what == "seed" else {label: run.evaluations()[-1][score] for label, run in runs.items()}
    lines = []
    for label, value in values.items():
        beside = "" if what == "seed" else f"  test {tested[label]:,.6g}"
        lines.append(f"{what} {label[1:]:<4}  {score} {value:,.6g}{beside}  {runs[label].path}")
    lines += ["", _summary(score, list(values.values()))]
    if protocol := next(iter(runs.values())).result.get("protocol"):
        lines.append(f"protocol {protocol}")
    return "\n".join(lines)


def _summary(score: str, values: Sequence[float]) -> str:
    """Median, range, mean and deviation, in a line."""
    spread = f" +- {statistics.stdev(values):,.3g}" if len(values) > 1 else ""
    return (
        f"median     {score} {statistics.median(values):,.6g}, from {min(values):,.6g} to {max(values):,.6g}; mean "
        f"{statistics.fmean(values):,.6g}{spread}"
    )


def _executed(
    name: str, asked: Mapping[str, Any], requests: Mapping[str, Mapping[str, Any]], execute: Execute
) -> dict[str, Run]:
    """The runs by what tells them apart, which is also the directory of each."""
    from rlgen import planning
    from rlgen.run import check_free, is_run

    if asked.get("resume") is True:
        raise UserError("Several runs go on by themselves where they are there already: leave --resume out.")
    directory: Path | None = asked["run"]
    places = {label: Path(directory) / label if directory else None for label in requests}
    # All of them before the first one is trained.
    for label, place in places.items():
        if place is not None and is_run(place):
            planning.plan(name, **{**asked, **requests[label], "run": place}).close()
        elif place is not None:
            check_free(place)
    return {
        label: execute(planning.plan(name, **{**asked, **requests[label], "run": place}))
        for label, place in places.items()
    }
