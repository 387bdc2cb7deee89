"""Commands that look at runs and change nothing: curves in the terminal, as numbers, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rlgen.commands import Command, Place, answer, json_option, print_json


@click.command(cls=Command)
@click.argument("run", type=Place())
@json_option
def inspect(run: Path, as_json: bool) -> None:
    """Show what RUN is, how far it is and how good, and its curves; also of what another program logged."""
    from rlgen.looking import inspecting

    row = inspecting.inspection(run)
    print_json(row) if as_json else answer(inspecting.text(row))


@click.command("export-scalars", cls=Command)
@click.argument("run", type=Place())
@click.option("--out", required=True, type=Place(), help="FILE.csv.")
@click.option("--scalar", "scalars", multiple=True, metavar="NAME", help="Of one name alone; may be repeated.")
def export_scalars(run: Path, out: Path, scalars: tuple[str, ...]) -> None:
    """Write every point of RUN's curves as a row of a CSV file; also of what another program logged."""
    from rlgen.looking import curves

    answer(curves.export(run, out=out, scalars=scalars))


@click.command(cls=Command)
@click.argument("runs", type=Place(), nargs=-1, required=True, metavar="RUN...")
@click.option("--out", required=True, type=Place(), help="FILE.html.")
def report(runs: tuple[Path, ...], out: Path) -> None:
    """Write what each RUN came to, or each run in a directory, as one HTML file that needs nothing else."""
    from rlgen.looking import reporting

    answer(reporting.report(runs, out=out))


@click.command(cls=Command)
@click.argument("runs", type=Place(), nargs=-1, required=True, metavar="RUN...")
@click.option("--metric", metavar="TAG", help="What to compare, such as train/loss; none: the runs' own score.")
@click.option("--by", metavar="seed", help="seed: take runs together that differ in nothing but the seed.")
@click.option("--lower-is-better", is_flag=True, help="Of a --metric that is not the runs' own score.")
@click.option("--out", type=Place(), help="FILE.png for a plot of the curves, FILE.md or FILE.csv for the table.")
@json_option
def compare(runs: tuple[Path, ...], out: Path | None, as_json: bool, **how: Any) -> None:
    """Hold each RUN, or each run in a directory, against the others; also what other programs logged."""
    from rlgen.looking import comparing, comparison_figure

    if out is not None:
        comparison_figure.check_out(out)
    found = comparing.compare(runs, **how)
    row = found.row()
    if out is not None:
        row["out"] = str(comparison_figure.write(found, out))
    print_json(row) if as_json else answer(comparison_figure.text(found))
    if out is not None and not as_json:
        answer(f"\n{out}")


@click.command(cls=Command)
@click.argument("run", type=Place())
@click.option("--once", is_flag=True, help="Show its state now, and end.")
def tail(run: Path, once: bool) -> None:
    """Watch RUN from beside: a line whenever there is something new, until it is done or Ctrl-C."""
    from rlgen.looking import tailing

    try:
        for line in tailing.tail(run, once=once):
            answer(line)
    except KeyboardInterrupt:
        return  # Who looked on has seen enough; the run goes on.


ALL = (inspect, export_scalars, report, compare, tail)
