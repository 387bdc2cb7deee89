"""The `rlgen` command: thin over `rlgen.api`. Standard output is the answer, standard error the talk."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rlgen import completion, registry, showing
from rlgen._version import __version__
from rlgen.arguments import guessed
from rlgen.commands import Group, Listing, Place, answer, print_json, print_table
from rlgen.config import parse_overrides, read_seed
from rlgen.errors import RlgenError, UserError

if TYPE_CHECKING:
    from rlgen.planning import Finished, Plan
    from rlgen.run import Run

# Each of them is a run of its own.
MOST_SEEDS = 10_000


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value on standard output.")
checkpoint_option = click.option(
    "--checkpoint", default="best", show_default=True, help="best, last or a step that is kept."
)
trust_option = click.option(
    "--trust", is_flag=True, help="Import what a run of somebody else's names, which runs its author's code."
)


def main() -> None:
    """Run the command; a user's mistake gets its message and exit code 2, other failures 1."""
    try:
        cli(standalone_mode=False)
    except UserError as error:
        _fail(str(error), 2)
    except RlgenError as error:
        _fail(str(error), 1)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped.", 1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Train agents, generative models and supervised baselines, and look at what they learned."""


@cli.command("list")
@click.option("--kind", shell_complete=completion.one_of(*registry.KINDS), help=f"One of {', '.join(registry.KINDS)}.")
@json_option
def list_command(kind: str | None, as_json: bool) -> None:
    """Show every plug-in there is."""
    from rlgen.api import available

    rows = available(kind=kind)
    if as_json:
        print_json(rows)
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        answer(f"{row['kind']:<11} {row['name']:<{width}}  {row['summary']}  [{row['source']}]")


@cli.group(cls=Listing)
def data() -> None:
    """Show the data sets and pretrained networks there are, or bring one."""


@data.command("list")
@json_option
def list_data(as_json: bool) -> None:
    """Show data sets and networks, their licences, and whether they are here; so does `rlgen data` alone."""
    from rlgen import library

    rows = library.rows()
    print_json(rows) if as_json else answer(library.text(rows))


@data.command("get")
@click.argument("name", shell_complete=completion.names_of("dataset", "weights"))
@json_option
def get_data(name: str, as_json: bool) -> None:
    """Bring the data set or network NAME with the client of its registry, and check it."""
    from rlgen import library

    found = [str(path) for path in library.get(name)]
    print_json(found) if as_json else answer("\n".join(found))


@cli.command()
@click.argument("name", shell_complete=completion.names_of())
@json_option
def describe(name: str, as_json: bool) -> None:
    """Show what NAME is, its fields with their ranges, and its presets."""
    registry.find(name)
    _quiet_tensorflow()
    row = showing.plugin_row(name)
    print_json(row) if as_json else answer(showing.plugin_text(row))


@cli.command()
@click.argument("name", shell_complete=completion.names_of(*registry.ALGORITHM_KINDS))
@click.option(
    "--env",
    shell_complete=completion.environments,
    help="Environment to learn in: an id of Gymnasium's or a plug-in's, or package.module:Class.",
)
@click.option("--env-arg", "env_args", multiple=True, metavar="KEY=VALUE", help="Of the environment; may be repeated.")
@click.option(
    "--wrapper",
    "wrappers",
    shell_complete=completion.names_of("wrapper"),
    multiple=True,
    metavar="NAME",
    help="Around the environment; may be repeated.",
)
@click.option(
    "--data",
    shell_complete=completion.names_of("dataset"),
    help="Data set to learn from: a name with arguments, or package.module:Class.",
)
@click.option("--steps", type=int, help="Environment steps, updates or batches in all.")
@click.option("--seed", type=int, help="All that is random derives from it (0).")
@click.option("--seeds", type=click.IntRange(1, MOST_SEEDS), help="Train so often, from --seed and the seeds after it.")
@click.option(
    "--preset", shell_complete=completion.presets, help="A named configuration; `rlgen describe NAME` shows them."
)
@click.option(
    "--set",
    "overrides",
    shell_complete=completion.fields,
    multiple=True,
    metavar="KEY=VALUE",
    help="A field's value; may be repeated.",
)
@click.option(
    "--engine",
    shell_complete=completion.one_of("auto", "compiled", "gymnasium"),
    help="auto, compiled or gymnasium: where environments run.",
)
@click.option("--run", type=Place(), help="Directory to write; a new one below runs/ unless given.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="now",
    type=click.Choice(["now", "auto"]),
    help="Go on with the run in --run; auto: or start it, where there is none yet.",
)
@click.option("--from", "start", type=Place(), metavar="RUN", help="Begin with another run's weights.")
@trust_option
@click.option("--dry-run", is_flag=True, help="Check everything, show the configuration, write nothing.")
@json_option
def train(
    overrides: tuple[str, ...],
    env_args: tuple[str, ...],
    wrappers: tuple[str, ...],
    seeds: int | None,
    dry_run: bool,
    as_json: bool,
    name: str,
    **asked: Any,
) -> None:
    """Train NAME, evaluate its best checkpoint, and say where to look."""
    registry.find(name, registry.ALGORITHM_KINDS)
    asked["config"] = parse_overrides(overrides)
    asked["resume"] = "auto" if asked["resume"] == "auto" else asked["resume"] is not None
    arguments = parse_overrides(env_args, example="--env-arg is_slippery=false")
    asked["env_config"] = {key: guessed(text) for key, text in arguments.items()} or None
    asked["wrappers"] = wrappers or None
    if seeds is not None:
        _train_seeds(name, seeds, asked, dry_run=dry_run, as_json=as_json)
        return
    _quiet_tensorflow()
    from rlgen import planning

    plan = planning.plan(name, **asked)
    if dry_run and isinstance(plan, planning.Plan):
        plan.close()
        print_json(showing.plan_row(plan)) if as_json else answer(showing.plan_text(plan))
        return
    run = _execute(plan)
    if as_json:
        print_json(run.result)
        return
    print_table({key: value for key, value in run.result.items() if key != "evaluation" and value is not None})
    print_table(run.evaluation)
    answer(f"\nTensorBoard:  tensorboard --logdir {run.path}")
    answer(f"Evaluate:     rlgen evaluate {run.path}")


@cli.command()
@click.argument("run", type=Place())
@click.option("--episodes", type=int, default=20, show_default=True, help="Episodes, sample sets or passes.")
@checkpoint_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the evaluation.")
@click.option("--samples", type=int, help="Of a generative model, in each set: --set evaluation_samples=N.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value of a field that says how it is judged, such as metrics=fid,kid; may be repeated.",
)
@trust_option
@json_option
def evaluate(run: Path, samples: int | None, overrides: tuple[str, ...], as_json: bool, **how: Any) -> None:
    """Judge a checkpoint of RUN on what it was not trained on."""
    _open(run)
    from rlgen.api import evaluate_checkpoint

    config: dict[str, Any] = parse_overrides(overrides)
    if samples is not None:
        config["evaluation_samples"] = samples
    evaluation, step = evaluate_checkpoint(run, config=config, **how)
    about = {"run": str(run), "checkpoint": how["checkpoint"], "step": step, "seed": how["seed"]}
    about["episodes"] = evaluation.episodes
    if as_json:
        print_json({**about, "evaluation": dict(evaluation.scalars)})
        return
    print_table(about)
    print_table(dict(evaluation.scalars))


@cli.command()
@click.argument("run", type=Place())
@json_option
def check(run: Path, as_json: bool) -> None:
    """Hold every file of RUN against what was written; exit 1 if something is damaged."""
    _open(run)
    from rlgen.checking import check

    report = check(run)
    print_json(showing.report_row(report)) if as_json else answer(showing.report_text(report))
    if report.findings:
        sys.exit(1)


@cli.command()
@click.argument("run", type=Place())
@click.option("--out", required=True, type=Place(), help="FILE.mp4 or FILE.gif.")
@checkpoint_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the episode.")
@trust_option
def record(run: Path, out: Path, checkpoint: str, seed: int, trust: bool) -> None:
    """Film RUN's result at work."""
    from rlgen.media import check_video_path

    check_video_path(out)
    _open(run)
    from rlgen.api import record as film

    # Frames are drawn off the screen; without this SDL complains where there is none, and its dummy may stay black.
    os.environ.setdefault("SDL_VIDEODRIVER", "offscreen" if sys.platform == "linux" else "dummy")
    answer(film(run, out=out, checkpoint=checkpoint, seed=seed, trust=trust))


@cli.command()
@click.argument("run", type=Place())
@click.option("--count", type=int, default=64, show_default=True, help="Samples.")
@click.option("--out", required=True, type=Place(), help="FILE.png, FILE.npy, or a new directory: a picture of each.")
@click.option("--class", "classes", multiple=True, metavar="CLASS", help="Of conditional models; may be repeated.")
@click.option("--interpolate", is_flag=True, help="Rows of eight that lead from one sample to another.")
@checkpoint_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the samples.")
@trust_option
def sample(run: Path, out: Path, classes: tuple[str, ...], **how: Any) -> None:
    """Write samples of RUN's generative model."""
    from rlgen import sampling

    sampling.check(out)
    _open(run)
    from rlgen.api import sample as write

    answer(write(run, out=out, classes=classes or None, **how))


@cli.command()
@click.argument("run", type=Place())
@click.argument("inputs", type=Place(), nargs=-1, required=True, metavar="INPUT...")
@click.option("--out", required=True, type=Place(), metavar="DIR", help="Directory to write PNG files into.")
@checkpoint_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of models that draw.")
@click.option("--background", default="white", show_default=True, help="What transparent pixels are laid on.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@trust_option
@json_option
def translate(run: Path, inputs: tuple[Path, ...], out: Path, as_json: bool, **how: Any) -> None:
    """Make pictures out of each INPUT, a file or a folder of them, with what RUN learned."""
    from rlgen import translating

    translating.check(inputs, out)
    _open(run)
    from rlgen.api import translate as write

    made = [str(path) for path in write(run, inputs, out=out, **how)]
    print_json(made) if as_json else answer("\n".join(made))


@cli.command()
@click.argument("run", type=Place())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; who reaches it may use it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: one that is free.")
@checkpoint_option
@trust_option
def paint(run: Path, **how: Any) -> None:
    """Serve a page on which you draw, and see what RUN's model makes of it, until Ctrl-C."""
    _open(run)
    from rlgen.api import paint as listen

    server = listen(run, **how)
    answer(f"Open {server.url} and draw; Ctrl-C ends it.")
    server.serve()


def _train_seeds(name: str, seeds: int, asked: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    """Train from several seeds, each in a directory of its own, and show them side by side."""
    if dry_run or asked["resume"] is True:
        raise UserError(
            "--seeds starts runs, and goes on with those that are there: give --dry-run with one --seed, and leave "
            "--resume out."
        )
    _quiet_tensorflow()
    from rlgen import planning
    from rlgen.run import check_free, is_run

    first, directory = asked.pop("seed") or 0, asked.pop("run")
    read_seed(first + seeds - 1)
    places = {seed: directory / f"s{seed}" if directory else None for seed in range(first, first + seeds)}
    # All of them before the first one is trained.
    for seed, place in places.items():
        if place is not None and is_run(place):
            planning.plan(name, seed=seed, run=place, **asked).close()
        elif place is not None:
            check_free(place)
    runs = [_execute(planning.plan(name, seed=seed, run=place, **asked)) for seed, place in places.items()]
    if as_json:
        print_json([run.result for run in runs])
        return
    score = runs[0].result["score"]
    for seed, run in enumerate(runs, first):
        answer(f"seed {seed:<4}  {score} {run.evaluation[score]:,.6g}  {run.path}")
    values = [run.evaluation[score] for run in runs]
    answer(f"\nmedian     {score} {statistics.median(values):,.6g}, from {min(values):,.6g} to {max(values):,.6g}")


def _execute(plan: Plan | Finished) -> Run:
    """Train with a bar."""
    from rlgen import planning, runtime
    from rlgen.progress import Bar

    if isinstance(plan, planning.Finished):
        return plan.execute()
    bar, config = Bar(), plan.config
    memory = {part: runtime.human_bytes(size) for part, size in plan.algorithm.memory_bytes().items()}
    parts = "".join(f"; {part} {size}" for part, size in memory.items())
    bar.message(
        f"{config.algorithm} on {config.problem}, {config.engine} engine, seed {config.seed}{parts}; run {plan.path}"
    )
    return plan.execute([bar])


def _open(run: Path) -> None:
    """Check that `run` is one before TensorFlow's seconds are spent."""
    from rlgen.run import Run

    Run.open(run)
    _quiet_tensorflow()


def _quiet_tensorflow() -> None:
    from rlgen import watchdog
    from rlgen.runtime import import_tensorflow

    watchdog.dog.alone = True
    import_tensorflow(alone=True)


def _fail(message: str, code: int) -> None:
    click.echo(f"rlgen: {message}", err=True)
    sys.exit(code)
