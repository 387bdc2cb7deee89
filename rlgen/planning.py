"""From what a caller asks for to a training run that has passed every check, in names that a run can keep."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rlgen import brought, importing, lock, paths, registry, reuse, runtime, state
from rlgen.algorithm import Algorithm
from rlgen.callbacks import Callback
from rlgen.checkpoint import listed, newest_good, way_on
from rlgen.config import differences, read, read_seed
from rlgen.errors import RlgenError, UnknownName, UserError
from rlgen.hooks import check_callbacks
from rlgen.run import Run, RunConfig, check_free, default_path, is_run
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
    resume: bool | Literal["auto"] = False
    start: Run | str | Path | None = None
    trust: bool = False

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
        if self.trust and not self.resume and self.start is None and self.run is None:
            raise UserError("--trust is for a run that is there: give it with --run or --from, or leave it out.")

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
        past_stop: whether a run that a callback has stopped is to go on.
        remarks: what the user should hear before it begins.
    """

    algorithm: Algorithm
    config: RunConfig
    trainer: TrainerConfig
    steps: int
    path: Path
    resume: bool
    past_stop: bool = False
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
        try:
            with lock.locked(run.path):
                self._train(trainer)
        except OSError as error:
            if error is trainer.hooks.raised:
                raise  # A callback's own trouble, not that of the run's directory.
            raise RlgenError(
                f"The run {run.path} could not be written: {error.strerror or error}. Its last checkpoint, of step "
                f"{run.steps:,}, is untouched; {way_on(error)} and go on with --resume."
            ) from error
        finally:
            self.algorithm.close()
        reuse.keep(self.algorithm)
        return Run(self.path)

    def close(self) -> None:
        """Let go of what was made, and train nothing."""
        self.algorithm.close()

    def _train(self, trainer: Trainer) -> None:
        if self.resume:
            at = trainer.resume()
            # Only now: what is there is whole. A run that is killed later goes on to what it is asked for here.
            trainer.run.write_config(self.config)
            if trainer.step >= trainer.whole_steps(self.steps) or (trainer.stopped and not self.past_stop):
                trainer.hooks.message(f"{trainer.run.path} has done its {at:,} steps; what was to follow is made now.")
                trainer.finish()
                return
            trainer.hooks.message(f"Going on from step {at:,} of {trainer.run.path}.")
        trainer.train(self.steps)


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run that is there and has nothing left to do.

    Attributes:
        run: the run.
    """

    run: Run

    def execute(self, callbacks: Sequence[Callback] = ()) -> Run:
        """Say so."""
        check_callbacks(callbacks)
        result, way = self.run.result, "more steps (--steps)"
        why = f"it ended at step {result['steps']:,}: {result['stopped']}" if result.get("stopped") else ""
        if why:
            way = "another ending (--set trainer.patience_evaluations=none, for instance)"
        done = why or f"it has done its {result['steps']:,} steps"
        runtime.tell(f"{self.run.path} is finished: {done}. Ask for {way} to go on with it.")
        return self.run

    def close(self) -> None:
        """There is nothing to let go of."""


def plan(name: str, **asked: Any) -> Plan | Finished:
    """Check everything `rlgen.train` is asked for and build the algorithm, writing nothing.

    A run that is there goes on if all that is asked for is what it has, whether or not `resume` says so.

    Args:
        name: of the algorithm.
        asked: the fields of `Request`.

    Raises:
        UserError: anything that cannot be.
    """
    request = Request(**asked)
    runtime.prepare()
    if request.resume and request.run is None:
        raise UserError("Which run? Say --run DIR together with --resume.")
    if request.run is not None and (request.resume is True or is_run(Path(request.run))):
        return _resumed(name, request)
    cls = registry.load(name, registry.ALGORITHM_KINDS)
    problem, preset, config, trainer = configured(name, cls, request)
    steps = request.steps or cls.default_steps
    trainer_config = TrainerConfig.build(trainer).resolved(steps)
    if request.run is not None:
        check_free(Path(request.run))
    seed = request.seed or 0
    algorithm = reuse.make(cls, problem=problem, config=config, seed=seed, engine=request.engine or "auto")
    checked(algorithm)
    start = None if request.start is None else _start(name, request.start)
    remarks = (*algorithm.remarks(), *_begun(algorithm, start))
    run_config = RunConfig(
        algorithm=name,
        problem=problem,
        engine=algorithm.engine,
        seed=seed,
        preset=preset,
        config=config.to_dict(),
        trainer=trainer_config.to_dict(),
        steps=steps,
        facts=dict(algorithm.facts()),
        start=start,
    )
    path = Path(request.run) if request.run is not None else default_path(run_config)
    return Plan(algorithm, run_config, trainer_config, steps, path, resume=False, remarks=remarks)


def configured(
    name: str, cls: type[Algorithm], request: Request, *, stored: str | None = None
) -> tuple[str, str, Any, dict[str, Any]]:
    """What is learned from, the preset's name, the algorithm's configuration and the Trainer's fields.

    `stored` is how a run that goes on calls what it learns from.
    """
    problem = request.problem(name, cls, stored=stored) or cls.default_problem
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


def _start(name: str, start: Run | str | Path) -> dict[str, Any]:
    """Whose weights a run begins with, as its configuration keeps it."""
    run = start if isinstance(start, Run) else Run.open(start)
    if run.config.algorithm != name:
        raise UserError(f"{run.path} trained '{run.config.algorithm}', and its weights are no start for '{name}'.")
    good, _, _ = newest_good(run.checkpoints)
    return {"run": str(run.path), "step": good.step, "sha256": good.manifest()["sha256"]}


def _begun(algorithm: Algorithm, start: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Begin with what another run has learned; what there is to say about it."""
    if start is None:
        return ()
    run, step = Run.open(start["run"]), start["step"]
    kept = [each for each in listed(run.checkpoints) if each.step == step]
    if not kept or kept[0].manifest()["sha256"] != start["sha256"]:
        raise UserError(
            f"The run was stopped before its first checkpoint. It began with step {step:,} of {run.path}, which is "
            "not there any more: delete it and start it anew."
        )
    try:
        algorithm.begin_from(kept[0].load())
    except UserError as error:
        raise UserError(f"{run.path} is no start for this configuration: {error}") from error
    return (f"Beginning with the weights of {run.path}, step {step:,}.",)


def _resumed(name: str, request: Request) -> Plan | Finished:
    """Take the run's own configuration; whatever is asked for must agree with it."""
    assert request.run is not None, "plan has seen to it"
    run = Run.open(request.run)
    stored = run.config
    cls = registry.load(stored.algorithm, registry.ALGORITHM_KINDS)
    if found := _differences(name, cls, stored, request):
        raise UserError(
            f"{run.path} was trained with another configuration:\n  "
            + "\n  ".join(found)
            + "\nLeave these out to go on with it, or start a new run: choose another --run."
        )
    trainer = TrainerConfig.build({**stored.trainer, **request.fields()[1]})
    steps = request.steps or stored.steps or cls.default_steps
    begun = run.begun()
    at = newest_good(run.checkpoints)[0].step if begun else 0
    if steps < at:
        raise UserError(f"{run.path} is at step {at:,} already; ask for more than that with --steps.")
    wanted = dataclasses.replace(stored, steps=steps, trainer=trainer.to_dict())
    past_stop = wanted.trainer != stored.trainer or (request.resume is True and request.steps is not None)
    if run.finished and (at >= steps or (run.result.get("stopped") and not past_stop)):
        return Finished(run)
    algorithm = built(stored, consented(run, trust=request.trust, repeated=_repeated(cls, stored, request)))
    checked(algorithm)
    remarks = (*algorithm.remarks(), *changes(stored, algorithm))
    if not begun:
        remarks = (*remarks, *_begun(algorithm, stored.start))
    return Plan(algorithm, wanted, trainer, steps, run.path, True, past_stop, remarks)


def _differences(name: str, cls: type[Algorithm], stored: RunConfig, request: Request) -> list[str]:
    """A line for each thing that is asked for and is not what the run has.

    By `resume` only what is said is asked for; without it what is left out is the default, as for a new run.
    """
    problem, (own, trainer) = request.problem(name, cls, stored=stored.problem), request.fields()
    asked: dict[str, Any] = {"algorithm": name, "problem": problem, "seed": request.seed, "preset": request.preset}
    asked["engine"] = None if request.engine == "auto" else request.engine
    if request.start is not None:
        asked["start"] = str(request.start.path if isinstance(request.start, Run) else request.start)
    if request.resume is not True and name == stored.algorithm:
        chosen, preset, config, _ = configured(name, cls, request, stored=stored.problem)
        own = config.to_dict()
        asked |= {"problem": chosen, "seed": request.seed or 0, "preset": preset, "start": asked.get("start")}
    has = {**vars(stored), "start": stored.start and stored.start["run"]}
    found = differences(has, {key: value for key, value in asked.items() if value is not None or key == "start"})
    if name != stored.algorithm:
        return found  # Fields of another algorithm mean nothing to this one.
    # Built on top of the run's own values, so that text such as "1e-3" gets its field's type.
    wanted = cls.Config.build({**stored.config, **own}).to_dict()
    found += differences(stored.config, {key: wanted[key] for key in own})
    wanted_trainer = TrainerConfig.build({**stored.trainer, **trainer}).to_dict()
    fixed = [key for key in trainer if key not in TrainerConfig.ENDINGS]
    return found + differences(stored.trainer, {key: wanted_trainer[key] for key in fixed})


def _repeated(cls: type[Algorithm], stored: RunConfig, request: Request) -> list[str]:
    """The names in a run that the user has said again, as the run has them."""
    own = cls.Config.build({**stored.config, **request.fields()[0]}).to_dict()
    problem = [] if request.env is None and request.data is None else [stored.problem]
    return [*problem, *importing.texts([own[key] for key in request.fields()[0]])]


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
    state.write(algorithm.inference_state(), arrays)
    return algorithm


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
    engine = config.engine if cls.problem_kind == "env" else "auto"
    with importing.of_run(consent, kind=cls.problem_kind, problem=config.problem, config=config.config):
        values = {"problem": config.problem, "config": cls.Config.build(config.config), "seed": config.seed}
        yield cls, {**values, "engine": engine}
