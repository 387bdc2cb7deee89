"""What a program calls: train, evaluate, load, make, record, translate, available."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from rlgen import paths, registry, runtime
from rlgen.algorithm import Algorithm, Evaluation
from rlgen.building import changes, consented, for_use, judged_by, served
from rlgen.callbacks import Callback
from rlgen.config import read_seed
from rlgen.errors import UserError
from rlgen.evaluator import Evaluator
from rlgen.planning import plan
from rlgen.request import Request, configured
from rlgen.run import Run


def train(
    name: str,
    *,
    env: Any = None,
    env_config: Mapping[str, Any] | None = None,
    wrappers: Sequence[Any] | None = None,
    data: Any = None,
    network: Any = None,
    steps: int | None = None,
    seed: int | None = None,
    preset: str | None = None,
    config: Mapping[str, Any] | None = None,
    engine: str | None = None,
    run: str | Path | None = None,
    resume: bool | Literal["auto"] = False,
    start: Run | str | Path | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    trust: bool = False,
    workers: int | None = None,
    on: str | None = None,
) -> Run:
    """Train an algorithm and return its run.

    Args:
        name: of the algorithm; `rlgen list` shows them.
        env: what an agent learns in: an id, a class or function that makes environments, an `EnvSpec`, or an
            environment, which is used as it is, alone.
        env_config: arguments of the environment's constructor.
        wrappers: around the environment, from the inside out: names with arguments, classes or functions.
        data: what a model learns from: a name, arrays `x` or `(x, y)`, a `tf.data.Dataset` or an `rlgen.data.Dataset`.
        network: a name, or a function of the specifications of input and output that returns a Keras model.
        steps: environment steps, generator updates or batches in all, a resumed run's earlier ones included; a resumed
            run has its own.
        seed: all that is random derives from it; 0 unless given.
        preset: a named configuration, or a file's name that ends in .json; the one named after the problem if there is
            one, or the defaults.
        config: fields that override the preset; `trainer.*` are the Trainer's.
        engine: "auto", "compiled" or "gymnasium".
        run: the directory to write; a new one below `runs/` unless given.
        resume: go on with the run in `run`, whatever is not said here being what it has; "auto": start it where there
            is none yet. Without it a run that is there goes on too, if all that is asked for is what it has.
        start: another run, with whose weights this one begins.
        progress: show a progress bar on standard error; None: in notebooks.
        callbacks: who is called while it trains, in order; see `rlgen.Callback`.
        trust: import what a run names that is resumed, though it was not made here; that runs its author's code.
        workers: processes that train this one run together, each with a part of every batch; unless given 1, or with
            `on` as many as the cluster has CPUs.
        on: a cluster that Ray leads to, as `train_many` takes it; None: this machine.

    Raises:
        UserError: anything asked for that cannot be; nothing has been written then.
        Diverged: a loss became NaN or infinite.
        Interrupted: a signal stopped the run after it was saved.
        Exception: what a callback raised, after the run was saved.
    """
    asked = {
        "env": env,
        "env_config": env_config,
        "wrappers": wrappers,
        "data": data,
        "network": network,
        "steps": steps,
        "seed": seed,
        "preset": preset,
        "config": config,
        "engine": engine,
        "run": run,
        "resume": resume,
        "start": start,
        "trust": trust,
    }
    if on is not None or workers not in (None, 1):
        from rlgen import several

        if callbacks:
            raise UserError("callbacks are objects of this process, and workers=2 or on= trains in others: leave them.")
        return several.together(name, asked, workers=workers, on=on)
    planned = plan(name, **asked)
    from rlgen.progress import Bar, watched

    bars = (Bar(),) if (watched() if progress is None else progress) else ()
    return planned.execute((*bars, *callbacks))


def load(
    run: Run | str | Path, *, checkpoint: str | int = "best", env: Any = None, data: Any = None, trust: bool = False
) -> Any:
    """The algorithm of a run with the weights it learned: agents `act`, models `sample` or `predict`.

    Args:
        run: a `Run` or its directory.
        checkpoint: "best", "last" or a step that is kept.
        env: the environment again, where it was brought as an object by another program.
        data: the data again, likewise.
        trust: import what the run names, though it was not made here; that runs its author's code.

    Raises:
        UserError: no run, no such checkpoint, or one that names modules and is not trusted.
        CheckpointDamaged: the checkpoint of that step is damaged.
    """
    return loaded(run, checkpoint, env, data, trust)[0]


def train_many(specs: Sequence[Mapping[str, Any]], *, workers: int | None = None, on: str | None = None) -> list[Run]:
    """Train several runs side by side, in so many processes of this machine or of a cluster, and return them in order.

    A run that is there goes on, and one that is finished is left alone, so that the same call goes on with all of them.
    A process that dies is replaced, and its run goes on from its checkpoint. Each run is what it would be alone.

    Args:
        specs: of each what `train` takes, its `name` among it; nothing but text, numbers and what modules hold. Runs
            without a `run` get directories below a new one in `runs/`.
        workers: processes; unless given 2 of this machine, or as many as the cluster has CPUs.
        on: a cluster that Ray leads to: "ray" (the one that `RAY_ADDRESS` names or that runs here, or a new one of this
            machine), "auto" (never a new one), "host:port" or "ray://host:port". All its nodes have to see the runs'
            directories. None: this machine.

    Raises:
        UserError: a specification that is none, two of one directory, or a cluster that cannot train; nothing is
            trained then.
        Interrupted: a signal asked to stop; what had begun is saved.
        RlgenError: some runs have failed, named with why; the others are there.
    """
    from rlgen import several

    return several.of_specs(specs, workers=workers, on=on)


def evaluate(
    run: Run | str | Path,
    *,
    episodes: int = 20,
    checkpoint: str | int = "best",
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
    env: Any = None,
    data: Any = None,
    trust: bool = False,
) -> Evaluation:
    """Judge a run's checkpoint on what it was not trained on.

    Args:
        run: a `Run` or its directory.
        episodes: episodes, sample sets or passes.
        checkpoint: "best", "last" or a step that is kept.
        seed: of the evaluation.
        config: other values of fields that say how it is judged, such as `metrics` and `evaluation_samples`.
        env: as in `load`.
        data: as in `load`.
        trust: as in `load`.

    Raises:
        UserError: as `load`, no episodes, or a field that decides more than the judgement.
        Diverged: something that was found is not finite.
    """
    return evaluate_checkpoint(
        run, episodes=episodes, checkpoint=checkpoint, seed=seed, config=config, env=env, data=data, trust=trust
    )[0]


def evaluate_checkpoint(
    run: Run | str | Path,
    *,
    episodes: int,
    checkpoint: str | int,
    seed: int,
    config: Mapping[str, Any] | None = None,
    env: Any = None,
    data: Any = None,
    trust: bool = False,
) -> tuple[Evaluation, int]:
    """As `evaluate`, and the step of the checkpoint that was judged."""
    evaluator = Evaluator(episodes=episodes, seed=seed)
    algorithm, step, run = loaded(run, checkpoint, env, data, trust, judged=config or {})
    if config:
        runtime.require_memory(algorithm.memory_bytes(), advice=algorithm.memory_advice)
    for remark in changes(run.config, algorithm):
        runtime.tell(remark)
    with contextlib.closing(algorithm):
        return evaluator.judge(algorithm), step


def record(
    run: Run | str | Path,
    *,
    out: str | Path,
    checkpoint: str | int = "best",
    seed: int = 0,
    env: Any = None,
    trust: bool = False,
) -> Path:
    """Film a run's result at work, as MP4 or GIF by the ending of `out`; returns the file.

    `env` and `trust` are as in `load`.

    Raises:
        UserError: another ending, a directory that is not there, or nothing to film.
    """
    from rlgen.media import write_video

    out, seed = paths.named(out, what="--out"), read_seed(seed)
    with contextlib.closing(load(run, checkpoint=checkpoint, env=env, trust=trust)) as algorithm:
        return write_video(algorithm, out, seed=seed)


def sample(
    run: Run | str | Path,
    *,
    out: str | Path,
    count: int = 64,
    classes: Sequence[int | str] | None = None,
    interpolate: bool = False,
    combine: str | None = None,
    checkpoint: str | int = "best",
    seed: int = 0,
    trust: bool = False,
) -> Path:
    """Write samples of a run's generative model; returns the file or directory.

    Args:
        run: a `Run` or its directory.
        out: FILE.png, all of them in one picture; FILE.npy, float32 [count, *shape]; without an ending a new directory
            with a picture of each.
        count: how many.
        classes: of a conditional model, numbers or names, which take turns.
        interpolate: rows of eight that lead from one sample to another; `count` is rounded up to whole rows.
        combine: a sum of samples, such as "3,7,9 - 1,4,5 + 2,6,8", instead of `count`: a row for each term, its samples
            and then their mean, and one of what is near the sum, and then the sum itself. All are means of latent
            vectors. Samples are counted from 1, row by row, as they are written with the same seed.
        checkpoint: "best", "last" or a step that is kept.
        seed: of the samples.
        trust: as in `load`.

    Raises:
        UserError: `out` is there, the model makes no samples or none of such classes, or so many need too much memory;
            nothing is written.
        RlgenError: the disk refuses.
    """
    from rlgen import sampling

    out, seed = sampling.check(out), read_seed(seed)
    terms = [] if combine is None else sampling.terms_of(combine)
    with contextlib.closing(load(run, checkpoint=checkpoint, trust=trust)) as model:
        how: dict[str, Any] = {"count": count, "classes": classes, "interpolate": interpolate, "terms": terms}
        return sampling.sample_files(model, out, seed=seed, **how)


def predict(
    run: Run | str | Path,
    given: str | Path,
    *,
    out: str | Path,
    checkpoint: str | int = "best",
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> Path:
    """Write what a run's supervised model says of everything in a file, as a table; returns the file.

    Args:
        run: a `Run` or its directory.
        given: a CSV file with the columns it learned from, a picture, a folder of pictures, or a file .npy.
        out: FILE.csv: for each row or picture the prediction, the probability of each class, and the deviation where
            the model knows one.
        checkpoint: "best", "last" or a step that is kept.
        seed: of the dropout, with `monte_carlo_passes`.
        config: other values of fields that decide nothing of what was learned, such as `monte_carlo_passes`.
        trust: as in `load`.

    Raises:
        UserError: as `load`; another kind of model, a column that is not there, a text that is no number, a file that
            is there; nothing is written.
    """
    from rlgen import predicting

    predicting.check(given, out)
    seed = read_seed(seed)
    algorithm, _, _ = loaded(run, checkpoint, None, None, trust, judged=config or {})
    with contextlib.closing(algorithm):
        return predicting.predict_file(predicting.predictor(algorithm), given, out, seed=seed)


def translate(
    run: Run | str | Path,
    inputs: Sequence[str | Path],
    *,
    out: str | Path,
    checkpoint: str | int = "best",
    seed: int = 0,
    background: str = "white",
    overwrite: bool = False,
    trust: bool = False,
) -> list[Path]:
    """Files of pictures into PNG files under the same names, by a run whose model makes pictures out of pictures.

    Args:
        run: a `Run` or its directory.
        inputs: files, or folders whose pictures are meant; of any size: the largest part in the middle that has the
            proportions of what the model takes is scaled.
        out: the directory to write into; made where it is not there.
        checkpoint: "best", "last" or a step that is kept.
        seed: of models that draw.
        background: what transparent pixels are laid on: white, black, grey or hexadecimal digits.
        overwrite: replace files that are there.
        trust: as in `load`.

    Raises:
        UserError: as `load`; another kind of model, a file that is no picture, one that is there; nothing is written.
    """
    from rlgen import translating

    translating.check(inputs, out)
    seed = read_seed(seed)
    with contextlib.closing(load(run, checkpoint=checkpoint, trust=trust)) as algorithm:
        model = translating.translator(algorithm)
        return translating.translate_files(model, inputs, out, seed=seed, background=background, overwrite=overwrite)


def paint(
    run: Run | str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    checkpoint: str | int = "best",
    trust: bool = False,
) -> Any:
    """A server of a page on which somebody paints and sees what a run's model makes of it: `serve()` serves it.

    Args:
        run: a `Run` or its directory.
        host: the address it listens at; whoever reaches it can use it.
        port: 0: one that is free.
        checkpoint: "best", "last" or a step that is kept.
        trust: as in `load`.

    Raises:
        UserError: as `load`; another kind of model, or an address that cannot be had.
    """
    from rlgen import painting, translating

    algorithm, step, run = loaded(run, checkpoint, None, None, trust)
    model = translating.translator(algorithm)
    title = f"{run.config.algorithm} on {run.config.problem}, step {step:,}"
    return painting.Server(model, host=host, port=port, title=title)


def make(
    name: str,
    *,
    env: Any = None,
    env_config: Mapping[str, Any] | None = None,
    wrappers: Sequence[Any] | None = None,
    data: Any = None,
    network: Any = None,
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
    request = Request(
        env=env,
        env_config=env_config,
        wrappers=wrappers,
        data=data,
        network=network,
        seed=seed,
        preset=preset,
        config=config,
        engine=engine,
    )
    problem, _, built, _ = configured(name, cls, request)
    algorithm: Algorithm = cls(problem=problem, config=built, seed=request.seed, engine=engine)
    algorithm.check_problem()
    return algorithm


def available(*, kind: str | None = None) -> list[dict[str, str]]:
    """Every plug-in there is: `name`, `kind`, `source` and `summary`. Imports none of them."""
    return [
        {"name": plugin.name, "kind": plugin.kind, "source": plugin.source, "summary": plugin.summary}
        for plugin in registry.available(kind)
    ]


def loaded(
    run: Run | str | Path,
    checkpoint: str | int,
    env: Any,
    data: Any,
    trust: bool,
    judged: Mapping[str, Any] = MappingProxyType({}),
    leaves: bool = False,
) -> tuple[Algorithm, int, Run]:
    """The algorithm, with other values of fields by which it is judged, the checkpoint's step, and the run.

    With `leaves` it is as it is to be exported, whatever this machine computes best.
    """
    runtime.prepare()
    run = run if isinstance(run, Run) else Run.open(paths.named(run, what="run"))
    step, arrays = run.weights(str(checkpoint))
    config, repeated = judged_by(run.config, judged), set[str]()
    if env is not None or data is not None:
        cls = registry.load(config.algorithm, registry.ALGORITHM_KINDS)
        named = Request(env=env, data=data).problem(config.algorithm, cls, stored=config.problem)
        if named != config.problem:
            raise UserError(f"{run.path} learned on '{config.problem}', not on '{named}'. Leave it out.")
        repeated.add(config.problem)
    config = served(config) if leaves else config
    return for_use(config, arrays, consented(run, trust=trust, repeated=repeated)), step, run
