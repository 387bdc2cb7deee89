"""Checkpoints: written beside and renamed, with checksums, never pickled.

A checkpoint is a directory `step-000000050000` with `state.npz` (arrays by name, as NumPy writes them) and
`checkpoint.json` (the step, length and SHA-256 of the arrays, what else belongs to that step, and its own checksum).
A directory of that name is complete and on the disk: until it is, it has another name.
"""

from __future__ import annotations

import contextlib
import errno
import re
import stat
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import files, segments
from rlgen.archive import FAULTS, Archive
from rlgen.errors import CheckpointDamaged, RlgenError, UserError
from rlgen.seal import SealBroken, sealed, unsealed

STATE_FILE, MANIFEST_FILE = "state.npz", "checkpoint.json"
LEFTOVERS = (files.WRITING, ".replaced-", ".removed-")

# A reader that finds a checkpoint gone looks again: a writer may have replaced it. It is no writer if that never ends.
LOOKS = 100
# While one takes the place of another, whoever goes through the names of a directory may see neither.
LOOKS_AT_NOTHING = 10

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Checkpoint:
    """A directory that holds a checkpoint, damaged or not."""

    path: Path

    @property
    def step(self) -> int:
        """The step it was taken at, from its name."""
        return int(self.path.name.removeprefix("step-"))

    def manifest(self) -> dict[str, Any]:
        """What was written beside the arrays.

        Raises:
            CheckpointDamaged: it cannot be read, or is not what was written.
        """
        try:
            manifest = unsealed(files.read(self.path / MANIFEST_FILE))
        except (OSError, SealBroken, UserError) as error:
            raise self._damaged(MANIFEST_FILE, error) from error
        if manifest.get("step") != self.step:
            raise self._damaged(MANIFEST_FILE, f"it is of step {manifest.get('step')}")
        return manifest

    def load(self, *, closely: bool = False) -> Archive:
        """The arrays, after checking that their bytes are those that were written; each is read when it is asked for.

        Rows that lie beside it have to be there; `closely`: to be what was written, too, which takes a while.

        Raises:
            CheckpointDamaged: they are not.
        """
        manifest = self.manifest()
        try:
            for of_path in segments.listed(manifest).values():
                if (fault := segments.fault(self.path.parent, of_path, closely=closely)) is not None:
                    raise self._damaged(*fault.split(": ", 1))
        except TypeError as error:
            raise self._damaged(MANIFEST_FILE, error) from error
        try:
            file = files.open_to_read(self.path / STATE_FILE)
            if files.size_of(file) != manifest.get("bytes"):
                raise ValueError(f"it has {files.size_of(file):,} bytes of {manifest.get('bytes')}")
            if files.checksum(file) != manifest.get("sha256"):
                raise ValueError("its checksum differs")
            return Archive(file)
        except (*FAULTS, UserError) as error:
            raise self._damaged(STATE_FILE, error) from error

    def _damaged(self, file: str, what: object) -> CheckpointDamaged:
        return CheckpointDamaged(f"The checkpoint {self.path} is damaged: {file}: {what}.")


def save(directory: Path, *, step: int, arrays: Mapping[str, npt.NDArray[Any]], about: Mapping[str, Any]) -> Checkpoint:
    """Write a checkpoint into `directory`, replacing one of the same step; it is on the disk then.

    Raises:
        RlgenError: it could not be written (a full disk, say); what was there before is untouched.
    """
    final, beside = directory / name_of(step), directory / f"{files.WRITING}{uuid.uuid4().hex}"
    with writing(directory, step, beside):
        files.make_directory(directory)
        files.make_passing_directory(beside)
        with files.create(beside / STATE_FILE) as file:
            np.savez(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]
            files.sync(file)
        with files.open_to_read(beside / STATE_FILE) as written:
            about = {**about, "step": step, "bytes": files.size_of(written), "sha256": files.checksum(written)}
        with files.create(beside / MANIFEST_FILE) as file:
            file.write(sealed(about))
            files.sync(file)
        files.sync_directory(beside)
        if final.exists():
            # The old one of this step has the same content; move it aside so that the rename is one act.
            files.rename(final, directory / f".replaced-{uuid.uuid4().hex}")
        files.rename(beside, final)
        files.sync_directory(directory)
    sweep(directory)
    return Checkpoint(final)


@contextlib.contextmanager
def writing(directory: Path, step: int, beside: Path | None = None) -> Iterator[None]:
    """Say what to do where a checkpoint cannot be written, and delete what there is of it `beside` the others.

    Raises:
        RlgenError: it could not.
    """
    try:
        yield
    except OSError as error:
        if beside is not None:
            files.discard(beside)
        raise RlgenError(
            f"The checkpoint of step {step:,} could not be written to {directory}: {error.strerror or error}. "
            f"Earlier checkpoints are untouched; {way_on(error)} and go on with --resume."
        ) from error


def name_of(step: int) -> str:
    """The name of the directory that holds a step's checkpoint."""
    return f"step-{step:012d}"


def way_on(error: OSError) -> str:
    """What helps where a file could not be written: `free some space`, if that is what it is short of."""
    return "free some space" if error.errno in NO_SPACE else "see to that"


def listed(directory: Path) -> list[Checkpoint]:
    """The checkpoints in `directory`, oldest first; directories alone, no links to any."""
    for _ in range(LOOKS_AT_NOTHING):
        paths = (path for path in directory.glob("step-*") if re.fullmatch(r"step-\d{1,18}", path.name))
        if found := [Checkpoint(path) for path in paths if _is_directory(path)]:
            return sorted(found, key=lambda checkpoint: checkpoint.step)
    return []


def keep_last(directory: Path, count: int) -> None:
    """Remove all but the newest `count`, the rows that these do not need, and what an interrupted write left."""
    _remove(directory, listed(directory)[:-count])
    sweep(directory)
    used = set()
    for kept in listed(directory):
        # Of one that is damaged nothing can be used, nor its rows.
        with contextlib.suppress(CheckpointDamaged, TypeError):
            used |= {each.file for of_path in segments.listed(kept.manifest()).values() for each in of_path}
    segments.sweep(directory, used)


def keep_only(directory: Path, steps: Collection[int]) -> None:
    """Remove the checkpoints of other steps, and what an interrupted write left."""
    _remove(directory, [checkpoint for checkpoint in listed(directory) if checkpoint.step not in steps])
    sweep(directory)


def drop_after(directory: Path, step: int) -> None:
    """Remove the checkpoints of later steps."""
    _remove(directory, [checkpoint for checkpoint in listed(directory) if checkpoint.step > step])


def sweep(directory: Path) -> None:
    """Remove what an interrupted write left."""
    for kind in LEFTOVERS:
        for left in directory.glob(f"{kind}*"):
            files.discard(left)


def newest_good(directory: Path, *, closely: bool = False) -> tuple[Checkpoint, Archive, list[str]]:
    """The newest checkpoint that is whole, its arrays, and what was wrong with newer ones; `closely` as in `load`.

    Raises:
        UserError: there is none.
    """
    faults: list[str] = []
    for _ in range(LOOKS):
        faults, gone = [], False
        for checkpoint in reversed(listed(directory)):
            try:
                return checkpoint, checkpoint.load(closely=closely), faults
            except CheckpointDamaged as error:
                gone = gone or not checkpoint.path.exists()
                faults.append(str(error))
        if not gone:
            break
    raise UserError(" ".join([*faults, f"There is no whole checkpoint in {directory}."]))


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False  # It has been removed since it was listed.


def _remove(directory: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Take them away under other names: killed halfway, a directory that has lost a file must not look like one.

    They are gone for good then: in a run that is finished nobody would look for what is left.
    """
    aside = [(each.path, directory / f".removed-{uuid.uuid4().hex}") for each in checkpoints]
    if not aside:
        return
    for path, name in aside:
        files.rename(path, name)
    files.sync_directory(directory)
    for _, name in aside:
        files.discard(name)
    files.sync_directory(directory)
