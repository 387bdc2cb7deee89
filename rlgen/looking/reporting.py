"""A report: runs on one page that needs nothing else, to be read by people who have neither rlgen nor the runs."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import importlib.resources
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rlgen import files, paths
from rlgen._version import __version__
from rlgen.errors import UserError, plain
from rlgen.looking import reading
from rlgen.looking.report_curves import Figure, overview_figure
from rlgen.looking.report_runs import Section, section

ENDING = ".html"
PARTS = ("report.css", "report.js")
# Nothing from anywhere: no address is asked for, and no style or script works but the two that rlgen wrote.
POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src '{style}'; script-src '{script}'; "
    "base-uri 'none'; form-action 'none'"
)


def report(runs: Iterable[str | os.PathLike[str]], *, out: str | os.PathLike[str]) -> Path:
    """Write what runs came to as one HTML file: figures, curves, pictures, configuration.

    It is whole in itself, asks no network for anything and opens without one. The same runs give the same bytes.

    Args:
        runs: directories of runs, or what other programs logged for TensorBoard; a directory that is neither stands
            for the runs that lie directly in it.
        out: the file, which must not be there yet.

    Raises:
        UserError: there are no runs, one cannot be read, or the file cannot be made.
    """
    file = paths.named(out, what="--out")
    if file.suffix != ENDING:
        raise UserError(f"{file}: a report is an HTML file: name it {file.with_suffix(ENDING)}.")
    paths.check_new_place(file)
    page = rendered(sections(found(runs)))
    try:
        files.write(file, page)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}.") from error
    return file


def found(runs: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The directories that a report is about, each once, in the order in which they were given.

    Raises:
        UserError: there is none, or one of them is nothing to report.
    """
    places = [place for run in runs for place in reading.places(paths.named(run, what="run"))]
    if not places:
        raise UserError("A report needs runs: give the directory of one, which `rlgen train` prints, or of several.")
    once: dict[Path, Path] = {}
    for place in places:
        once.setdefault(place.resolve(), place)
    return list(once.values())


def sections(places: Sequence[Path]) -> list[Section]:
    """What there is to say of each; of several one that cannot be read is named with the reason.

    Raises:
        UserError: there is one alone, and it cannot be read.
    """
    made = []
    for place in places:
        try:
            made.append(section(place))
        except UserError as error:
            if len(places) == 1:
                raise
            name = place.resolve().name
            made.append(Section(name, str(place), name, "broken", "Cannot be read", notes=[str(error)]))
    names = [each.name for each in made]
    return [each if names.count(each.name) == 1 else dataclasses.replace(each, name=each.path) for each in made]


def rendered(told: Sequence[Section]) -> bytes:
    """The page of runs."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        # Before it is escaped; what rlgen wrote itself stays as it is.
        return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("rlgen", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((importlib.resources.files("rlgen") / "page" / name).read_text("utf-8") for name in PARTS)
    page = environment.get_template("report.html").render(
        policy=POLICY.format(style=_hash(style), script=_hash(script)),
        style=Markup(style),
        script=Markup(script),
        sections=told,
        overviews=overviews(told),
        version=__version__,
    )
    # Names of files may have half characters in them, which no text can hold.
    return page.encode("utf-8", "backslashreplace")


def overviews(told: Sequence[Section]) -> list[Figure]:
    """The learning curves of runs that have the same score on the same problem, on one pair of axes each."""
    alike: dict[tuple[str, str], list[Section]] = {}
    for each in told:
        if each.curve is not None:
            alike.setdefault((each.curve.score, each.problem), []).append(each)
    figures = [
        overview_figure(
            [(each.name, each.curve) for each in some if each.curve is not None], title=f"{score} on {problem}"
        )
        for (score, problem), some in alike.items()
        if len(some) > 1
    ]
    return [figure for figure in figures if figure is not None]


def _hash(text: str) -> str:
    """By which a browser knows a style or a script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
