"""What a program calls: train, evaluate, load, make, record, available."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlgen import registry, reuse, runtime, state
from rlgen.algorithm import Algorithm, Evaluation
from rlgen.callbacks import Callback
from rlgen.checkpoint import newest_good
from rlgen.config import differences
from rlgen.errors import RlgenError, UserError
from rlgen.evaluator import Evaluator
from rlgen.hooks import check_callbacks
from rlgen.run import Run, RunConfig, check_free, default_path
from rlgen.trainer import Trainer
from rlgen.trainer_config import TrainerConfig

TRAINER_PREFIX = "trainer."


@dataclasses.dataclass(frozen=True)
class Plan:
    """A training run that has passed every check and has written nothing yet."""

    algorithm: Algorithm
    config: RunConfig
    trainer: TrainerConfig
    steps: int
    path: Path
    resume: bool

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


def plan(
    name: str,
    *,
    env: str | None = None,
    data: str | None = None,
    steps: int | None = None,
    seed: int | None = None,
    preset: str | None = None,
    config: Mapping[str, Any] | None = None,
    engine: str | None = None,
    run: str | Path | None = None,
    resume: bool = False,
) -> Plan:
    """Check everything `train` is asked for and build the algorithm, writing nothing; the same arguments.

    Raises:
        UserError: anything that cannot be.
    """
    runtime.prepare()
    if steps is not None and steps < 1:
        raise UserError(f"steps={steps}: train for at least one step.")
    if resume:
        return _plan_resume(name, env or data, steps, seed, preset, dict(config or {}), engine, run)
    cls = registry.load(name, registry.ALGORITHM_KINDS)
    problem = _problem(name, cls, env, data)
    own, trainer = _split(config or {})
    if preset is None:
        preset = problem if problem in cls.Config.presets else "default"
    built = cls.Config.build(own, preset=preset)
    trainer_config = TrainerConfig.build(trainer).resolved(steps or cls.default_steps)
    if run is not None:
        check_free(Path(run))
    algorithm = reuse.make(cls, problem=problem, config=built, seed=seed or 0, engine=engine or "auto")
    runtime.require_memory(algorithm.memory_bytes(), advice=algorithm.memory_advice)
    run_config = RunConfig(
        algorithm=name,
        problem=problem,
        engine=algorithm.engine,
        seed=seed or 0,
        preset=preset,
        config=built.to_dict(),
        trainer=trainer_config.to_dict(),
    )
    path = Path(run) if run is not None else default_path(run_config)
    return Plan(algorithm, run_config, trainer_config, steps or cls.default_steps, path, resume=False)


def train(
    name: str,
    *,
    env: str | None = None,
    data: str | None = None,
    steps: int | None = None,
    seed: int | None = None,
    preset: str | None = None,
    config: Mapping[str, Any] | None = None,
    engine: str | None = None,
    run: str | Path | None = None,
    resume: bool = False,
    progress: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train an algorithm and return its run.

    Args:
        name: of the algorithm; `rlgen list` shows them.
        env: id of the environment to learn in, for agents.
        data: name of the data set to learn from, for models.
        steps: environment steps, generator updates or batches in all, a resumed run's earlier ones included.
        seed: all that is random derives from it; 0 unless given.
        preset: a named configuration; the one named after the problem if there is one, or the defaults.
        config: fields that override the preset; `trainer.*` are the Trainer's.
        engine: "auto", "compiled" or "gymnasium".
        run: the directory to write; a new one below `runs/` unless given.
        resume: go on with the run in `run` instead of starting one.
        progress: show a progress bar on standard error.
        callbacks: who is called while it trains, in order; see `rlgen.Callback`.

    Raises:
        UserError: anything asked for that cannot be; nothing has been written then.
        Diverged: a loss became NaN or infinite.
        Interrupted: a signal stopped the run after it was saved.
        Exception: what a callback raised, after the run was saved.
    """
    planned = plan(
        name,
        env=env,
        data=data,
        steps=steps,
        seed=seed,
        preset=preset,
        config=config,
        engine=engine,
        run=run,
        resume=resume,
    )
    if not progress:
        return planned.execute(callbacks)
    from rlgen.progress import Bar

    return planned.execute((Bar(), *callbacks))


def load(run: Run | str | Path, *, checkpoint: str | int = "best") -> Any:
    """The algorithm of a run with the weights it learned: agents `act`, models `sample` or `predict`.

    Args:
        run: a `Run` or its directory.
        checkpoint: "best", "last" or a step that is kept.

    Raises:
        UserError: no run, or no such checkpoint.
        CheckpointDamaged: the checkpoint of that step is damaged.
    """
    return _loaded(run, checkpoint)[0]


def evaluate(run: Run | str | Path, *, episodes: int = 20, checkpoint: str | int = "best", seed: int = 0) -> Evaluation:
    """Judge a run's checkpoint on environments or data it was not trained on.

    Raises:
        UserError: no run, no such checkpoint, or no episodes.
    """
    return evaluate_checkpoint(run, episodes=episodes, checkpoint=checkpoint, seed=seed)[0]


def evaluate_checkpoint(
    run: Run | str | Path, *, episodes: int, checkpoint: str | int, seed: int
) -> tuple[Evaluation, int]:
    """As `evaluate`, and the step of the checkpoint that was judged."""
    evaluator = Evaluator(episodes=episodes, seed=seed)
    algorithm, step = _loaded(run, checkpoint)
    return evaluator.evaluate(algorithm), step


def record(run: Run | str | Path, *, out: str | Path, checkpoint: str | int = "best", seed: int = 0) -> Path:
    """Film a run's result at work, as MP4 or GIF by the ending of `out`; returns the file.

    Raises:
        UserError: another ending, a directory that is not there, or nothing to film.
    """
    from rlgen.media import write_video

    return write_video(load(run, checkpoint=checkpoint), Path(out), seed=seed)


def make(
    name: str,
    *,
    env: str | None = None,
    data: str | None = None,
    seed: int = 0,
    preset: str | None = None,
    config: Mapping[str, Any] | None = None,
    engine: str = "auto",
) -> Any:
    """An untrained algorithm, for those who bring their own loop: `train(steps)`, `evaluate(...)`, `state()`.

    Raises:
        UserError: as `train`.
    """
    runtime.prepare()
    cls = registry.load(name, registry.ALGORITHM_KINDS)
    problem = _problem(name, cls, env, data)
    if preset is None and problem in cls.Config.presets:
        preset = problem
    return cls(problem=problem, config=cls.Config.build(config, preset=preset), seed=seed, engine=engine)


def build(config: RunConfig) -> Algorithm:
    """The algorithm of a run's configuration, untrained.

    Raises:
        UserError: it is not installed any more, or cannot be built as it was.
    """
    cls = registry.load(config.algorithm, registry.ALGORITHM_KINDS)
    engine = config.engine if cls.problem_kind == "env" else "auto"
    algorithm: Algorithm = cls(
        problem=config.problem, config=cls.Config.build(config.config), seed=config.seed, engine=engine
    )
    return algorithm


def available(*, kind: str | None = None) -> list[dict[str, str]]:
    """Every plug-in there is: `name`, `kind`, `source` and `summary`. Imports none of them."""
    return [
        {"name": plugin.name, "kind": plugin.kind, "source": plugin.source, "summary": plugin.summary}
        for plugin in registry.available(kind)
    ]


def _loaded(run: Run | str | Path, checkpoint: str | int) -> tuple[Algorithm, int]:
    runtime.prepare()
    run = run if isinstance(run, Run) else Run.open(run)
    step, arrays = run.weights(str(checkpoint))
    algorithm = build(run.config)
    state.write(algorithm.inference_state(), arrays)
    return algorithm, step


def _plan_resume(
    name: str,
    problem: str | None,
    steps: int | None,
    seed: int | None,
    preset: str | None,
    config: dict[str, Any],
    engine: str | None,
    path: str | Path | None,
) -> Plan:
    """Take the run's own configuration; whatever was asked for must agree with it."""
    if path is None:
        raise UserError("Which run? Say --run DIR together with --resume.")
    run = Run.open(path)
    stored = run.config
    own, trainer = _split(config)
    cls = registry.load(stored.algorithm, registry.ALGORITHM_KINDS)
    asked: dict[str, Any] = {"algorithm": name, "problem": problem, "seed": seed, "preset": preset}
    asked["engine"] = None if engine == "auto" else engine
    found = differences(vars(stored), {key: value for key, value in asked.items() if value is not None})
    # Built on top of the run's own values, so that text such as "1e-3" gets its field's type.
    wanted = cls.Config.build({**stored.config, **own}).to_dict()
    found += differences(stored.config, {key: wanted[key] for key in own})
    wanted_trainer = TrainerConfig.build({**stored.trainer, **trainer})
    fixed = [key for key in trainer if key not in TrainerConfig.ENDINGS]
    found += differences(stored.trainer, {key: wanted_trainer.to_dict()[key] for key in fixed})
    if found:
        raise UserError(
            f"{path} was trained with another configuration:\n  "
            + "\n  ".join(found)
            + "\nLeave these out to go on with it, or start a new run."
        )
    steps, at = steps or cls.default_steps, run.steps
    if steps <= at:
        at = newest_good(run.checkpoints)[0].step  # The last one may be damaged.
    if steps <= at:
        raise UserError(f"{path} is at step {at:,} already; ask for more than that with --steps.")
    algorithm = build(stored)
    runtime.require_memory(algorithm.memory_bytes(), advice=algorithm.memory_advice)
    return Plan(algorithm, stored, wanted_trainer, steps, run.path, resume=True)


def _problem(name: str, cls: type[Algorithm], env: str | None, data: str | None) -> str:
    if env is not None and data is not None:
        raise UserError("An algorithm learns on an environment or on a data set: give --env or --data, not both.")
    wrong, right = (data, "--env ID") if cls.problem_kind == "env" else (env, "--data ID")
    if wrong is not None:
        where = "in an environment" if cls.problem_kind == "env" else "from a data set"
        raise UserError(f"'{name}' learns {where}: give {right} instead.")
    return env or data or cls.default_problem


def _split(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The algorithm's fields, and the Trainer's without their prefix."""
    trainer = {k.removeprefix(TRAINER_PREFIX): v for k, v in config.items() if k.startswith(TRAINER_PREFIX)}
    return {k: v for k, v in config.items() if not k.startswith(TRAINER_PREFIX)}, trainer


def _draw(run: Run, algorithm: Algorithm) -> None:
    from rlgen.media import draw_learning_curve

    draw_learning_curve(run, type(algorithm))
