"""The commands of sweeps: `rlgen sweep NAME` and `rlgen sweep show STUDY`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rlgen import completion, registry, several
from rlgen.commands import Group, Place, answer, json_option, print_json, quiet_tensorflow, run_options, run_request
from rlgen.sweeps.search import parse_pairs

if TYPE_CHECKING:
    from rlgen.sweeps.study import Asked
    from rlgen.sweeps.sweep import Sweep


class Sweeping(Group):
    """A group whose command `run` needs not be said."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As the base, the command put in."""
        said = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if said or not args else ["run", *args])


@click.group(cls=Sweeping)
def sweep() -> None:
    """Search for better values of fields, with Optuna: `rlgen sweep NAME` is `rlgen sweep run NAME`."""


@sweep.command()
@click.argument("name", shell_complete=completion.names_of(*registry.ALGORITHM_KINDS))
@click.option(
    "--search",
    multiple=True,
    required=True,
    metavar="FIELD=RANGE",
    help="3e-5..3e-2:log, 32..256:32 or 64,64|256,256; may be repeated.",
)
@click.option("--trials", type=click.IntRange(1), help="How many in all (20; all of a grid).")
@click.option(
    "--workers", type=click.IntRange(1, several.MOST_WORKERS), default=1, help="Processes of this machine (1)."
)
@click.option(
    "--seeds-per-trial",
    type=click.IntRange(1, several.MOST_SEEDS),
    default=1,
    help="Runs of a trial (1); its value is their median.",
)
@click.option("--sampler", default="tpe", show_default=True, help="Who proposes: tpe, random, grid, cmaes or qmc.")
@click.option(
    "--pruner",
    default="median",
    show_default=True,
    help="Who cuts short: median, none, percentile, successive-halving or hyperband.",
)
@click.option(
    "--objective",
    default="final",
    show_default=True,
    help="What counts of a run's evaluations: final, the mean of the last five, or best.",
)
@click.option(
    "--study", type=Place(), help="Directory of the study; below runs/ unless given. One that is there goes on."
)
@click.option("--storage", metavar="URL", help="Database for several machines; a file in the directory unless given.")
@run_options
@json_option
def run(
    name: str,
    search: tuple[str, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Train NAME with values that Optuna proposes, and write the best ones as a preset."""
    from rlgen.sweeps import study

    registry.find(name, registry.ALGORITHM_KINDS)
    ranges = parse_pairs(search)
    asked = run_request(asked)
    study.import_optuna()
    study.check_names(**{key: asked[key] for key in ("sampler", "pruner", "objective")})
    quiet_tensorflow()
    from rlgen.sweeps.sweep import sweep as search_for

    found = search_for(name, search=ranges, **asked)
    _answer(found, as_json)


@sweep.command("show")
@click.argument("place", type=Place(), metavar="STUDY")
@click.option("--storage", metavar="URL", help="Where it is kept, if its own file has no password.")
@json_option
def show_command(place: Path, storage: str | None, as_json: bool) -> None:
    """Show the trials of STUDY, and write its best configuration and its plots anew."""
    from rlgen.sweeps.sweep import conclude

    _answer(conclude(place, storage), as_json)


def _answer(found: Sweep, as_json: bool) -> None:
    from rlgen.sweeps import show

    plots = [str(path) for path in found.plots]
    if as_json:
        preset = None if found.preset is None else str(found.preset)
        row = {"study": str(found.path), "best": found.best, "preset": preset, "plots": plots, "trials": found.trials}
        print_json(row)
        return
    answer(show.text(found.trials, found.asked, found.path))
    answer(f"\nTensorBoard:  tensorboard --logdir {found.path}")
    for plot in plots:
        answer(f"Plot:         {plot}")
    if found.preset is not None:
        answer(f"Best:         {_training(found.asked, found.preset)}")


def _training(asked: Asked, preset: Path) -> str:
    """The command that trains what was found."""
    words = ["rlgen", "train", asked.algorithm]
    for option in ("env", "data", "steps"):
        if (value := asked.request.get(option)) is not None:
            words += [f"--{option}", str(value)]
    return shlex.join([*words, "--preset", str(preset)])


ALL = (sweep,)
