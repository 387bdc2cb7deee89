"""A run looked at whole: every file held against what was written, and what to do where it is not."""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rlgen import checkpoint, files, lock, registry
from rlgen.best import known_in
from rlgen.checkpoint import Checkpoint
from rlgen.errors import CheckpointDamaged, UserError
from rlgen.records import faults
from rlgen.run import CONFIG_FILE, RESULT_FILE, Run, RunConfig
from rlgen.seal import SealBroken, unsealed
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
    whole = _whole(run.checkpoints)
    found += _checkpoints(run, whole)
    newest = whole[-1].manifest() if whole else {}
    found += [*_best(run, whole, newest), *_records(run, newest), *_result(run), *_events(run)]
    config = _config(run)
    return Report(
        path=run.path,
        step=whole[-1].step if whole else None,
        steps=None if config is None else config.steps,
        stopped=newest.get("stopped"),
        finished=_sealed(run.path / RESULT_FILE)[0] is not None,
        writer=lock.holder(run.path),
        files=sum(1 for _ in run.path.rglob("*")),
        findings=tuple(found),
    )


def _finding(run: Run, path: Path, what: object, advice: str) -> Finding:
    return Finding(str(path.relative_to(run.path)), str(what), advice)


def _strangers(run: Run) -> Iterator[Finding]:
    """What is neither file nor directory."""
    for path in sorted(run.path.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            what = "a link" if stat.S_ISLNK(mode) else "neither a file nor a directory"
            yield _finding(run, path, f"is {what}", "Put the file or directory itself in its place, or delete it.")


def _configuration(run: Run) -> Iterator[Finding]:
    file = run.path / CONFIG_FILE
    row, what = _sealed(file)
    if row is None:
        kept = run.copy_in_checkpoint()
        again = (
            f"A resume takes its copy in the checkpoint of step {kept[0]:,}." if kept else "No checkpoint has a copy."
        )
        yield _finding(run, file, what or "is missing", again)
    config = _config(run)
    if config is None:
        return
    try:
        cls = registry.load(config.algorithm, registry.ALGORITHM_KINDS)
        cls.Config.build(config.config)
        TrainerConfig.build(config.trainer)
    except UserError as error:
        yield _finding(run, file, f"asks for what this rlgen cannot do: {error}", "Use the rlgen that wrote it.")


def _config(run: Run) -> RunConfig | None:
    """The configuration, of the file or of its copy; None if there is neither."""
    try:
        return run.config
    except UserError:
        return None


def _whole(directory: Path) -> list[Checkpoint]:
    return [each for each in checkpoint.listed(directory) if _damage(each) is None]


def _damage(each: Checkpoint) -> str | None:
    """What is wrong with a checkpoint; None if nothing is."""
    try:
        for name, array in each.load().items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                return f"'{name}' has numbers that are not finite"
    except CheckpointDamaged as error:
        return str(error)
    return None


def _checkpoints(run: Run, whole: list[Checkpoint]) -> Iterator[Finding]:
    steps = [each.step for each in whole]
    for each in checkpoint.listed(run.checkpoints):
        if each.step not in steps:
            before = [step for step in steps if step < each.step]
            way = f"A resume goes on from step {max(before):,}." if before else "There is none before it to go on from."
            yield _finding(run, each.path, _damage(each), way)
    try:
        run.begun()
    except UserError as error:
        yield _finding(run, run.checkpoints, error, "Nothing can bring them back; the best checkpoint may be there.")


def _best(run: Run, whole: list[Checkpoint], newest: dict[str, Any]) -> Iterator[Finding]:
    kept = {each.step: each for each in checkpoint.listed(run.best)}
    try:
        known = known_in(newest)
    except UserError as error:
        yield _finding(run, run.checkpoints, error, "Use another checkpoint: delete this one.")
        return
    for step, each in kept.items():
        if (what := _damage(each)) is not None and (known is None or step != known["step"]):
            yield _finding(run, each.path, what, "It is not needed any more: a resume deletes it.")
    if known is None:
        return
    step = known["step"]
    what = _damage(kept[step]) if step in kept else "is missing"
    if what is not None:
        again = any(each.step == step for each in whole)
        way = (
            "A resume makes it again from the checkpoint of that step."
            if again
            else ("A resume says so and takes the best one that is left.")
        )
        yield _finding(run, run.best / checkpoint.name_of(step), what, way)


def _records(run: Run, newest: dict[str, Any]) -> Iterator[Finding]:
    for name, what in faults(run, newest.get("records") or {}).items():
        yield _finding(run, run.path / name, what, "A resume leaves what can be read. Weights are not concerned.")


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
    for file in sorted((run.path / "summaries").glob("*/events.*")):
        if file.is_symlink() or not file.is_file():
            continue  # Named already.
        with files.open_to_read(file) as stream:
            while len(head := stream.read(12)) == 12:
                length, checksum = struct.unpack("<QI", head)
                if checksum != _masked_checksum(head[:8]):
                    what = f"is damaged after {stream.tell() - 12:,} bytes"
                    yield _finding(
                        run, file, what, "TensorBoard shows what is before it; the JSON lines have the same."
                    )
                    break
                stream.seek(length + 4, 1)


def _masked_checksum(data: bytes) -> int:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    return int(masked_crc32c(data))
