"""Commands that look at runs and change nothing: curves in the terminal, as numbers, side by side."""

from __future__ import annotations

from pathlib import Path

import click

from rlgen.commands import Command, Place, answer, json_option, print_json


@click.command(cls=Command)
@click.argument("run", type=Place())
@json_option
def inspect(run: Path, as_json: bool) -> None:
    """Show what RUN is, how far it is and how good, and its curves; also of what another program logged."""
    from rlgen import inspecting

    row = inspecting.inspection(run)
    print_json(row) if as_json else answer(inspecting.text(row))


@click.command("export-scalars", cls=Command)
@click.argument("run", type=Place())
@click.option("--out", required=True, type=Place(), help="FILE.csv.")
@click.option("--scalar", "scalars", multiple=True, metavar="NAME", help="Of one name alone; may be repeated.")
def export_scalars(run: Path, out: Path, scalars: tuple[str, ...]) -> None:
    """Write every point of RUN's curves as a row of a CSV file; also of what another program logged."""
    from rlgen import curves

    answer(curves.export(run, out=out, scalars=scalars))


ALL = (inspect, export_scalars)
