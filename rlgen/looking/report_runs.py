"""What a report says of one run, or of what another program logged: words and figures, nothing of how they look."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rlgen.board.hparams import LAST
from rlgen.looking import curves
from rlgen.looking.report_curves import Figure, Learning, groups, learning, learning_figure
from rlgen.looking.report_pictures import Picture, pictures
from rlgen.looking.report_reading import Known, read
from rlgen.looking.report_settings import Pairs, Setting, about, settings
from rlgen.looking.report_text import duration, moment, number, value
from rlgen.run import is_run

# What an evaluation averages over, by kind of plug-in, and what it is called where it is one.
AVERAGED = {"agent": ("episodes", "episode"), "generative": ("sets of samples", "pass")}


@dataclasses.dataclass(frozen=True)
class Headline:
    """The one figure of a run, how it was found, and what to hold it against."""

    figure: str
    of: str
    how: str
    beside: tuple[tuple[str, str, str], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """All that a report says of a run.

    Attributes:
        name: of its directory.
        path: as it was given.
        title: what was run.
        state: whether it ended: "done", "early", "open", "foreign" or "broken", a class of the page's style.
        ended: the same in words.
        facts: names and values.
        headline: the figure.
        learning: the learning curve.
        protocol: how the figures of the evaluation were found.
        evaluation: of each figure the one on the test split, at the best step and at the last one.
        charts: all other curves, by what they are about.
        left_out: how many of them are too many to be drawn.
        pictures: what lies in `media/`.
        settings: fields of the configuration.
        about: when, with what and by which command it was made.
        notes: what could not be read.
        curve: the learning curve, to be drawn with others.
        row: what the table of several runs says of it.
    """

    name: str
    path: str
    title: str
    state: str
    ended: str
    facts: Pairs = ()
    headline: Headline | None = None
    learning: Figure | None = None
    protocol: str = ""
    evaluation: tuple[tuple[str, str, str, str], ...] = ()
    charts: Mapping[str, Sequence[Figure]] = dataclasses.field(default_factory=dict)
    left_out: int = 0
    pictures: Sequence[Picture] = ()
    settings: Sequence[Setting] = ()
    about: Pairs = ()
    notes: Sequence[str] = ()
    curve: Learning | None = None
    problem: str = ""
    row: Mapping[str, str] = dataclasses.field(default_factory=dict)


def section(path: Path) -> Section:
    """What there is to say of a run, or of a directory that another program logged to.

    Raises:
        UserError: it is neither, or what it is cannot be read.
    """
    if not is_run(path):
        return _of_log(path)
    known = read(path)
    config, result = known.config, known.result
    state, ended = _end(known)
    curve = _learning(known)
    charts, left_out = groups(known.stats, known.evaluations, shown=known.score)
    return Section(
        name=path.resolve().name,
        path=str(path),
        title=f"{config.algorithm} on {config.problem}, seed {config.seed}",
        state=state,
        ended=ended,
        facts=_facts(known),
        headline=_headline(known, curve),
        learning=None if curve is None else learning_figure(curve, unit=known.unit),
        protocol=_protocol(known),
        evaluation=_evaluation(known),
        charts=charts,
        left_out=left_out,
        pictures=pictures(path / "media"),
        settings=settings(config, known.cls),
        about=about(config),
        notes=known.notes,
        curve=curve,
        problem=config.problem.partition("?")[0],
        row={
            "algorithm": config.algorithm,
            "problem": config.problem,
            "preset": config.preset,
            "seed": str(config.seed),
            "steps": f"{known.step:,}",
            "score": known.score,
            "test": number(result.get("evaluation", {}).get(known.score)),
            **dict(zip(("best", "last"), (figure for _, figure, _ in _in_training(known, curve)), strict=False)),
            "time": duration(result.get("seconds")),
        },
    )


def _of_log(path: Path) -> Section:
    found = curves.read(path)
    charts, left_out = groups({name: (curve.steps, curve.values) for name, curve in found.items()}, {})
    name = path.resolve().name
    last = max((int(curve.steps[-1]) for curve in found.values()), default=0)
    return Section(
        name=name,
        path=str(path),
        title=name,
        state="foreign",
        ended="Logged by another program: its curves alone",
        charts={"Curves" if title == "Training" else title: figures for title, figures in charts.items()},
        left_out=left_out,
        notes=found.damage,
        row={"steps": f"{last:,}"},
    )


def _end(known: Known) -> tuple[str, str]:
    """Whether a run has ended, and why."""
    if not known.result:
        return "open", f"Not ended: as it stands at step {known.step:,}{_of(known)}"
    if known.result.get("stopped"):
        return "early", f"Ended early: {value(known.result['stopped'])}"
    return "done", "Completed"


def _of(known: Known) -> str:
    return f" of {known.config.steps:,}" if known.config.steps else ""


def _facts(known: Known) -> Pairs:
    config, result = known.config, known.result
    speed = number(result.get("steps_per_second"))
    alone = number(result.get("training_steps_per_second"))
    left_out, start = result.get("evaluations_left_out"), config.start
    facts = {
        "Algorithm": config.algorithm,
        "Problem": config.problem,
        "Preset": config.preset,
        "Seed": str(config.seed),
        "Engine": config.engine,
        "Steps": f"{known.step:,}{_of(known)} {known.unit}",
        "Time": duration(result.get("seconds")),
        "Speed": f"{speed} steps per second" + (f", {alone} while training" if alone != "–" else ""),
        "Evaluations": f"{len(known.evaluations.get(known.score, ((), ()))[0]):,}"
        + (f", {number(left_out)} left out for want of time" if left_out else ""),
        "Begun from": f"{value(start.get('run'))}, step {value(start.get('step'))}" if start else "",
        "Made": moment(config.about.get("created", "")),
    }
    return tuple((name, said) for name, said in facts.items() if said and not said.startswith("–"))


def _learning(known: Known) -> Learning | None:
    return learning(
        known.stats,
        known.evaluations,
        score=known.score,
        training=getattr(known.cls, "training_curve", None),
        between=getattr(known.cls, "score_range", None),
        best=known.best_step,
    )


def _headline(known: Known, curve: Learning | None) -> Headline | None:
    """The score on the test split; of a run that has not ended the best one so far."""
    beside = _in_training(known, curve)
    higher = getattr(known.cls, "higher_is_better", None)
    of = known.score + ("" if higher is None else f", {'higher' if higher else 'lower'} is better")
    step = "" if known.best_step is None else f", of step {known.best_step:,}"
    if known.result:
        figure = number(known.result["evaluation"].get(known.score))
        return Headline(figure, of, f"The best checkpoint{step}, on the test split: {_averaged(known)}.", beside)
    if curve is not None and curve.best is not None:
        how = f"The best evaluation in training so far{step}, on the validation split, by which it was chosen."
        return Headline(beside[0][1], of, how, beside)
    return None


def _in_training(known: Known, curve: Learning | None) -> tuple[tuple[str, str, str], ...]:
    """The best and the last evaluation of training: what, the figure, where."""
    if curve is None:
        return ()
    steps, values = curve.points
    best = ("Best in training", "–", "")
    if curve.best is not None:
        at_best = float(values[steps == curve.best][-1])
        best = ("Best in training", number(at_best), f"step {curve.best:,}")
    last = ("Last in training", number(float(values[-1])), f"step {int(steps[-1]):,}")
    mean = float(np.mean(values[-LAST:]))
    return (best, last, (f"Mean of the last {min(LAST, len(values))}", number(mean), "evaluations"))


def _averaged(known: Known) -> str:
    """What the figures of the final evaluation are means of."""
    count = known.result.get("episodes")
    if type(count) is not int:
        return "one evaluation"
    many, one = AVERAGED.get(known.kind, ("passes", "pass over it"))
    if count == 1:
        return f"one {one}"
    samples = known.config.config.get("evaluation_samples")
    return f"mean of {count:,} {many}" + (f" of {samples:,} each" if type(samples) is int else "")


def _protocol(known: Known) -> str:
    """How the figures of evaluations come about."""
    training = "In training: the validation split, by which the best checkpoint is chosen."
    if not known.result:
        return training
    played = known.result.get("protocol")
    of_what = f" Protocol {played}." if isinstance(played, str) else ""
    return f"Test split: what nothing was trained on or chosen by; {_averaged(known)}. {training}{of_what}"


def _evaluation(known: Known) -> tuple[tuple[str, str, str, str], ...]:
    """Each figure on the test split, and in training at the best step and at the last one."""
    tested: Mapping[str, Any] = known.result.get("evaluation", {})
    names = [*tested, *(name for name in known.evaluations if name not in tested)]
    names.sort(key=lambda name: name != known.score)  # Stable: the rest as it was.
    rows = []
    for name in names:
        steps, values = known.evaluations.get(name, (np.zeros(0), np.zeros(0)))
        at_best = values[steps == known.best_step] if known.best_step is not None else values[:0]
        found = (tested.get(name), *(float(some[-1]) if len(some) else None for some in (at_best, values)))
        rows.append((name, *map(number, found)))
    return tuple((name, test, best, last) for name, test, best, last in rows)
