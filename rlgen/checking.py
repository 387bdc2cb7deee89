"""A run looked at whole: every file held against what was written, and what to do where it is not."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import checkpoint, files, lock, registry
from rlgen.archive import Archive
from rlgen.best import known_in
from rlgen.checkpoint import Checkpoint
from rlgen.errors import CheckpointDamaged, UserError
from rlgen.records import faults, marks_in
from rlgen.run import CONFIG_FILE, RESULT_FILE, SUMMARIES, Run, RunConfig
from rlgen.seal import SealBroken, unsealed
from rlgen.summary import checksum
from rlgen.trainer_config import TrainerConfig


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written.

    Attributes:
        file: of the run, as its path inside it.
        what: is wrong with it.
        advice: what to do, or what a resume will do.
    """

    file: str
    what: str
    advice: str


@dataclass(frozen=True)
class Report:
    """What there is to say of a run.

    Attributes:
        path: the run's directory.
        step: of the newest whole checkpoint; None if there is none.
        steps: that it is to reach, if that is known.
        stopped: why it ended early.
        finished: whether its result is there.
        writer: who is writing it at this moment, in words.
        files: how many were looked at.
        findings: what is wrong; a run that is being written may have a few that are gone a moment later.
    """

    path: Path
    step: int | None
    steps: int | None
    stopped: str | None
    finished: bool
    writer: str | None
    files: int
    findings: tuple[Finding, ...]


def check(path: Path) -> Report:
    """Look at a run; nothing is changed.

    Raises:
        UserError: there is no run.
    """
    run = Run.open(path)
    found = [*_strangers(run), *_configuration(run)]
    kept, best = _looked_at(run.checkpoints), _looked_at(run.best)
    found += _checkpoints(run, kept)
    whole = [each for each, what in kept.items() if what is None]
    newest = _manifest(whole[-1]) if whole else {}
    found += [*_best(run, best, whole, newest), *_records(run, newest), *_result(run), *_events(run)]
    found += _weights(run, [*whole, *(each for each, what in best.items() if what is None)])
    config, _ = _config(run)
    return Report(
        path=run.path,
        step=whole[-1].step if whole else None,
        steps=None if config is None else config.steps,
        stopped=newest.get("stopped"),
        finished=_sealed(run.path / RESULT_FILE)[0] is not None,
        writer=lock.holder(run.path),
        files=len(_inside(run.path)),
        findings=tuple(found),
    )


def _finding(run: Run, path: Path, what: object, advice: str) -> Finding:
    return Finding(str(path.relative_to(run.path)), str(what), advice)


def _inside(path: Path) -> list[Path]:
    """All files and directories below; whoever writes the run may delete some of them meanwhile."""
    return sorted(Path(top, name) for top, *names in os.walk(path) for name in itertools.chain(*names))


def _strangers(run: Run) -> Iterator[Finding]:
    """What is neither file nor directory."""
    for path in _inside(run.path):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            what = "a link" if stat.S_ISLNK(mode) else "neither a file nor a directory"
            yield _finding(run, path, f"is {what}", "Put the file or directory itself in its place, or delete it.")


def _configuration(run: Run) -> Iterator[Finding]:
    file = run.path / CONFIG_FILE
    row, what = _sealed(file)
    config, wrong = _config(run)
    if row is None:
        kept, again = run.copy_in_checkpoint(), "No checkpoint has a copy."
        if kept is not None:
            # Where it can be read and says something else, a resume does not choose.
            way = "A resume takes" if config is not None else "Delete it: a resume takes"
            again = f"{way} its copy in the checkpoint of step {kept[0]:,}."
        yield _finding(run, file, what or "is missing", again)
    elif config is None:
        yield _finding(run, file, wrong, "Use the rlgen that wrote it, or start another run.")
    if config is None:
        return
    try:
        cls = registry.load(config.algorithm, registry.ALGORITHM_KINDS)
        cls.Config.build(config.config)
        TrainerConfig.build(config.trainer)
    except UserError as error:
        yield _finding(run, file, f"asks for what this rlgen cannot do: {error}", "Use the rlgen that wrote it.")


def _config(run: Run) -> tuple[RunConfig | None, str]:
    """The configuration, of the file or of its copy, or what is wrong with it."""
    try:
        return run.config, ""
    except UserError as error:
        return None, str(error)


def _looked_at(directory: Path) -> dict[Checkpoint, str | None]:
    """The checkpoints in a directory, oldest first, and what is wrong with each; None if nothing is.

    Whoever writes the run may have removed some since they were listed, which is nothing wrong.
    """
    found = {each: _damage(each) for each in checkpoint.listed(directory)}
    return {each: what for each, what in found.items() if what is None or each.path.exists()}


def _damage(each: Checkpoint) -> str | None:
    try:
        each.load(closely=True)
    except CheckpointDamaged as error:
        return str(error)
    return None


def _weights(run: Run, whole: list[Checkpoint]) -> Iterator[Finding]:
    """Those with weights that are no numbers; the best ones say which arrays are weights. Others may be anything.

    Whoever writes the run may have removed some of them meanwhile.
    """
    opened: dict[Checkpoint, Archive] = {}
    for each in whole:
        with contextlib.suppress(CheckpointDamaged):
            opened[each] = each.load()
    names = {name for each, arrays in opened.items() if each.path.parent == run.best for name in arrays}
    for each, arrays in opened.items():
        for name in sorted(names & arrays.keys()):
            if arrays.headers[name].dtype.kind == "f" and not np.isfinite(arrays[name]).all():
                what = f"'{name}' has numbers that are not finite"
                yield _finding(run, each.path, what, "Delete it: nothing can be learned or said with them.")
                break


def _manifest(each: Checkpoint) -> dict[str, Any]:
    """A whole checkpoint's; empty if it has been removed meanwhile."""
    with contextlib.suppress(CheckpointDamaged):
        return each.manifest()
    return {}


def _checkpoints(run: Run, kept: Mapping[Checkpoint, str | None]) -> Iterator[Finding]:
    steps = [each.step for each, what in kept.items() if what is None]
    for each, what in kept.items():
        if what is not None:
            way = f"A resume goes on from step {max(steps):,}." if steps else "There is no other one to go on from."
            yield _finding(run, each.path, what, way)
    try:
        run.begun()
    except UserError as error:
        yield _finding(run, run.checkpoints, error, "Nothing can bring them back; the best checkpoint may be there.")


def _best(
    run: Run, kept: Mapping[Checkpoint, str | None], whole: list[Checkpoint], newest: dict[str, Any]
) -> Iterator[Finding]:
    try:
        known = known_in(newest)
    except UserError as error:
        yield _finding(run, run.checkpoints, error, "Use another checkpoint: delete this one.")
        return
    for each, what in kept.items():
        if what is not None and (known is None or each.step != known["step"]):
            yield _finding(run, each.path, what, "It is not needed any more: a resume deletes it.")
    if known is None:
        return
    step = known["step"]
    what = {each.step: what for each, what in kept.items()}.get(step, "is missing")
    if what is not None:
        again = any(each.step == step for each in whole)
        way = (
            "A resume makes it again from the checkpoint of that step."
            if again
            else ("A resume says so and takes the best one that is left.")
        )
        yield _finding(run, run.best / checkpoint.name_of(step), what, way)


def _records(run: Run, newest: dict[str, Any]) -> Iterator[Finding]:
    try:
        marks = marks_in(newest)
    except UserError as error:
        yield _finding(run, run.checkpoints, error, "Use another checkpoint: delete this one.")
        return
    ended = _sealed(run.path / RESULT_FILE)[0] is not None
    for name, what in faults(run, marks, ended=ended).items():
        yield _finding(run, run.path / name, what, "A resume leaves what can be read of it. Weights are not concerned.")


def _result(run: Run) -> Iterator[Finding]:
    row, what = _sealed(run.path / RESULT_FILE)
    if row is None and what is not None:
        yield _finding(run, run.path / RESULT_FILE, what, "A resume makes the final evaluation again.")


def _sealed(file: Path) -> tuple[dict[str, Any] | None, str | None]:
    """What a sealed file holds, and what is wrong with it; neither where there is none."""
    try:
        return unsealed(files.read(file)), None
    except FileNotFoundError:
        return None, None
    except (OSError, SealBroken, UserError) as error:
        return None, str(error)


def _events(run: Run) -> Iterator[Finding]:
    """Event files whose records do not follow one another; the last record may be cut short by a process's end."""
    for file in sorted(file for part in SUMMARIES for file in (run.path / part).glob("events.*")):
        if file.is_symlink() or not file.is_file():
            continue  # Named already.
        with files.open_to_read(file) as stream:
            while len(head := stream.read(12)) == 12:
                length, said = struct.unpack("<QI", head)
                if said != checksum(head[:8]):
                    what = f"is damaged after {stream.tell() - 12:,} bytes"
                    yield _finding(
                        run, file, what, "TensorBoard shows what is before it; the JSON lines have the same."
                    )
                    break
                stream.seek(length + 4, 1)
