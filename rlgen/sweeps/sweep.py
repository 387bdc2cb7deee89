"""A sweep from beginning to end: everything is checked, trials are trained, the best one is written down."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlgen import files, paths, registry, workers
from rlgen.config import read
from rlgen.errors import RlgenError, UserError, nearest
from rlgen.request import Request
from rlgen.several import MOST_SEEDS, MOST_WORKERS
from rlgen.sweeps import search as searching
from rlgen.sweeps import show
from rlgen.sweeps import study as studies
from rlgen.sweeps.trials import Launcher, Trials, counts

TRIALS, MOST_TRIALS = 20, 100_000
# What a sweep says itself of each run.
ITS_OWN = ("run", "resume", "trust")


@dataclass(frozen=True)
class Sweep:
    """What a sweep has come to.

    Attributes:
        path: the study's directory; its runs are in `trials`, a directory each.
        trials: a row each, with its `number`, `state`, `value`, `params` and `runs`.
        best: the row of the best one; None while none is complete.
        preset: the best configuration, a file for `preset=`; None likewise.
        plots: pictures.
        asked: what decides the trials.
    """

    path: Path
    trials: tuple[Mapping[str, Any], ...]
    best: Mapping[str, Any] | None
    preset: Path | None
    plots: tuple[Path, ...]
    asked: studies.Asked


@dataclass(frozen=True, kw_only=True)
class _How:
    """How a sweep is made, checked, beside what decides its trials."""

    trials: int
    workers: int
    sampler: str
    pruner: str
    storage: str | None


def sweep(
    name: str,
    *,
    search: Mapping[str, Any],
    trials: int | None = None,
    workers: int = 1,
    seeds_per_trial: int = 1,
    sampler: str = "tpe",
    pruner: str = "median",
    objective: str = "final",
    study: str | Path | None = None,
    storage: str | None = None,
    **asked: Any,
) -> Sweep:
    """Search for better values of fields: Optuna proposes, each trial is a run or several, bad ones are cut short.

    The same call goes on with a study that is there, and with every run of it that was stopped. In another process, or
    on another machine with the same `storage`, it joins in.

    Args:
        name: of the algorithm.
        search: field to a range or choices, "3e-5..3e-2:log", "32..256:32", "relu|tanh", or a list of values.
        trials: how many in all, those that are there included; 20 unless given, all of a grid.
        workers: processes of this machine.
        seeds_per_trial: runs of a trial, from `seed` and those after it; its value is their median.
        sampler: who proposes: "tpe", "random", "grid", "cmaes" or "qmc".
        pruner: who cuts short: "median", "none", "percentile", "successive-halving" or "hyperband".
        objective: what counts of a run's evaluations, none of them on the test part: "final", the mean of the last
            five, or "best".
        study: its directory, whose name is the study's in a database; below `runs/` unless given.
        storage: URL of a database for more than one machine; a file in the directory unless given.
        asked: what `rlgen.train` takes beside: `env`, `data`, `steps`, `seed`, `preset`, `config` and the like.

    Raises:
        UserError: anything that cannot be, or a study that was asked for something else; nothing is trained then.
        Interrupted: a signal asked to stop; what had begun is saved.
        RlgenError: no trial was completed, or the storage or the disk has failed.
    """
    registry.find(name, registry.ALGORITHM_KINDS)
    studies.check_names(sampler=sampler, pruner=pruner, objective=objective)
    studies.import_optuna()
    workers = read("workers", workers, int, {"at_least": 1, "at_most": MOST_WORKERS})
    seeds = read("seeds_per_trial", seeds_per_trial, int, {"at_least": 1, "at_most": MOST_SEEDS})
    known = {each.name for each in dataclasses.fields(Request)} - set(ITS_OWN)
    for key in asked:
        if key not in known:
            raise UserError(f"rlgen.sweep does not know '{key}'.{nearest(key, known)}")
    cls = registry.load(name, registry.ALGORITHM_KINDS)
    space = searching.read_space(search, cls.Config, fixed=tuple(asked.get("config") or {}))
    wanted = read("trials", _count(trials, sampler, space), int, {"at_least": 1, "at_most": MOST_TRIALS})
    studies.make_sampler(sampler, space, seed=0)
    decided = _decided(name, asked, space, seeds=seeds, objective=objective)
    place = _place(study, decided)
    how = _How(trials=wanted, workers=workers, sampler=sampler, pruner=pruner, storage=storage)
    _train(place, decided, space, how)
    found = conclude(place, storage)
    if found.best is None:
        whys = sorted({str(row["why"]) for row in found.trials if row["why"]})
        raise RlgenError(f"No trial of {place} was completed." + "".join(f"\n  {why}" for why in whys[:5]))
    return found


def conclude(place: Path, storage: str | None = None) -> Sweep:
    """Write down what a study has come to so far.

    Raises:
        UserError: there is no such study, or its storage cannot be reached.
        RlgenError: the disk is full.
    """
    url = studies.read_file(place, storage)
    study, asked = studies.open_study(place, url)
    rows = show.rows(study, asked, place)
    best = show.best(rows, asked)
    preset = None if best is None else show.write_preset(place, best, asked)
    return Sweep(place, tuple(rows), best, preset, tuple(show.write_plots(place, study, rows, asked)), asked)


def _count(trials: int | None, sampler: str, space: searching.Space) -> int:
    """How many trials there are to be."""
    end = searching.size(space) if sampler == "grid" else None
    if end is None:
        return TRIALS if trials is None else trials
    return end if trials is None else min(read("trials", trials, int, {}), end)


def _decided(
    name: str, asked: Mapping[str, Any], space: searching.Space, *, seeds: int, objective: str
) -> studies.Asked:
    """What decides every trial, after the same checks that a run has to pass."""
    from rlgen import planning

    request = workers.portable(asked)
    plan = planning.plan(name, **asked)
    try:
        assert isinstance(plan, planning.Plan) and plan.trainer.evaluate_every_steps
        request |= {"seed": plan.config.seed}
        return studies.Asked(
            algorithm=name,
            request=request,
            search={field: str(part) for field, part in space.items()},
            seeds=seeds,
            objective=objective,
            score=plan.algorithm.score,
            higher_is_better=plan.algorithm.higher_is_better,
            steps=plan.steps,
            evaluate_every_steps=plan.trainer.evaluate_every_steps,
        )
    finally:
        plan.close()


def _place(study: str | Path | None, asked: studies.Asked) -> Path:
    """The study's directory, which is one already, or is free."""
    problem = asked.request.get("env") or asked.request.get("data") or "default"
    named = re.sub(r"[^\w.-]+", "_", f"sweep-{asked.algorithm}-{problem}")
    place = paths.named(Path("runs") / paths.fitting(named) if study is None else study, what="--study")
    paths.check_new(place, what="study", option="--study")
    inside = {path.name for path in place.iterdir()} if place.is_dir() else set()
    if inside - {"launchers", "trials", ".lock"} and not inside & {studies.FILE, studies.JOURNAL}:
        raise UserError(f"{place} is not empty and no study. Choose another --study.")
    return place


def _train(place: Path, asked: studies.Asked, space: searching.Space, how: _How) -> None:
    """Train until there are enough trials."""
    from rlgen.progress import Board

    try:
        if how.storage is None:
            files.make_directory(place)
        study, _ = studies.open_study(place, how.storage, asked)
        studies.write_file(place, how.storage, asked)
    except OSError as error:
        raise UserError(f"The study {place} cannot be written: {error.strerror}. Choose another --study.") from error
    there = [trial for trial in study.get_trials(deepcopy=False) if counts(trial)]
    seed: int | None = asked.request["seed"] % 2**32
    if how.sampler != "grid":
        # The same seed would propose again what is there; and in a database several begin at the same time.
        seed = None if how.storage is not None else (asked.request["seed"] + len(there)) % 2**32
    study.sampler = studies.make_sampler(how.sampler, space, seed=seed)
    study.pruner = studies.make_pruner(how.pruner, asked)
    launcher = Launcher.here(place)
    reporting = {"study": str(place.resolve()), "storage": how.storage, "pruner": how.pruner}
    left = max(0, how.trials - sum(trial.state.is_finished() for trial in there)) * asked.seeds
    with launcher.living(study), Board(left) as board:
        fed = Trials(
            study=study,
            asked=asked,
            place=place.resolve(),
            space=studies.distributions(space),
            trials=how.trials,
            launcher=launcher,
            reporting=reporting,
            display=board,
        )
        workers.train_fed(fed.feed, workers=min(how.workers, how.trials), display=fed)
    if fed.broken:
        raise fed.broken
