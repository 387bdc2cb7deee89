"""Several runs: of one request from other seeds or on the folds of a cross-validation, or of any; also side by side."""

from __future__ import annotations

import dataclasses
import datetime
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlgen import paths, registry
from rlgen.config import read, read_seed
from rlgen.errors import RlgenError, UserError, nearest
from rlgen.values import shown

if TYPE_CHECKING:
    from rlgen.planning import Finished, Plan
    from rlgen.run import Run

# Each of them is a run of its own.
MOST_SEEDS, MOST_FOLDS, MOST_WORKERS = 10_000, 1000, 1024

Execute = Callable[["Plan | Finished"], "Run"]


def with_seeds(
    name: str,
    seeds: int,
    asked: Mapping[str, Any],
    *,
    execute: Execute,
    workers: int | None = None,
    on: str | None = None,
) -> dict[str, Run]:
    """A run from each of several seeds, `asked["seed"]` and those after it, below `asked["run"]` where that is said.

    With more than one worker so many train side by side, in processes of their own; with `on` those are a cluster's,
    and as many as it has CPUs unless said.

    Raises:
        UserError: anything that cannot be; nothing has been written then.
        RlgenError: of runs side by side, some have failed; the others are there.
    """
    first = asked["seed"] or 0
    read_seed(first + seeds - 1)
    requests = {f"s{seed}": {"seed": seed} for seed in range(first, first + seeds)}
    return _executed(name, asked, requests, execute, workers, on)


def with_folds(
    name: str,
    folds: int,
    asked: Mapping[str, Any],
    *,
    execute: Execute,
    workers: int | None = None,
    on: str | None = None,
) -> dict[str, Run]:
    """A run for each fold of a cross-validation, which validates on that fold and trains on the others.

    `workers`, `on` and errors are those of `with_seeds`.
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
    return _executed(name, asked, requests, execute, workers, on)


def of_specs(specs: Sequence[Mapping[str, Any]], *, workers: int | None, on: str | None) -> list[Run]:
    """The runs of specifications, in order; see `rlgen.train_many`."""
    from rlgen.request import Request

    if workers is not None:
        workers = read("workers", workers, int, {"at_least": 1, "at_most": MOST_WORKERS})
    known = {each.name for each in dataclasses.fields(Request)} | {"name"}
    asked: dict[str, dict[str, Any]] = {}
    for i, spec in enumerate(specs):
        if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
            raise UserError(f"specs[{i}]={shown(spec)} is no dictionary with the `name` of an algorithm.")
        for key in spec:
            if key not in known:
                raise UserError(f"specs[{i}] has '{key}', which rlgen.train does not know.{nearest(key, known)}")
        registry.find(spec["name"], registry.ALGORITHM_KINDS)
        asked[f"r{i}"] = {**spec}
    among = _new_place("runs")
    for label, spec in asked.items():
        spec["run"] = Path(spec.get("run") or among / label)
    places = [str(spec["run"].absolute()) for spec in asked.values()]
    if twice := [place for place in places if places.count(place) > 1]:
        raise UserError(f"Two runs are to be written to {twice[0]}: give each a directory of its own.")
    return list(side_by_side(asked, workers=workers, on=on).values())


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
    name: str,
    asked: Mapping[str, Any],
    requests: Mapping[str, Mapping[str, Any]],
    execute: Execute,
    workers: int | None,
    on: str | None,
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
    if on is None and workers in (None, 1):
        return {
            label: execute(planning.plan(name, **{**asked, **requests[label], "run": place}))
            for label, place in places.items()
        }
    among = _new_place(name) if directory is None else Path(directory)
    asked_of = {label: {**asked, **request, "name": name, "run": among / label} for label, request in requests.items()}
    return side_by_side(asked_of, workers=workers, on=on, all_alike=True)


def side_by_side(
    asked: Mapping[str, Mapping[str, Any]], *, workers: int | None, on: str | None = None, all_alike: bool = False
) -> dict[str, Run]:
    """Runs by label, trained in so many processes at once.

    Args:
        asked: of each what `rlgen.train` takes, its `name` and its `run`, the directory, among it.
        workers: processes; unless given 2 of this machine, or as many as a cluster has CPUs.
        on: a cluster, as `rlgen.cluster.joined` takes it; None: this machine.
        all_alike: whether they differ in nothing that could be a mistake: then one mistake ends all.

    Raises:
        UserError: something that no other process can see, or that cannot be.
        Interrupted: a signal asked to stop.
        RlgenError: some runs have failed; the others are there.
    """
    from rlgen import cluster
    from rlgen import workers as pool
    from rlgen.progress import Board

    jobs = [pool.Job(label, pool.portable({**request, "resume": "auto"})) for label, request in asked.items()]
    if on is None:
        with Board(len(jobs)) as board:
            pool.train(jobs, workers=workers or 2, display=board, all_alike=all_alike)
    else:
        places = [Path(job.request["run"]) for job in jobs]
        with cluster.joined(on, places) as found, Board(len(jobs)) as board:
            most = min(workers or found.cpus, found.cpus)
            pool.train(jobs, workers=most, display=board, all_alike=all_alike, start=found.start)
    failed = [job for job in jobs if job.error is not None]
    if failed and all_alike and isinstance(failed[0].error, UserError):
        raise failed[0].error
    if failed:
        listed = "\n  ".join(f"{job.label}: {job.error}" for job in failed)
        raise RlgenError(f"{len(failed)} of {len(jobs)} runs have failed; the others are there:\n  {listed}")
    return {job.label: job.run for job in jobs if job.run is not None}


def together(name: str, asked: Mapping[str, Any], *, workers: int | None, on: str | None = None) -> Run:
    """One run, trained by several processes, each with some of the shards of every batch.

    Where one of them dies all are replaced, and the run goes on from its last checkpoint.

    Args:
        name: of the algorithm.
        asked: the fields of `Request`.
        workers: processes; unless given 2 of this machine, or as many as a cluster has CPUs.
        on: as in `side_by_side`.

    Raises:
        UserError: anything that cannot be.
        Interrupted: a signal asked to stop; the run is saved.
        RlgenError: it failed.
    """
    from rlgen import cluster
    from rlgen import workers as pool
    from rlgen.progress import Shared
    from rlgen.together import launching

    if asked.get("trust"):
        raise UserError("Processes of their own import what you name here alone: leave --trust out.")
    place = asked["run"] or _new_place(name, "together")
    resume = "auto" if asked.get("resume") in (None, False) else asked["resume"]
    request = pool.portable({**asked, "name": name, "run": place, "resume": resume})
    job = pool.Job(name, request)
    if on is None:
        with Shared() as board:
            pool.train([job], workers=1, display=board, start=lambda: launching.Crewed(workers or 2))
    else:
        with cluster.joined(on, [Path(request["run"])]) as found, Shared() as board:
            if (size := workers or found.cpus) > found.cpus:
                raise UserError(f"workers={size}: each takes a CPU, and the cluster of '{on}' has {found.cpus}.")
            pool.train([job], workers=1, display=board, start=lambda: launching.Crewed(size, found.start))
    if job.error is not None:
        raise job.error
    assert job.run is not None, "it is done, or has failed"
    return job.run


def _new_place(name: str, how: str = "several") -> Path:
    """A directory below `runs/` for what nobody has given one."""
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    return Path("runs") / paths.fitting(re.sub(r"[^\w.-]+", "_", name), how, now)
