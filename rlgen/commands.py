"""What the commands of `rlgen` are made of: paths as they are named, and an answer that alone is on standard output."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from rlgen import completion, paths, showing
from rlgen.arguments import guessed
from rlgen.config import parse_overrides
from rlgen.errors import plain

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value on standard output.")
checkpoint_option = click.option(
    "--checkpoint", default="best", show_default=True, help="best, last or a step that is kept."
)
trust_option = click.option(
    "--trust", is_flag=True, help="Import what a run of somebody else's names, which runs its author's code."
)


set_option = click.option(
    "--set",
    "overrides",
    shell_complete=completion.fields,
    multiple=True,
    metavar="KEY=VALUE",
    help="A field's value; may be repeated.",
)
RUN_OPTIONS = (
    click.option(
        "--env",
        shell_complete=completion.environments,
        help="Environment to learn in: an id of Gymnasium's or a plug-in's, or package.module:Class.",
    ),
    click.option(
        "--env-arg", "env_args", multiple=True, metavar="KEY=VALUE", help="Of the environment; may be repeated."
    ),
    click.option(
        "--wrapper",
        "wrappers",
        shell_complete=completion.names_of("wrapper"),
        multiple=True,
        metavar="NAME",
        help="Around the environment; may be repeated.",
    ),
    click.option(
        "--data",
        shell_complete=completion.names_of("dataset"),
        help="Data set to learn from: a name with arguments, or package.module:Class.",
    ),
    click.option("--steps", type=int, help="Environment steps, updates or batches in all."),
    click.option("--seed", type=int, help="All that is random derives from it (0)."),
    click.option(
        "--preset",
        shell_complete=completion.presets,
        help="A named configuration, `rlgen describe NAME` shows them; or FILE.json with fields.",
    ),
    set_option,
    click.option(
        "--engine",
        shell_complete=completion.one_of("auto", "compiled", "gymnasium"),
        help="auto, compiled or gymnasium: where environments run.",
    ),
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a run is asked for, for `run_request` to read."""
    for option in reversed(RUN_OPTIONS):
        command = option(command)
    return command


def run_request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What was said with `run_options`, and whatever else, as fields of `rlgen.request.Request`."""
    fields = {key: value for key, value in asked.items() if key not in ("overrides", "env_args")}
    arguments = parse_overrides(asked["env_args"], example="--env-arg is_slippery=false")
    return {
        **fields,
        "config": parse_overrides(asked["overrides"]),
        "env_config": {key: guessed(text) for key, text in arguments.items()} or None,
        "wrappers": asked["wrappers"] or None,
    }


class Place(click.Path):
    """A file or directory, by a name that one can have."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """As a path."""
        return paths.named(value, what=param.get_error_hint(ctx).strip("'") if param and ctx else "path")


class Command(click.Command):
    """A command whose answer alone is on standard output: what plug-ins and environments print joins the talk."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        sys.stdout.flush()
        with contextlib.ExitStack() as undo:
            kept = os.dup(1)
            undo.callback(os.close, kept)
            # Through a file of its own, because the next line takes file descriptor 1 away.
            encoding = sys.stdout.encoding or "utf-8"
            ctx.obj = undo.enter_context(os.fdopen(os.dup(1), "w", encoding=encoding, errors="replace"))
            os.dup2(2, 1)
            undo.callback(os.dup2, kept, 1)
            undo.enter_context(contextlib.redirect_stdout(sys.stderr))
            return super().invoke(ctx)


class Group(click.Group):
    """Commands of that kind."""

    command_class = Command


class Listing(Group):
    """A group that alone, without a command, lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As the base, the command put in."""
        return super().parse_args(ctx, ["list", *args] if not args or args[0] == "--json" else args)


def answer(text: object) -> None:
    """A line on standard output."""
    click.echo(plain(str(text)), file=click.get_current_context().obj)


def print_json(value: Any) -> None:
    """A value on standard output, as JSON."""
    answer(json.dumps(value, indent=2, allow_nan=False))


def print_table(row: dict[str, Any]) -> None:
    """Names and values on standard output, one below the other."""
    answer("\n".join(showing.table(row)))


def open_run(run: Path) -> None:
    """Check that `run` is one before TensorFlow's seconds are spent."""
    from rlgen.run import Run

    Run.open(run)
    quiet_tensorflow()


def quiet_tensorflow() -> None:
    """Import TensorFlow without its lines about the machine."""
    from rlgen import watchdog
    from rlgen.runtime import import_tensorflow

    watchdog.dog.alone = True
    import_tensorflow(alone=True)
