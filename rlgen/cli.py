"""The `rlgen` command: thin over `rlgen.api`. Standard output is the answer, standard error the talk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rlgen import completion, paths, registry, run_commands, several, showing
from rlgen._version import __version__
from rlgen.commands import (
    Group,
    Listing,
    Place,
    answer,
    json_option,
    print_json,
    print_table,
    quiet_tensorflow,
    run_options,
    run_request,
    set_option,
    trust_option,
)
from rlgen.config import parse_overrides
from rlgen.errors import RlgenError, UserError
from rlgen.exporting import commands as exporting_commands
from rlgen.looking import commands as looking_commands
from rlgen.sweeps import commands as sweep_commands
from rlgen.together import crew

if TYPE_CHECKING:
    from rlgen.planning import Finished, Plan
    from rlgen.run import Run


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


for _command in (*looking_commands.ALL, *run_commands.ALL, *sweep_commands.ALL, *exporting_commands.ALL):
    cli.add_command(_command)


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
    quiet_tensorflow()
    row = showing.plugin_row(name)
    print_json(row) if as_json else answer(showing.plugin_text(row))


@cli.command()
@click.argument("name", shell_complete=completion.names_of(*registry.ALGORITHM_KINDS))
@run_options
@click.option(
    "--seeds",
    type=click.IntRange(1, several.MOST_SEEDS),
    help="Train so often, from --seed and the seeds after it.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, several.MOST_FOLDS),
    help="Cross-validate: train so often, and validate on another part of the data each time.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, several.MOST_WORKERS),
    help="Processes in which --seeds or --folds train side by side, or with --data-parallel one run (1; of a cluster, "
    "one for each of its CPUs).",
)
@click.option(
    "--data-parallel",
    is_flag=True,
    help="Train one run in --workers processes, each with a part of every batch; without --workers this is one of the "
    "processes that TF_CONFIG names.",
)
@click.option(
    "--on",
    metavar="PLACE",
    shell_complete=completion.one_of("ray", "auto"),
    help="Cluster of those processes, by Ray: ray, auto, host:port or ray://host:port. This machine unless given.",
)
@click.option("--run", type=Place(), help="Directory to write; a new one below runs/ unless given.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="now",
    type=click.Choice(["now", "auto"]),
    help="Go on with the run in --run; auto: or start it, where there is none yet.",
)
@click.option("--profile", metavar="FIRST:LAST", help="Steps over which TensorFlow's profiler records where time goes.")
@click.option("--from", "start", type=Place(), metavar="RUN", help="Begin with another run's weights.")
@trust_option
@click.option("--dry-run", is_flag=True, help="Check everything, show the configuration, write nothing.")
@json_option
def train(
    seeds: int | None,
    folds: int | None,
    workers: int | None,
    data_parallel: bool,
    on: str | None,
    profile: str | None,
    dry_run: bool,
    as_json: bool,
    name: str,
    **asked: Any,
) -> None:
    """Train NAME, evaluate its best checkpoint, and say where to look."""
    registry.find(name, registry.ALGORITHM_KINDS)
    asked = run_request(asked)
    asked["config"] |= {} if profile is None else {"trainer.profile": profile}
    asked["resume"] = "auto" if asked["resume"] == "auto" else asked["resume"] is not None
    if seeds is not None or folds is not None:
        if data_parallel:
            raise UserError("--data-parallel shares one run among processes: leave --seeds and --folds out.")
        how = {"dry_run": dry_run, "as_json": as_json}
        _train_several(name, asked, seeds=seeds, folds=folds, workers=workers, on=on, **how)
        return
    if data_parallel and not dry_run and (on is not None or workers is not None):
        run = several.together(name, asked, workers=workers, on=on)
    elif on is not None or workers not in (None, 1):
        option = "--workers" if on is None else "--on"
        raise UserError(f"{option} is for several runs, with --seeds or --folds, or for one with --data-parallel.")
    elif data_parallel and not dry_run:
        found = _train_among_others(name, asked)
        if found is None:
            return
        run = found
    else:
        quiet_tensorflow()
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


@cli.command("lr-range")
@click.argument("name", shell_complete=completion.names_of("supervised", "generative"))
@click.option("--data", shell_complete=completion.names_of("dataset"), help="Data set to learn from.")
@click.option("--steps", type=int, default=500, show_default=True, help="Batches, from 1e-6 to 10.")
@click.option("--seed", type=int, default=0, show_default=True, help="All that is random derives from it.")
@click.option("--preset", shell_complete=completion.presets, help="A named configuration.")
@set_option
@click.option("--out", type=Place(), help="FILE.png for a plot of the loss over the step size.")
@json_option
def lr_range(name: str, overrides: tuple[str, ...], out: Path | None, as_json: bool, **how: Any) -> None:
    """Find a step size for NAME: train some batches, each with a larger one, and see where the loss is least."""
    registry.find(name, registry.ALGORITHM_KINDS)
    if out is not None:
        paths.check_new_place(out)
    quiet_tensorflow()
    from rlgen import lr_range as test

    found = test.run_test(name, config=parse_overrides(overrides), **how)
    row: dict[str, Any] = {
        "suggestion": found.suggestion,
        "least_loss_at": found.least,
        "turned": found.turned,
        "batches": len(found.losses),
    }
    if out is not None:
        row["plot"] = str(test.write_picture(found, out))
    print_json(row) if as_json else print_table(row)


def _train_several(
    name: str,
    asked: dict[str, Any],
    *,
    seeds: int | None,
    folds: int | None,
    workers: int | None,
    on: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train from several seeds, or on the folds of the data, each in a directory of its own; show them side by side."""
    option = "--folds" if seeds is None else "--seeds"
    if seeds is not None and folds is not None:
        raise UserError("--seeds and --folds both ask for several runs: give one of them.")
    if dry_run or asked["resume"] is True:
        raise UserError(
            f"{option} starts runs, and goes on with those that are there: give --dry-run without it, and leave "
            "--resume out."
        )
    if on is None and workers in (None, 1):
        quiet_tensorflow()  # Processes of their own import it, and this one would let them wait meanwhile.
    if folds is not None:
        runs = several.with_folds(name, folds, asked, execute=_execute, workers=workers, on=on)
    else:
        assert seeds is not None
        runs = several.with_seeds(name, seeds, asked, execute=_execute, workers=workers, on=on)
    if as_json:
        print_json([run.result for run in runs.values()])
    else:
        answer(several.text(runs, "seed" if folds is None else "fold"))


def _train_among_others(name: str, asked: dict[str, Any]) -> Run | None:
    """Train as one of the processes that TF_CONFIG names; what the chief has made, nothing in the others."""
    described = crew.asked()
    if described is None:
        raise UserError(
            "--data-parallel shares a run among processes: say how many with --workers 2, or let a cluster's launcher "
            "set TF_CONFIG in each of them."
        )
    quiet_tensorflow()
    from rlgen import planning
    from rlgen.together import leading

    joined = crew.join(*described)
    if joined.rank:
        leading.follow(joined)
        return None
    try:
        return _execute(planning.plan(name, **asked))
    finally:
        leading.dismiss()


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


def _fail(message: str, code: int) -> None:
    click.echo(f"rlgen: {message}", err=True)
    if crew.now().size > 1:
        crew.leave(code)
    sys.exit(code)
