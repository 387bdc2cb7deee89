"""From what a caller asks for to a training run that has passed every check, in names that a run can keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlgen import brought, paths, registry, reuse, runtime, state
from rlgen.algorithm import Algorithm
from rlgen.callbacks import Callback
from rlgen.checkpoint import newest_good
from rlgen.config import differences, read, read_seed
from rlgen.errors import RlgenError, UnknownName, UserError
from rlgen.hooks import check_callbacks
from rlgen.run import Run, RunConfig, check_free, default_path
from rlgen.trainer import Trainer
from rlgen.trainer_config import TrainerConfig
from rlgen.values import MOST_STEPS, shown

TRAINER_PREFIX = "trainer."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What `rlgen.train` is asked for; None means that nobody said. See there."""

    env: Any = None
    env_config: Mapping[str, Any] | None = None
    wrappers: Sequence[Any] | None = None
    data: Any = None
    network: Any = None
    steps: int | None = None
    seed: int | None = None
    preset: str | None = None
    config: Mapping[str, Any] | None = None
    engine: str | None = None
    run: str | Path | None = None
    resume: bool = False
    start: Run | str | Path | None = None

    def __post_init__(self) -> None:
        """Check the plain ones.

        Raises:
            UserError: one is of the wrong type, or a number that cannot be.
        """
        if self.seed is not None:
            object.__setattr__(self, "seed", read_seed(self.seed))
        if self.steps is not None:
            object.__setattr__(self, "steps", read("steps", self.steps, int, {"at_most": MOST_STEPS}))
            if self.steps < 1:
                raise UserError(f"steps={self.steps}: train for at least one step.")
        for name, option in (("run", "--run"), ("start", "--from")):
            if not isinstance(value := getattr(self, name), (Run, type(None))):
                object.__setattr__(self, name, paths.named(value, what=option))
        for name in ("preset", "engine"):
            given = getattr(self, name)
            if given is not None and not (isinstance(given, str) and given.strip()):
                raise UserError(f"{name}={shown(given)} is no name.")
        for name, example in (("config", "'learning_rate': 1e-3"), ("env_config", "'is_slippery': False")):
            given = getattr(self, name)
            if given is not None and not (isinstance(given, Mapping) and all(isinstance(key, str) for key in given)):
                raise UserError(f"{name}={shown(given)} is no dictionary of fields: {name}={{{example}}}.")
        if not isinstance(self.wrappers, (Sequence, type(None))) or isinstance(self.wrappers, str):
            raise UserError(f"wrappers={shown(self.wrappers)} is no list: wrappers=['frame_stack:4'].")

    def problem(self, name: str, cls: type[Algorithm], *, stored: str | None = None) -> str | None:
        """The text that a run keeps for what is to be learned from; None where nobody said.

        Args:
            name: of the algorithm, for messages.
            cls: the algorithm.
            stored: how a run that goes on calls it.

        Raises:
            UserError: it is nothing to learn from, or nothing for this algorithm.
        """
        if self.env is not None and self.data is not None:
            raise UserError("An algorithm learns on an environment or on a data set: give --env or --data, not both.")
        of_env = cls.problem_kind == "env"
        wrong, right = (self.data, "--env ID") if of_env else (self.env, "--data ID")
        if wrong is not None:
            raise UserError(f"'{name}' learns {'in an environment' if of_env else 'from a data set'}: give {right}.")
        asked, option = (self.env, "--env") if of_env else (self.data, "--data")
        if isinstance(asked, str) and not asked.strip():
            raise UserError(f"{option} is empty. Leave it out for '{cls.default_problem}', or give a name.")
        if not of_env and (self.env_config or self.wrappers):
            raise UserError(f"'{name}' learns from a data set: env_config and wrappers are for environments.")
        if asked is None and not self.env_config:
            return None
        # A name that a run made for an object stands for the object that is brought now.
        again = None
        if stored is not None and stored.startswith(brought.MARK) and not isinstance(asked, (str, type(None))):
            again = stored.partition("?")[0] if self.env_config else stored
        return cls.name_problem(cls.default_problem if asked is None else asked, self.env_config or {}, name=again)

    def fields(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The algorithm's fields, and the Trainer's without their prefix; objects have become names."""
        config = dict(self.config or {})
        for name, value in (("wrappers", self.wrappers), ("network", self.network)):
            if value is None:
                continue
            if name in config:
                raise UserError(f"'{name}' is given twice, by itself and in config; give it once.")
            config[name] = value
        if not isinstance(config.get("wrappers", ""), str):
            config["wrappers"] = tuple(map(_name, config["wrappers"]))
        config = {key: _name(value) if callable(value) else value for key, value in config.items()}
        trainer = {k.removeprefix(TRAINER_PREFIX): v for k, v in config.items() if k.startswith(TRAINER_PREFIX)}
        return {k: v for k, v in config.items() if not k.startswith(TRAINER_PREFIX)}, trainer


def _name(value: Any) -> str:
    return value if isinstance(value, str) else brought.bring(value)


@dataclasses.dataclass(frozen=True)
class Plan:
    """A training run that has passed every check and has written nothing yet.

    Attributes:
        algorithm: what will learn.
        config: of the run.
        trainer: of the Trainer.
        steps: in all.
        path: the run's directory.
        resume: whether the run is there.
        remarks: what the user should hear before it begins.
    """

    algorithm: Algorithm
    config: RunConfig
    trainer: TrainerConfig
    steps: int
    path: Path
    resume: bool
    remarks: tuple[str, ...] = ()

    def execute(self, callbacks: Sequence[Callback] = ()) -> Run:
        """Train; the callbacks are called in order.

        Raises:
            UserError: `callbacks` has something that is none; nothing has been written then.
            RlgenError: the run stopped before its end; its last checkpoint is kept.
            Exception: what a callback raised, after the run was saved.
        """
        check_callbacks(callbacks)
        run = Run.open(self.path) if self.resume else Run.create(self.path, self.config)
        trainer = Trainer(algorithm=self.algorithm, run=run, config=self.trainer, callbacks=callbacks)
        for remark in self.remarks:
            runtime.tell(remark)
        if self.resume:
            trainer.hooks.message(f"Going on from step {trainer.resume():,} of {run.path}.")
        try:
            trainer.train(self.steps)
            _draw(run, self.algorithm)
        except OSError as error:
            if error is trainer.hooks.raised:
                raise  # A callback's own trouble, not that of the run's directory.
            raise RlgenError(
                f"The run {run.path} could not be written: {error.strerror or error}. Its last checkpoint, of step "
                f"{run.steps:,}, is untouched; free some space and go on with --resume."
            ) from error
        finally:
            self.algorithm.close()
        reuse.keep(self.algorithm)
        return run


def plan(name: str, **asked: Any) -> Plan:
    """Check everything `rlgen.train` is asked for and build the algorithm, writing nothing.

    Args:
        name: of the algorithm.
        asked: the fields of `Request`.

    Raises:
        UserError: anything that cannot be.
    """
    request = Request(**asked)
    runtime.prepare()
    if request.resume:
        return _resumed(name, request)
    cls = registry.load(name, registry.ALGORITHM_KINDS)
    problem, preset, config, trainer = configured(name, cls, request)
    trainer_config = TrainerConfig.build(trainer).resolved(request.steps or cls.default_steps)
    if request.run is not None:
        check_free(Path(request.run))
    seed = request.seed or 0
    algorithm = reuse.make(cls, problem=problem, config=config, seed=seed, engine=request.engine or "auto")
    checked(algorithm)
    remarks = (*algorithm.remarks(), *_started(algorithm, name, request.start))
    run_config = RunConfig(
        algorithm=name,
        problem=problem,
        engine=algorithm.engine,
        seed=seed,
        preset=preset,
        config=config.to_dict(),
        trainer=trainer_config.to_dict(),
        facts=dict(algorithm.facts()),
    )
    path = Path(request.run) if request.run is not None else default_path(run_config)
    return Plan(algorithm, run_config, trainer_config, request.steps or cls.default_steps, path, False, remarks)


def configured(name: str, cls: type[Algorithm], request: Request) -> tuple[str, str, Any, dict[str, Any]]:
    """What is learned from, the preset's name, the algorithm's configuration and the Trainer's fields."""
    problem = request.problem(name, cls) or cls.default_problem
    own, trainer = request.fields()
    preset = request.preset
    if preset is None:
        plain = problem.partition("?")[0]
        preset = plain if plain in cls.Config.presets else "default"
    return problem, preset, cls.Config.build({**cls.suited(problem), **own}, preset=preset), trainer


def checked(algorithm: Algorithm) -> None:
    """Raise `UserError` where the problem does not keep its promises, or training would not fit into memory."""
    algorithm.check_problem()
    runtime.require_memory(algorithm.memory_bytes(), advice=algorithm.memory_advice)


def _started(algorithm: Algorithm, name: str, start: Run | str | Path | None) -> tuple[str, ...]:
    """Begin with what another run has learned; what there is to say about it."""
    if start is None:
        return ()
    run = start if isinstance(start, Run) else Run.open(start)
    if run.config.algorithm != name:
        raise UserError(f"{run.path} trained '{run.config.algorithm}', and its weights are no start for '{name}'.")
    good, arrays, _ = newest_good(run.checkpoints)
    try:
        algorithm.begin_from(arrays)
    except UserError as error:
        raise UserError(f"{run.path} is no start for this configuration: {error}") from error
    return (f"Beginning with the weights of {run.path}, step {good.step:,}.",)


def _resumed(name: str, request: Request) -> Plan:
    """Take the run's own configuration; whatever was asked for must agree with it."""
    if request.run is None:
        raise UserError("Which run? Say --run DIR together with --resume.")
    if request.start is not None:
        raise UserError("A run that is resumed has its own weights: leave --from out, or start a new run.")
    run = Run.open(request.run)
    stored = run.config
    cls = registry.load(stored.algorithm, registry.ALGORITHM_KINDS)
    problem = request.problem(name, cls, stored=stored.problem)
    own, trainer = request.fields()
    asked: dict[str, Any] = {"algorithm": name, "problem": problem, "seed": request.seed, "preset": request.preset}
    asked["engine"] = None if request.engine == "auto" else request.engine
    found = differences(vars(stored), {key: value for key, value in asked.items() if value is not None})
    # Built on top of the run's own values, so that text such as "1e-3" gets its field's type.
    wanted = cls.Config.build({**stored.config, **own}).to_dict()
    found += differences(stored.config, {key: wanted[key] for key in own})
    wanted_trainer = TrainerConfig.build({**stored.trainer, **trainer})
    fixed = [key for key in trainer if key not in TrainerConfig.ENDINGS]
    found += differences(stored.trainer, {key: wanted_trainer.to_dict()[key] for key in fixed})
    if found:
        raise UserError(
            f"{run.path} was trained with another configuration:\n  "
            + "\n  ".join(found)
            + "\nLeave these out to go on with it, or start a new run."
        )
    steps, at = request.steps or cls.default_steps, run.steps
    if steps <= at:
        at = newest_good(run.checkpoints)[0].step  # The last one may be damaged.
    if steps <= at:
        raise UserError(f"{run.path} is at step {at:,} already; ask for more than that with --steps.")
    algorithm = built(stored)
    checked(algorithm)
    remarks = (*algorithm.remarks(), *changes(stored, algorithm))
    return Plan(algorithm, stored, wanted_trainer, steps, run.path, True, remarks)


def built(config: RunConfig) -> Algorithm:
    """The algorithm of a run's configuration, untrained.

    Raises:
        UserError: it is not installed any more, or cannot be built as it was.
    """
    cls, how = _how(config)
    algorithm: Algorithm = cls(**how)
    return algorithm


def for_use(config: RunConfig, arrays: Mapping[str, Any]) -> Algorithm:
    """The algorithm of a run's configuration with what it has learned; its problem need not be there.

    Raises:
        UserError: as `built`.
    """
    cls, how = _how(config)
    algorithm: Algorithm = cls.for_use(facts=config.facts, **how)
    state.write(algorithm.inference_state(), arrays)
    return algorithm


def changes(config: RunConfig, algorithm: Algorithm) -> tuple[str, ...]:
    """What is to be said where a run's problem is not what it was."""
    if not config.facts or dict(algorithm.facts()) == config.facts:
        return ()
    return (f"'{config.problem}' has changed since the run began: what it says now was not learned from.",)


def _how(config: RunConfig) -> tuple[type[Algorithm], dict[str, Any]]:
    """A run's class, and the arguments of its constructor."""
    try:
        cls = registry.load(config.algorithm, registry.ALGORITHM_KINDS)
    except UnknownName as error:
        raise UnknownName(
            f"{error} The run was made by a plug-in that is not here: install its package, or import the module that "
            "registers it first."
        ) from error
    engine = config.engine if cls.problem_kind == "env" else "auto"
    values = {"problem": config.problem, "config": cls.Config.build(config.config), "seed": config.seed}
    return cls, {**values, "engine": engine}


def _draw(run: Run, algorithm: Algorithm) -> None:
    from rlgen.media import draw_learning_curve

    draw_learning_curve(run, algorithm)
