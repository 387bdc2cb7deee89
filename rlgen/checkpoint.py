"""Checkpoints: written beside and renamed, with a checksum, never pickled.

A checkpoint is a directory `step-000000050000` with `state.npz` (arrays by name, as NumPy writes them) and
`checkpoint.json` (the step, and the SHA-256 of the arrays). A directory of that name is complete: until it
is, it has another name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen.errors import CheckpointDamaged, RlgenError, UserError

STATE_FILE, MANIFEST_FILE = "state.npz", "checkpoint.json"


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
            CheckpointDamaged: it cannot be read.
        """
        try:
            manifest: dict[str, Any] = dict(json.loads((self.path / MANIFEST_FILE).read_text()))
            return manifest
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointDamaged(f"The checkpoint {self.path} is damaged: {MANIFEST_FILE}: {error}") from error

    def load(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays, after checking that their bytes are those that were written.

        Raises:
            CheckpointDamaged: they are not.
        """
        manifest, file = self.manifest(), self.path / STATE_FILE
        try:
            if _sha256(file) != manifest.get("sha256"):
                raise CheckpointDamaged(f"The checkpoint {self.path} is damaged: the checksum of {STATE_FILE} differs.")
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise CheckpointDamaged(f"The checkpoint {self.path} is damaged: {STATE_FILE}: {error}") from error


def save(directory: Path, *, step: int, arrays: Mapping[str, npt.NDArray[Any]], about: Mapping[str, Any]) -> Checkpoint:
    """Write a checkpoint into `directory`, replacing one of the same step.

    Raises:
        RlgenError: it could not be written (a full disk, say); what was there before is untouched.
    """
    final = directory / f"step-{step:012d}"
    beside = directory / f".writing-{uuid.uuid4().hex}"
    try:
        beside.mkdir(parents=True)
        with (beside / STATE_FILE).open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]
            _flush(file)
        manifest = {**about, "step": step, "sha256": _sha256(beside / STATE_FILE)}
        with (beside / MANIFEST_FILE).open("w") as text:
            json.dump(manifest, text, indent=2)
            _flush(text)
        if final.exists():
            # The old one of this step has the same content; move it aside so that the rename is one act.
            final.rename(directory / f".replaced-{uuid.uuid4().hex}")
        beside.rename(final)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise RlgenError(
            f"The checkpoint of step {step:,} could not be written to {directory}: {error.strerror or error}. "
            "Earlier checkpoints are untouched; free some space and go on with --resume."
        ) from error
    _sweep(directory, "replaced")
    return Checkpoint(final)


def listed(directory: Path) -> list[Checkpoint]:
    """The checkpoints in `directory`, oldest first."""
    paths = (path for path in directory.glob("step-*") if re.fullmatch(r"step-\d+", path.name))
    return sorted((Checkpoint(path) for path in paths), key=lambda checkpoint: checkpoint.step)


def keep_last(directory: Path, count: int) -> None:
    """Remove all but the newest `count`, and what an interrupted write left."""
    for checkpoint in listed(directory)[:-count]:
        _remove(checkpoint)
    for kind in ("writing", "replaced", "removed"):
        _sweep(directory, kind)


def drop_after(directory: Path, step: int) -> None:
    """Remove the checkpoints of later steps."""
    for checkpoint in listed(directory):
        if checkpoint.step > step:
            _remove(checkpoint)


def newest_good(directory: Path) -> tuple[Checkpoint, dict[str, npt.NDArray[Any]], list[str]]:
    """The newest checkpoint that is whole, its arrays, and what was wrong with newer ones.

    Raises:
        UserError: there is none.
    """
    faults: list[str] = []
    for checkpoint in reversed(listed(directory)):
        try:
            return checkpoint, checkpoint.load(), faults
        except CheckpointDamaged as error:
            faults.append(str(error))
    raise UserError(" ".join([*faults, f"There is no whole checkpoint in {directory}; start the run anew."]))


def _remove(checkpoint: Checkpoint) -> None:
    """Take it away under another name: killed halfway, a directory that has lost a file must not look like one."""
    aside = checkpoint.path.with_name(f".removed-{uuid.uuid4().hex}")
    with contextlib.suppress(OSError):
        checkpoint.path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(2**20):
            digest.update(block)
        return digest.hexdigest()


def _sweep(directory: Path, kind: str) -> None:
    for left in directory.glob(f".{kind}-*"):
        shutil.rmtree(left, ignore_errors=True)
