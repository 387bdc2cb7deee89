"""The runs that are compared: found, read, held against each other, and named by what tells them apart."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import checkpoint, paths, registry, runtime
from rlgen.errors import UserError, nearest
from rlgen.looking import curves, reading
from rlgen.run import Run, RunConfig, is_run

# Fields that a label shows at once; where they do not tell runs apart, the path does.
MOST_FIELDS = 3
# Characters of a field's value in a label.
MOST_CHARACTERS = 24
# Of the Trainer's, what changes nothing that a comparison sees.
UNHEEDED = ("step_timeout_seconds",)


@dataclass(frozen=True)
class Judgement:
    """What a run is judged by.

    Attributes:
        score: the name.
        higher_is_better: its direction; None if it cannot be known.
        step_unit: of its steps, in the plural.
    """

    score: str
    higher_is_better: bool | None
    step_unit: str


@dataclass(frozen=True)
class Source:
    """A run, or a directory that another program logged to.

    Attributes:
        path: where it lies.
        run: the run; None if another program logged it.
    """

    path: Path
    run: Run | None

    @cached_property
    def config(self) -> RunConfig | None:
        """What decided it; None of another program's."""
        return self.run.config if self.run else None

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Evaluations, then chunks of training, as a run keeps them."""
        return [*self.run.evaluations(), *self.run.stats()] if self.run else []

    @cached_property
    def columns(self) -> reading.Columns:
        """The same by name."""
        return reading.columns(self.rows)

    @cached_property
    def logged(self) -> Mapping[str, curves.Curve]:
        """What another program logged."""
        return {} if self.run else curves.read(self.path)

    @cached_property
    def metrics(self) -> dict[str, None]:
        """Names of what there are points of, those of evaluations first."""
        named = {name: None for row in self.rows for name in row if name != "step"}
        return named or dict.fromkeys(self.logged)

    @property
    def remarks(self) -> list[str]:
        """What somebody who compares it should know."""
        if self.run is None:
            return list(getattr(self.logged, "damage", ()))
        return [] if self.run.result else [f"{self.path} is not complete."]

    def points(self, metric: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Steps, growing, and values of a metric, those alone that are finite.

        Raises:
            UserError: none is.
        """
        if self.run is None:
            curve = self.logged[metric]
            finite = np.isfinite(curve.values)
            steps, values = curve.steps[finite], curve.values[finite]
        else:
            # Of a step that is there twice the last row counts.
            found = dict(zip(*map(np.ndarray.tolist, self.columns[metric]), strict=True))
            steps = np.array(sorted(found), np.int64)
            values = np.array([found[step] for step in steps.tolist()], np.float64)
        if not len(steps):
            raise UserError(f"{self.path} has no finite value of '{metric}'. Leave it out, or choose another --metric.")
        return steps, values

    @cached_property
    def judgement(self) -> Judgement | None:
        """What it is judged by; None of another program's, and of a run that is not complete and whose algorithm is not
        installed.
        """
        if self.run is None or self.config is None:
            return None
        result = self.run.result
        if isinstance(result.get("higher_is_better"), bool):
            return Judgement(result["score"], result["higher_is_better"], result.get("step_unit", "steps"))
        runtime.import_tensorflow()
        try:
            algorithm = registry.find(self.config.algorithm, registry.ALGORITHM_KINDS).load()
        except UserError:
            if not result:
                return None
            return Judgement(result["score"], self._seen_direction(result["score"]), result.get("step_unit", "steps"))
        score = result.get("score", algorithm.score)
        # What a model learns from may decide anew what it is judged by.
        known = score == algorithm.score
        higher = algorithm.higher_is_better if known else self._seen_direction(score)
        return Judgement(score, higher, result.get("step_unit", algorithm.step_unit))

    def _seen_direction(self, score: str) -> bool | None:
        """Whether the best checkpoint is the one of the highest score or of the lowest."""
        found = {row["step"]: row[score] for row in self.rows if score in row}
        kept = [each.step for each in checkpoint.listed(Run(self.path).best) if each.step in found]
        if not kept or min(found.values()) == max(found.values()):
            return None
        best = found[kept[-1]]
        return {max(found.values()): True, min(found.values()): False}.get(best)


def sources(named: Iterable[str | os.PathLike[str]]) -> list[Source]:
    """The runs that are named, each once; a directory of runs stands for those directly below it.

    Raises:
        UserError: a path is none of these, or there is none.
    """
    there = (place for name in named for place in reading.places(paths.named(name, what="RUN")))
    found = {place.resolve(): Source(place, Run(place) if is_run(place) else None) for place in there}
    if not found:
        raise UserError("There is no run to compare. `rlgen train` prints the directory of the run it makes.")
    return list(found.values())


def choose(found: Sequence[Source], metric: str | None) -> str:
    """The metric that is compared: the one that was asked for, or the score that all have.

    Raises:
        UserError: a run lacks it, or the runs have no score in common.
    """
    shared = [name for name in found[0].metrics if all(name in source.metrics for source in found)]
    there = f"All of them have: {', '.join(shared)}." if shared else "There is no metric that all of them have."
    if metric is None:
        judged = {source.judgement.score if source.judgement else None for source in found}
        if len(judged) > 1 or None in judged:
            raise UserError(f"The runs are not judged by the same score: say by --metric what to compare. {there}")
        (metric,) = judged
    assert metric is not None
    if lacking := [source for source in found if metric not in source.metrics]:
        known = shared or lacking[0].metrics
        have = "has" if len(lacking) == 1 else "have"
        some = ", ".join(str(source.path) for source in lacking[:MOST_FIELDS])
        more = f" and {len(lacking) - MOST_FIELDS} more" if len(lacking) > MOST_FIELDS else ""
        raise UserError(
            f"{some}{more} {have} no metric '{metric}'.{nearest(metric, known)} {there} Choose another --metric, or "
            "leave out the runs that lack it."
        )
    return metric


def grouped(found: Sequence[Source]) -> list[list[Source]]:
    """Runs that differ in nothing but the seed, and where their environments ran, together."""
    groups: dict[str, list[Source]] = {}
    for source in found:
        groups.setdefault(_key(source), []).append(source)
    return list(groups.values())


def _key(source: Source) -> str:
    if source.config is None:
        return f"path {source.path}"
    trainer = {name: value for name, value in source.config.trainer.items() if name not in UNHEEDED}
    same = replace(source.config, trainer=trainer, seed=0, engine="", facts={}, about={})
    return json.dumps(vars(same), sort_keys=True, default=str)


def labels(found: Sequence[Source], *, seeds: bool) -> list[str]:
    """A short name for each, by what tells them apart: the algorithm, and what else is needed.

    Args:
        found: the runs, or one of each group.
        seeds: whether seeds may tell them apart.
    """
    told = [[source.config.algorithm if source.config else source.path.name] for source in found]
    # The Trainer's intervals follow from the steps.
    levels = ("problem", "preset", "config", "length", "trainer", *(("engine", "seed") if seeds else ()), "path")
    for level in levels:
        for clash in _clashes(told):
            parts = {place: _parts(found[place], level) for place in clash}
            names = dict.fromkeys(name for part in parts.values() for name in part)
            differing = [name for name in names if len({part.get(name) for part in parts.values()}) > 1]
            for place, part in parts.items():
                told[place] += [part[name] for name in differing[:MOST_FIELDS] if name in part]
    return [" ".join(words) for words in told]


def _clashes(told: Sequence[Sequence[str]]) -> list[list[int]]:
    """Places of equal labels."""
    same: dict[tuple[str, ...], list[int]] = {}
    for place, words in enumerate(told):
        same.setdefault(tuple(words), []).append(place)
    return [places for places in same.values() if len(places) > 1]


def _parts(source: Source, level: str) -> dict[str, str]:
    """What a label may say of a run, by the names of what is said."""
    config = source.config
    if level == "path":
        return {"path": str(source.path)}
    if config is None:
        return {}
    if level == "config":
        return _fields(config.config)
    if level == "trainer":
        return _fields({f"trainer.{name}": value for name, value in config.trainer.items() if name not in UNHEEDED})
    if level == "length":
        return _fields({"steps": config.steps, "from": (config.start or {}).get("run")})
    value = getattr(config, level)
    return {level: f"seed {value}" if level == "seed" else _short(value)}


def _fields(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"{name}={_short(value)}" for name, value in values.items()}


def _short(value: Any) -> str:
    """A value of a configuration, as somebody would type it, cut where it is long."""
    listed = isinstance(value, Collection) and not isinstance(value, str | Mapping)
    text = ",".join(map(str, value)) if listed else "none" if value is None else str(value)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
