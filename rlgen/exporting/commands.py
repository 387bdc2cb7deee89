"""`rlgen export` and `rlgen serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rlgen.commands import (
    Command,
    Place,
    answer,
    checkpoint_option,
    json_option,
    open_run,
    print_json,
    quiet_tensorflow,
    trust_option,
)
from rlgen.config import parse_overrides
from rlgen.exporting import bundle, formats
from rlgen.run import is_run


@click.command(cls=Command)
@click.argument("run", type=Place())
@click.option("--out", required=True, type=Place(), metavar="DIR", help="Directory to write.")
@click.option("--format", default="saved_model", show_default=True, help=f"{', '.join(formats.NAMES)}.")
@click.option("--quantize", default="none", show_default=True, help=f"Of TFLite: {', '.join(formats.QUANTIZE)}.")
@click.option("--examples", type=int, default=256, show_default=True, help="Fresh inputs to compare on.")
@click.option("--name", help="What a server calls it; that of the algorithm unless given.")
@checkpoint_option
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value of a field by which results are judged: monte_carlo_passes=100.",
)
@trust_option
@json_option
def export(run: Path, overrides: tuple[str, ...], as_json: bool, **how: Any) -> None:
    """Write what RUN learned so that it can be used without rlgen, and say how exactly that agrees with RUN."""
    formats.check(how["format"], how["quantize"])
    open_run(run)
    from rlgen.exporting import parity
    from rlgen.exporting.api import export as write

    written = write(run, config=parse_overrides(overrides), **how)
    if as_json:
        print_json({"path": str(written.path), "size": written.size, "parity": dict(written.bundle.parity)})
        return
    answer(parity.text(written.bundle.parity, written.size))
    answer(written.path)


@click.command(cls=Command)
@click.argument("served", type=Place(), metavar="RUN|DIR")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; who reaches it may use it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8501, show_default=True, help="0: one that is free.")
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True, help="Rows answered at once, at most.")
@click.option(
    "--wait-ms",
    type=click.FloatRange(0, 10_000),
    default=0.0,
    show_default=True,
    help="How long the first row of a batch waits for others.",
)
@click.option(
    "--most-mb", type=click.FloatRange(0.001, 2000), default=32.0, show_default=True, help="Of a request's body."
)
@checkpoint_option
@trust_option
def serve(served: Path, wait_ms: float, most_mb: float, **how: Any) -> None:
    """Serve what RUN learned, or an export, over HTTP as TensorFlow Serving does, until Ctrl-C."""
    if is_run(served):
        open_run(served)
    else:
        bundle.find(served)
        quiet_tensorflow()
    from rlgen.exporting.api import serve as listen

    server = listen(served, wait_seconds=wait_ms / 1000, most_bytes=int(most_mb * 1e6), **how)
    answer(f"Post to {server.place}:predict; Ctrl-C ends it.")
    server.serve()


ALL = (export, serve)
