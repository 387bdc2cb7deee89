"""From what a caller asks for to a training run that has passed every check: a new one, or one that goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlgen import importing, lock, registry, reuse, runtime, watchdog
from rlgen.algorithm import Algorithm
from rlgen.best import fault_of, known_in
from rlgen.building import built, changes, checked, consented
from rlgen.callbacks import Callback
from rlgen.checkpoint import listed, newest_good, way_on
from rlgen.config import Config, differences
from rlgen.errors import RlgenError, UserError
from rlgen.hooks import check_callbacks
from rlgen.records import faults, marks_in
from rlgen.request import Request, configured
from rlgen.run import Run, RunConfig, check_free, default_path, is_run
from rlgen.together import leading
from rlgen.trainer import Trainer
from rlgen.trainer_config import TrainerConfig


@dataclasses.dataclass(frozen=True)
class Plan:
    """A training run that has passed every check and has written nothing yet.

    Attributes:
        algorithm: what will learn.
        config: of the run.
        trainer: of the Trainer.
        steps: in all.
        path: the run's directory.
        run: the run that goes on; None: a new one.
        past_stop: whether a run that a callback has stopped is to go on.
        remarks: what the user should hear before it begins.
    """

    algorithm: Algorithm
    config: RunConfig
    trainer: TrainerConfig
    steps: int
    path: Path
    run: Run | None = None
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
        algorithm = leading.led(self.algorithm, self.config)
        run = self.run or Run.create(self.path, self.config)
        trainer = Trainer(algorithm=algorithm, run=run, config=self.trainer, callbacks=callbacks)
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
            leading.dismiss(self.path)
            self.algorithm.close()
        reuse.keep(self.algorithm)
        return Run(self.path)

    def close(self) -> None:
        """Let go of what was made, and train nothing."""
        self.algorithm.close()

    def _train(self, trainer: Trainer) -> None:
        if self.run is not None:
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
    watchdog.dog.patience = trainer_config.step_timeout_seconds
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
        about={"chosen": dict(algorithm.chosen())},
    )
    path = Path(request.run) if request.run is not None else default_path(run_config)
    return Plan(algorithm, run_config, trainer_config, steps, path, remarks=remarks)


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
    run, step = Run.open(str(start.get("run"))), start.get("step")
    kept = [each for each in listed(run.checkpoints) if each.step == step]
    if not kept or kept[0].manifest().get("sha256") != start.get("sha256"):
        raise UserError(
            f"The run was stopped before its first checkpoint. It began with step {step} of {run.path}, which is not "
            "there any more: delete it and start it anew."
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
    steps = request.steps or stored.steps or cls.default_steps
    begun = run.begun()
    at = newest_good(run.checkpoints)[0].step if begun else 0
    # What is asked for may be less than the whole steps that a run has done for it, so it is no less than was.
    if steps < at and steps != stored.steps:
        raise UserError(f"{run.path} is at step {at:,} already; ask for more than that with --steps.")
    own, trainer = _of_run(cls, stored, request)
    wanted = dataclasses.replace(stored, steps=steps, config=own.to_dict(), trainer=trainer.to_dict())
    other_ending = any(wanted.trainer[name] != stored.trainer.get(name) for name in TrainerConfig.ENDINGS)
    past_stop = other_ending or (request.resume is True and request.steps is not None)
    if _finished(run) and (at >= steps or (run.result.get("stopped") and not past_stop)):
        return Finished(run)
    algorithm = built(wanted, consented(run, trust=request.trust, repeated=_repeated(own, stored, request)))
    checked(algorithm)
    remarks = (*algorithm.remarks(), *changes(stored, algorithm))
    if not begun:
        remarks = (*remarks, *_begun(algorithm, stored.start))
    return Plan(algorithm, wanted, trainer, steps, run.path, run, past_stop, remarks)


def _finished(run: Run) -> bool:
    """Whether a run was completed, nothing was trained since, and all that its result rests on is whole."""
    try:
        result, newest = run.result, newest_good(run.checkpoints)[0]
        known, marks = known_in(newest.manifest()), marks_in(newest.manifest())
    except UserError as error:
        runtime.tell(str(error))
        return False
    if known is None or result.get("steps") != newest.step:
        return False
    return fault_of(run.best, known["step"]) is None and not faults(run, marks, ended=True)


def _of_run(cls: type[Algorithm], stored: RunConfig, request: Request) -> tuple[Config, TrainerConfig]:
    """A run's own values with those on top that are said now, so that text such as "1e-3" gets its field's type."""
    own, trainer = request.fields()
    return cls.Config.build({**stored.config, **own}), TrainerConfig.build({**stored.trainer, **trainer})


def _repeated(config: Config, stored: RunConfig, request: Request) -> list[str]:
    """The names in a run that the user has said again, as the run has them."""
    problem = [] if request.env is None and request.data is None else [stored.problem]
    return [*problem, *importing.texts([config.to_dict()[key] for key in request.fields()[0]])]


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
    has = {**vars(stored), "start": stored.start and stored.start.get("run")}
    found = differences(has, {key: value for key, value in asked.items() if value is not None or key == "start"})
    if name != stored.algorithm:
        return found  # Fields of another algorithm mean nothing to this one.
    config, trainer_config = (each.to_dict() for each in _of_run(cls, stored, request))
    config |= own if request.resume is not True else {}
    found += differences(stored.config, {key: config[key] for key in own if key not in cls.Config.changeable})
    fixed = [key for key in trainer if key not in TrainerConfig.changeable]
    return found + differences(stored.trainer, {key: trainer_config[key] for key in fixed})
