"""The algorithm of a run, made again: to go on, or to use what it has learned."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rlgen import importing, registry, runtime, state, watchdog
from rlgen.algorithm import Algorithm
from rlgen.errors import UnknownName, UserError
from rlgen.run import Run, RunConfig
from rlgen.trainer_config import TrainerConfig


def checked(algorithm: Algorithm) -> None:
    """Raise `UserError` where the problem does not keep its promises, or training would not fit into memory."""
    algorithm.check_problem()
    runtime.require_memory(algorithm.memory_bytes(), advice=algorithm.memory_advice)


def consented(run: Run, *, trust: bool = False, repeated: Iterable[str] = ()) -> importing.Consent:
    """What the user consents to in a run: all of it, where he trusts or made it, or the names he has `repeated`."""
    return importing.Consent(f"The run {run.path}", trust or run.made_here, frozenset(repeated))


def built(config: RunConfig, consent: importing.Consent = importing.NOTHING) -> Algorithm:
    """The algorithm of a run's configuration, untrained.

    Raises:
        UserError: it is not installed any more, cannot be built as it was, or asks for names without consent.
    """
    with _how(config, consent) as (cls, how):
        algorithm: Algorithm = cls(**how)
    return algorithm


def for_use(config: RunConfig, arrays: Mapping[str, Any], consent: importing.Consent = importing.NOTHING) -> Algorithm:
    """The algorithm of a run's configuration with what it has learned; its problem need not be there.

    Raises:
        UserError: as `built`.
    """
    with _how(config, consent) as (cls, how):
        algorithm: Algorithm = cls.for_use(facts=config.facts, **how)
    state.require_finite(algorithm.inference_state(), arrays)
    state.write(algorithm.inference_state(), arrays)
    return algorithm


class Stored(NamedTuple):
    """What a run has learned, before anything is built of it.

    Attributes:
        problem: what it learned on.
        arrays: its best weights, by name.
        make: builds the algorithm, with them.
    """

    problem: str
    arrays: Mapping[str, Any]
    make: Callable[[], Algorithm]


def stored(place: Path) -> Stored:
    """The best of a run, for plug-ins that use one; what it names is imported where the run was made here.

    Raises:
        UserError: there is no run, or nothing that it has learned.
    """
    run = Run.open(place)
    arrays = run.weights("best")[1]
    return Stored(run.config.problem, arrays, lambda: for_use(run.config, arrays, consented(run)))


def judged_by(config: RunConfig, judged: Mapping[str, Any]) -> RunConfig:
    """A run's configuration with other values of fields that decide nothing of what was learned.

    Raises:
        UserError: another field, or a value that it cannot have.
    """
    if not judged:
        return config
    own = registry.load(config.algorithm, registry.ALGORITHM_KINDS).Config
    able = sorted({*own.judging, *own.changeable})
    for name in judged:
        if name not in able:
            there = f"Those of {config.algorithm} that can: {', '.join(able)}." if able else ""
            raise UserError(f"'{name}' cannot be set for an evaluation: the run has what it learned with. {there}")
    return dataclasses.replace(config, config=own.build({**config.config, **judged}).to_dict())


def served(config: RunConfig) -> RunConfig:
    """A run's configuration as what it has learned leaves the house: see `Config.served_with`."""
    own = registry.load(config.algorithm, registry.ALGORITHM_KINDS).Config
    about = {**config.about, "chosen": {}}
    return dataclasses.replace(config, config={**config.own, **own.served_with}, about=about)


def changes(config: RunConfig, algorithm: Algorithm) -> tuple[str, ...]:
    """What is to be said where a run's problem is not what it was."""
    if not config.facts or dict(algorithm.facts()) == config.facts:
        return ()
    return (f"'{config.problem}' has changed since the run began: what it says now was not learned from.",)


@contextlib.contextmanager
def _how(config: RunConfig, consent: importing.Consent) -> Iterator[tuple[type[Algorithm], dict[str, Any]]]:
    """A run's class and the arguments of its constructor, to be called inside, where names are the run's."""
    try:
        cls = registry.load(config.algorithm, registry.ALGORITHM_KINDS)
    except UnknownName as error:
        raise UnknownName(
            f"{error} The run was made by a plug-in that is not here: install its package, or import the module that "
            "registers it first."
        ) from error
    watchdog.dog.patience = TrainerConfig.build(config.trainer).step_timeout_seconds
    engine = config.engine if cls.problem_kind == "env" else "auto"
    with importing.of_run(consent, kind=cls.problem_kind, problem=config.problem, config=config.own):
        values = {"problem": config.problem, "config": cls.Config.build(config.own), "seed": config.seed}
        yield cls, {**values, "engine": engine}
