"""Commands that use a run that is there: judge it, check it, film it, sample, predict, translate, paint."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from rlgen import showing
from rlgen.commands import (
    Command,
    Place,
    answer,
    checkpoint_option,
    json_option,
    open_run,
    print_json,
    print_table,
    trust_option,
)
from rlgen.config import parse_overrides


@click.command(cls=Command)
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
    open_run(run)
    from rlgen.api import evaluate_checkpoint

    config: dict[str, Any] = parse_overrides(overrides)
    if samples is not None:
        config["evaluation_samples"] = samples
    evaluation, step = evaluate_checkpoint(run, config=config, **how)
    about = {"run": str(run), "checkpoint": how["checkpoint"], "step": step, "seed": how["seed"]}
    about["episodes"] = evaluation.episodes
    if evaluation.protocol:
        about["protocol"] = evaluation.protocol
    if as_json:
        texts = {"texts": dict(evaluation.texts)} if evaluation.texts else {}
        print_json({**about, "evaluation": dict(evaluation.scalars), **texts})
        return
    print_table(about)
    print_table(dict(evaluation.scalars))
    for text in evaluation.texts.values():
        answer(f"\n{text}")


@click.command(cls=Command)
@click.argument("run", type=Place())
@json_option
def check(run: Path, as_json: bool) -> None:
    """Hold every file of RUN against what was written; exit 1 if something is damaged."""
    open_run(run)
    from rlgen.checking import check

    report = check(run)
    print_json(showing.report_row(report)) if as_json else answer(showing.report_text(report))
    if report.findings:
        sys.exit(1)


@click.command(cls=Command)
@click.argument("run", type=Place())
@click.option("--out", required=True, type=Place(), help="FILE.mp4 or FILE.gif.")
@checkpoint_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the episode.")
@trust_option
def record(run: Path, out: Path, checkpoint: str, seed: int, trust: bool) -> None:
    """Film RUN's result at work."""
    from rlgen.media import check_video_path, hide_windows

    check_video_path(out)
    open_run(run)
    from rlgen.api import record as film

    hide_windows()
    answer(film(run, out=out, checkpoint=checkpoint, seed=seed, trust=trust))


@click.command(cls=Command)
@click.argument("run", type=Place())
@click.option("--count", type=int, default=64, show_default=True, help="Samples.")
@click.option("--out", required=True, type=Place(), help="FILE.png, FILE.npy, or a new directory: a picture of each.")
@click.option("--class", "classes", multiple=True, metavar="CLASS", help="Of conditional models; may be repeated.")
@click.option("--interpolate", is_flag=True, help="Rows of eight that lead from one sample to another.")
@click.option("--combine", metavar="SUM", help="As `1,2 - 3,4 + 5,6`: samples, added up as latent vectors.")
@checkpoint_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the samples.")
@trust_option
def sample(run: Path, out: Path, classes: tuple[str, ...], **how: Any) -> None:
    """Write samples of RUN's generative model."""
    from rlgen import sampling

    sampling.check(out)
    open_run(run)
    from rlgen.api import sample as write

    answer(write(run, out=out, classes=classes or None, **how))


@click.command(cls=Command)
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
    open_run(run)
    from rlgen.api import translate as write

    made = [str(path) for path in write(run, inputs, out=out, **how)]
    print_json(made) if as_json else answer("\n".join(made))


@click.command(cls=Command)
@click.argument("run", type=Place())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; who reaches it may use it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: one that is free.")
@checkpoint_option
@trust_option
def paint(run: Path, **how: Any) -> None:
    """Serve a page on which you draw, and see what RUN's model makes of it, until Ctrl-C."""
    open_run(run)
    from rlgen.api import paint as listen

    server = listen(run, **how)
    answer(f"Open {server.url} and draw; Ctrl-C ends it.")
    server.serve()


@click.command(cls=Command)
@click.argument("run", type=Place())
@click.argument("given", type=Place(), metavar="INPUT")
@click.option("--out", required=True, type=Place(), help="FILE.csv to write.")
@checkpoint_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the dropout, where predictions draw.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value of a field that decides nothing of what was learned: monte_carlo_passes=100.",
)
@trust_option
def predict(run: Path, given: Path, out: Path, overrides: tuple[str, ...], **how: Any) -> None:
    """Write what RUN's model says of INPUT: a CSV file, a picture, a folder of pictures, or a .npy file."""
    from rlgen import predicting

    predicting.check(given, out)
    open_run(run)
    from rlgen.api import predict as write

    answer(write(run, given, out=out, config=parse_overrides(overrides), **how))


ALL = (evaluate, check, record, sample, predict, translate, paint)
