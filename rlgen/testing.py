"""Exercise a plug-in as rlgen itself would: for the tests of those who write one."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import api, building, registry, reuse, runtime, state
from rlgen.algorithm import Algorithm
from rlgen.errors import EnvironmentFault, RlgenError, UserError
from rlgen.run import Run

# For a kind of problem: the argument that names it, and steps that are enough to see it work.
PROBLEMS = {"env": ("env", 1024), "dataset": ("data", 20)}

MOST_NAMES = 6


class PluginFault(RlgenError, AssertionError):
    """A plug-in does not keep its contract; the message says which part."""


def check_plugin(
    name: str,
    *,
    env: str | None = None,
    data: str | None = None,
    steps: int | None = None,
    config: Mapping[str, Any] | None = None,
    engine: str | None = None,
    algorithm: str | None = None,
) -> dict[str, float]:
    """Train, save, restore, resume and evaluate a plug-in, and hold each against the contract.

    An algorithm is trained twice: for `steps` steps in one go, and for half of them, saved, restored into a
    new instance and trained on. On the compiled engine both must end in the same bits. What was saved must
    fit into a new instance, and judging that one must change none of its state. One that says it is
    `reseedable` must come to the same bits as a new one with the other seed. An environment or a data set is
    checked by letting an algorithm learn there for a moment.

    Args:
        name: of the plug-in; of an environment or a data set with its arguments, `photos:folder?size=32`.
        env: what an agent learns in, its default problem unless given.
        data: what a model learns from, its default problem unless given.
        steps: how many in all; two chunks of the algorithm unless given.
        config: fields that override the defaults, to make it small.
        engine: as in `rlgen.train`.
        algorithm: what learns in the environment or from the data set called `name`; unless given, the first
            installed one that can be built for it with `config`.

    Returns:
        The scalars of the final evaluation.

    Raises:
        PluginFault: the contract is broken.
        UserError: the name is unknown, its configuration wrong, or no algorithm can be built for it.
    """
    # A data set or an environment may be named with its arguments.
    plugin = registry.find(re.split("[:?]", name)[0])
    if plugin.kind in ("metric", "extractor"):
        raise RlgenError(f"'{name}' is of the kind {plugin.kind}, which is called: test it by calling it.")
    if plugin.kind in PROBLEMS:
        if env is not None or data is not None:
            raise UserError(f"'{name}' is what is learned from: give its arguments with its name, not env= or data=.")
        learner = algorithm or _first_able(plugin.kind, name, config, engine)
        where, few = PROBLEMS[plugin.kind]
        return check_plugin(learner, **{where: name}, steps=steps or few, config=config, engine=engine)
    if algorithm is not None:
        raise UserError(f"'{name}' learns by itself: algorithm= is for an environment or a data set. Leave it out.")
    asked: dict[str, Any] = {"env": env, "data": data, "config": config, "engine": engine, "seed": 3}
    return _check_algorithm(name, steps, asked)


def _check_algorithm(name: str, steps: int | None, asked: dict[str, Any]) -> dict[str, float]:
    """What `check_plugin` does with an algorithm; `asked` is how `rlgen.train` is asked for it."""
    runtime.prepare()
    with tempfile.TemporaryDirectory() as directory:
        first = api.make(name, **{key: value for key, value in asked.items() if value is not None})
        chunk, quantum = first.chunk_steps, first.step_quantum
        _expect(chunk >= 1 and chunk % quantum == 0, f"chunk_steps={chunk} is no multiple of step_quantum={quantum}")
        first.close()
        steps = -(-(steps or 2 * chunk) // (2 * quantum)) * 2 * quantum
        # A few short evaluations are enough: what they find is not the question.
        judging = {"trainer.evaluation_episodes": 2, "trainer.evaluate_every_steps": max(1, steps // 4)}
        asked["config"] = {**judging, **(asked["config"] or {})}
        whole = api.train(name, run=Path(directory) / "whole", steps=steps, **asked)
        if first.reseedable:
            # At once: what was trained last is what is reseeded.
            _check_reseeding(name, Path(directory), steps, {**asked, "seed": 4})
        scalars = _check_use(whole)
        half = api.train(name, run=Path(directory) / "half", steps=steps // 2, **asked)
        resumed = api.train(name, run=half.path, steps=steps, resume=True, trust=True)
        _check_bits(whole.weights("last")[1], resumed.weights("last")[1], whole.config.engine)
        return scalars


def _first_able(kind: str, problem: str, config: Mapping[str, Any] | None, engine: str | None) -> str:
    """The first installed algorithm that can be built for a problem.

    Raises:
        UserError: none can; or, from an environment, what is wrong with it.
    """
    reasons = []
    for plugin in (plugin for plugin in registry.available() if plugin.kind in registry.ALGORITHM_KINDS):
        try:
            cls = plugin.load()
            if cls.problem_kind == kind:
                made = cls(problem=problem, config=cls.Config.build(config), seed=0, engine=engine or "auto")
                made.check_problem()
                made.close()
                return plugin.name
        except EnvironmentFault:
            raise
        except UserError as error:
            reasons.append(f"\n  {plugin.name}: {str(error).partition('. ')[0]}")
    why = "".join(reasons) or " there is none that learns from such a thing."
    raise UserError(f"No installed algorithm can be built for '{problem}':{why}")


def _check_reseeding(name: str, directory: Path, steps: int, asked: Mapping[str, Any]) -> None:
    """The algorithm trained last, made new by another seed, ends in the bits of a new one."""
    reseeded = api.train(name, run=directory / "reseeded", steps=steps, **asked)
    reuse.forget()
    alone = api.train(name, run=directory / "alone", steps=steps, **asked)
    changed = _differing(alone.weights("last")[1], reseeded.weights("last")[1])
    _expect(not changed, f"reseeded, {changed} differs: is all that derives from the seed in state()?")


def _check_use(run: Run) -> dict[str, float]:
    """A new instance can take up what was saved; judging it says the same each time and changes nothing."""
    saved = run.weights("last")[1]
    algorithm = building.built(run.config, building.consented(run, trust=True))
    try:
        state.write(algorithm.state(), saved)
        changed = _differing(saved, state.read(algorithm.state()))
        _expect(
            not changed,
            f"{changed} of state() cannot be put back: return what training uses itself, not a copy made for the call",
        )
        strangers = ", ".join(sorted(set(state.read(algorithm.inference_state())) - set(saved)))
        _expect(not strangers, f"inference_state() has {strangers}, which state() lacks")
        first = _judge(algorithm)
        changed = _differing(saved, state.read(algorithm.state()))
        _expect(not changed, f"evaluate() changes {changed} of state()")
        _expect(first == _judge(algorithm), "the same evaluation twice gives different scalars")
    finally:
        algorithm.close()
    _expect(all(np.isfinite(value) for value in first.values()), "evaluate() reports what is not finite")
    used = _judge(api.load(run, checkpoint="last", trust=True))
    _expect(first == used, "loaded for use, it is judged differently: does inference_state() miss something?")
    return first


def _judge(algorithm: Algorithm) -> dict[str, float]:
    return dict(algorithm.evaluate(episodes=2, seed=0, split="test").scalars)


def _check_bits(whole: Mapping[str, Any], resumed: Mapping[str, Any], engine: str) -> None:
    _expect(set(whole) == set(resumed), "a resumed run saves other names than an uninterrupted one")
    if engine != "compiled":
        # A Gymnasium environment cannot be put back to where it stood, so its experience differs.
        return
    changed = _differing(whole, resumed)
    _expect(
        not changed,
        f"{changed} of a resumed run differs from that of an uninterrupted one: does state() (of a model on the shared "
        "bases: learned and used) miss something that training changes, or is something drawn without the run's seed?",
    )


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The names whose bits differ, for a message; empty when none do."""
    names = [
        f"'{name}'"
        for name, array in one.items()
        if array.dtype != other[name].dtype or array.tobytes() != other[name].tobytes()
    ]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _expect(kept: bool, otherwise: str) -> None:
    if not kept:
        raise PluginFault(f"The plug-in breaks the contract: {otherwise}{'' if otherwise.endswith('?') else '.'}")
