"""Runs side by side: how good each is at its end, and what several seeds of the same say together.

Over seeds as in Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (2021).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.board.hparams import LAST
from rlgen.errors import UserError, nearest
from rlgen.looking import aggregates, comparison_runs
from rlgen.looking.comparison_runs import Source

BY = ("seed",)
# Of a group's curve: more are not seen.
MOST_POINTS = 500

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Member:
    """One run of a comparison.

    Attributes:
        path: where it lies.
        seed: its seed; None if another program logged it.
        steps: of the metric's points, growing, int64 [N].
        values: of these, float64 [N].
        higher_is_better: the metric's direction.
    """

    path: Path
    seed: int | None
    steps: npt.NDArray[np.int64]
    values: Numbers
    higher_is_better: bool

    @property
    def final(self) -> float:
        """How good it is at its end: the mean of its last five points."""
        return float(self.values[-LAST:].mean())

    @property
    def best(self) -> float:
        """Its best point."""
        return float(self.values.max() if self.higher_is_better else self.values.min())

    @property
    def name(self) -> str:
        """The seed, or the path of what another program logged."""
        return str(self.path) if self.seed is None else f"seed {self.seed}"


@dataclass(frozen=True)
class Band:
    """A group's curve: interquartile means over its runs and the ends of their 95 % intervals, float64 [N] each.

    The ends are NaN where there is one run alone.
    """

    steps: npt.NDArray[np.int64]
    middle: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but the seed, or one run.

    Attributes:
        label: what tells it apart from the others, in short.
        members: its runs, by seed.
        estimate: the interquartile mean of their finals, with its 95 % interval.
        curve: over the steps that all of them cover.
    """

    label: str
    members: tuple[Member, ...]
    estimate: aggregates.Estimate
    curve: Band

    @property
    def steps(self) -> int:
        """The last step that all its runs have reached."""
        return int(min(member.steps[-1] for member in self.members))

    @property
    def finals(self) -> list[float]:
        """How good each run is at its end."""
        return [member.final for member in self.members]

    @property
    def best(self) -> float:
        """The best point of any run."""
        return (max if self.members[0].higher_is_better else min)(member.best for member in self.members)

    @property
    def worst(self) -> Member:
        """The run that is worst at its end."""
        return (min if self.members[0].higher_is_better else max)(self.members, key=lambda member: member.final)

    def row(self) -> dict[str, Any]:
        """As JSON holds it, without the curve."""
        worst = self.worst
        return {
            "group": self.label,
            "runs": len(self.members),
            "steps": self.steps,
            "final": self.estimate.value,
            "low": _or_none(self.estimate.low),
            "high": _or_none(self.estimate.high),
            "least": min(self.finals),
            "greatest": max(self.finals),
            "worst": {"run": str(worst.path), "seed": worst.seed, "final": worst.final},
            "best": self.best,
        }


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        metric: what was compared.
        higher_is_better: the direction that was taken.
        step_unit: of the steps, in the plural.
        by: what was grouped by; None: every run stands for itself.
        groups: the best first.
        pairs: labels of two groups, the better one first, and how likely a run of the first is better than one of the
            second; of those of which at least one has several runs.
        remarks: what somebody who reads it should know, a sentence each.
    """

    metric: str
    higher_is_better: bool
    step_unit: str
    by: str | None
    groups: tuple[Group, ...]
    pairs: tuple[tuple[str, str, aggregates.Estimate], ...]
    remarks: tuple[str, ...]

    def row(self) -> dict[str, Any]:
        """As JSON holds it."""
        groups = []
        for group in self.groups:
            band = group.curve
            curve = {"step": band.steps.tolist(), "middle": band.middle.tolist()}
            curve |= {"low": list(map(_or_none, band.low)), "high": list(map(_or_none, band.high))}
            members = [
                {"run": str(each.path), "seed": each.seed, "final": each.final, "best": each.best}
                | {"step": int(each.steps[-1])}
                for each in group.members
            ]
            groups.append({**group.row(), "members": members, "curve": curve})
        pairs = [
            {"better": better, "than": than, "probability": found.value}
            | {"low": _or_none(found.low), "high": _or_none(found.high)}
            for better, than, found in self.pairs
        ]
        about = {"metric": self.metric, "higher_is_better": self.higher_is_better, "step_unit": self.step_unit}
        return {**about, "by": self.by, "groups": groups, "pairs": pairs, "remarks": list(self.remarks)}


def compare(
    runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    metric: str | None = None,
    by: str | None = None,
    lower_is_better: bool = False,
) -> Comparison:
    """Hold runs against each other.

    Args:
        runs: directories of runs, of runs directly below them, or that another program logged to for TensorBoard.
        metric: the name of what to compare; none: the score that all are judged by.
        by: "seed" takes runs together that differ in nothing else.
        lower_is_better: of a metric that is not the runs' score, whose direction is known.

    Raises:
        UserError: a directory is none of these, a run lacks the metric, or the arguments cannot be.
    """
    if by is not None and by not in BY:
        raise UserError(f"by={by!r}: runs are grouped by {' or '.join(BY)}.{nearest(str(by), BY)}")
    found = comparison_runs.sources([runs] if isinstance(runs, str | os.PathLike) else runs)
    metric = comparison_runs.choose(found, metric)
    higher, remarks = _direction(found, metric, lower_is_better=lower_is_better)
    together = comparison_runs.grouped(found) if by else [[source] for source in found]
    labels = comparison_runs.labels([sources[0] for sources in together], seeds=by is None)
    groups = [
        _group(label, [_member(source, metric, higher) for source in sources])
        for label, sources in zip(labels, together, strict=True)
    ]
    groups.sort(key=lambda group: group.estimate.value, reverse=higher)
    units = {source.judgement.step_unit if source.judgement else "steps" for source in found}
    return Comparison(
        metric=metric,
        higher_is_better=higher,
        step_unit=units.pop() if len(units) == 1 else "steps",
        by=by,
        groups=tuple(groups),
        pairs=tuple(_pair(*two, higher) for two in combinations(groups, 2) if max(len(g.members) for g in two) > 1),
        remarks=(*remarks, *(remark for source in found for remark in source.remarks), *_warnings(groups, by)),
    )


def _direction(found: Sequence[Source], metric: str, *, lower_is_better: bool) -> tuple[bool, list[str]]:
    """Whether more of the metric is better, and what to say of it if nobody knows."""
    judged = [source.judgement for source in found if source.judgement and source.judgement.score == metric]
    known = {judgement.higher_is_better for judgement in judged} - {None}
    if len(known) == 1:
        higher = bool(known.pop())
        if lower_is_better and higher:
            raise UserError(
                f"'{metric}' is what the runs are judged by, and higher is better: leave --lower-is-better out."
            )
        return higher, []
    told = "as --lower-is-better says" if lower_is_better else "unless --lower-is-better says otherwise"
    return not lower_is_better, [f"{'Lower' if lower_is_better else 'Higher'} is taken for better, {told}."]


def _member(source: Source, metric: str, higher_is_better: bool) -> Member:
    steps, values = source.points(metric)
    return Member(source.path, source.config.seed if source.config else None, steps, values, higher_is_better)


def _group(label: str, members: Sequence[Member]) -> Group:
    ordered = tuple(sorted(members, key=lambda member: member.seed or 0))
    finals = [member.final for member in ordered]
    ends = aggregates.interval(finals, statistic=aggregates.interquartile_mean)
    estimate = aggregates.Estimate(float(aggregates.interquartile_mean(finals)), *map(float, ends))
    return Group(label, ordered, estimate, _band(ordered))


def _band(members: Sequence[Member]) -> Band:
    """The curve over all steps at which one of the runs has a point and that all of them cover; there may be none."""
    first, last = max(each.steps[0] for each in members), min(each.steps[-1] for each in members)
    steps = np.unique(np.concatenate([each.steps for each in members]))
    steps = steps[(steps >= first) & (steps <= last)]
    if len(steps) > MOST_POINTS:
        steps = steps[np.linspace(0, len(steps) - 1, MOST_POINTS).round().astype(int)]
    values = np.stack([np.interp(steps, each.steps, each.values) for each in members])
    ends = aggregates.interval(values, statistic=aggregates.interquartile_mean)
    return Band(steps, aggregates.interquartile_mean(values), *ends)


def _pair(one: Group, other: Group, higher_is_better: bool) -> tuple[str, str, aggregates.Estimate]:
    """How likely a run of the one is better than one of the other."""
    sign = 1 if higher_is_better else -1
    finals = (sign * np.asarray(group.finals) for group in (one, other))
    return one.label, other.label, aggregates.probability_of_improvement(*finals)


def _warnings(groups: Sequence[Group], by: str | None) -> list[str]:
    """What makes a comparison worth less than it seems."""
    said = []
    if strange := [member.name for group in groups for member in group.members if by and member.seed is None]:
        said.append(f"Another program logged {', '.join(strange)}: what seed it had is not known, so it stands alone.")
    if few := [group.label for group in groups if by and len(group.members) < aggregates.FEW]:
        said.append(
            f"Fewer than {aggregates.FEW} seeds: {', '.join(few)}. An interval over so few says little, and over one "
            "there is none."
        )
    for group in groups:
        seeds = [member.seed for member in group.members]
        if twice := sorted({seed for seed in seeds if seed is not None and seeds.count(seed) > 1}):
            said.append(
                f"{group.label} has several runs of seed {', '.join(map(str, twice))}, which count as several although "
                "they are the same experiment: leave all but one out."
            )
    ends = sorted({int(member.steps[-1]) for group in groups for member in group.members})
    if len(ends) > 1:
        said.append(f"Runs end at different steps, from {ends[0]:,} to {ends[-1]:,}; each is judged at its own end.")
    return said


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
