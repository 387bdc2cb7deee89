"""Bringing packages: clients that do as they should, and that do not."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import published as made
import pytest

from rlgen import fetching, files
from rlgen.errors import RlgenError, UserError
from rlgen.fetching import Package
from rlgen.lock import locked

CONTENT = b"what is in the package" * 1000
PACKAGE = Package(
    client="npm", name="@a/some", version="1.0", file="a-some-1.0.tgz", sha256=hashlib.sha256(CONTENT).hexdigest()
)
WRITES = f"open({PACKAGE.file!r}, 'wb').write({CONTENT!r})"
Client = Callable[..., None]


def fetch(package: Package, place: Path) -> Path:
    return fetching.fetch(package, place, by_hand="do it yourself")


def left(place: Path) -> list[str]:
    """What is there besides the lock."""
    return sorted(path.name for path in place.iterdir() if path.name != ".lock")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("npm", "pack --ignore-scripts --loglevel=error @a/some@1.0"),
        ("pip", "download --no-deps --only-binary=:all: @a/some==1.0"),
        ("apt-get", "download @a/some=1.0"),
    ],
)
def test_each_client_is_asked_in_its_way(data_place: Path, client: Client, name: str, arguments: str) -> None:
    client(name, f"import sys; assert sys.argv[1:] == {arguments.split()!r}; {WRITES}")
    path = fetch(dataclasses.replace(PACKAGE, client=name), data_place)
    assert path.read_bytes() == CONTENT and left(data_place) == [PACKAGE.file]


def test_of_a_debian_package_a_folder_is_kept(data_place: Path, client: Client, tmp_path: Path) -> None:
    archive = made.tar_gz({"usr/share/datasets/some/a": b"A", "usr/share/datasets/some/b/c": b"C", "etc/d": b"D"})
    (tmp_path / "archive").write_bytes(archive)
    client("apt-get", f"import shutil; shutil.copy({str(tmp_path / 'archive')!r}, 'some.deb')")
    client("dpkg-deb", "import sys, tarfile; tarfile.open(sys.argv[2]).extractall(sys.argv[3])")
    package = Package(
        client="apt-get",
        name="some",
        version="1",
        file="some.deb",
        sha256=hashlib.sha256(archive).hexdigest(),
        folder="usr/share/datasets/some",
    )
    place = fetch(package, data_place)
    assert left(data_place) == ["some"] and (place / "b" / "c").read_bytes() == b"C"
    with pytest.raises(UserError, match="some' is there and lacks something. Move it away"):
        fetch(package, data_place)
    place.rename(tmp_path / "away")
    with pytest.raises(RlgenError, match=r"some.deb has no folder usr/lib"):
        fetch(dataclasses.replace(package, folder="usr/lib"), data_place)
    assert left(data_place) == []


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("raise SystemExit(7)", r"`npm pack .*` ended with 7; what it said stands above. Mend that, or do it yourself"),
        ("pass", "brought nothing, and a-some-1.0.tgz was expected"),
        ("open('other.tgz', 'w').close()", "brought other.tgz, and a-some-1.0.tgz was expected"),
        (f"open({PACKAGE.file!r}, 'w').write('x')", f"its SHA-256 is {hashlib.sha256(b'x').hexdigest()}"),
    ],
)
def test_of_what_failed_nothing_is_kept(data_place: Path, client: Client, does: str, said: str) -> None:
    client("npm", does)
    with pytest.raises(RlgenError, match=said):
        fetch(PACKAGE, data_place)
    assert left(data_place) == []


def test_a_missing_client(data_place: Path, client: Client) -> None:
    client("apt-get", WRITES)
    with pytest.raises(UserError, match="^npm would bring it and cannot be found here. Install it, or do it yourself"):
        fetch(PACKAGE, data_place)
    with pytest.raises(UserError, match="^dpkg-deb would bring it"):
        fetch(dataclasses.replace(PACKAGE, client="apt-get", folder="usr"), data_place)
    assert left(data_place) == []


def test_two_at_once(data_place: Path, client: Client) -> None:
    """The second one neither waits nor takes what the first is writing for something left behind."""
    client("npm", WRITES)
    program = (
        f"import time\nfrom pathlib import Path\nfrom rlgen.lock import locked\nwith locked(Path({str(data_place)!r})):"
    )
    other = subprocess.Popen([sys.executable, "-c", f"{program}\n    print('held', flush=True); time.sleep(60)"],
                             stdout=subprocess.PIPE)  # fmt: skip
    assert other.stdout and other.stdout.readline() == b"held\n"
    with pytest.raises(UserError, match="is being written by process"):
        fetch(PACKAGE, data_place)
    other.kill()
    other.communicate()
    with locked(data_place):
        assert fetch(PACKAGE, data_place).read_bytes() == CONTENT


def test_one_that_was_killed_halfway_is_as_if_it_had_not_been(data_place: Path, client: Client, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    client(
        "npm",
        f"import pathlib, time; open({PACKAGE.file!r}, 'wb').write({CONTENT[:500]!r})\n"
        f"pathlib.Path({str(begun)!r}).touch(); time.sleep(60)",
    )
    program = (
        "import sys; from pathlib import Path; from rlgen.fetching import Package, fetch\n"
        f"fetch({PACKAGE!r}, Path({str(data_place)!r}), by_hand='')"
    )
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    deadline = time.monotonic() + 30
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert begun.exists() and not (data_place / PACKAGE.file).exists()
    assert [name[: len(files.WRITING)] for name in left(data_place)] == [files.WRITING]
    client("npm", WRITES)
    assert fetch(PACKAGE, data_place).read_bytes() == CONTENT
    assert left(data_place) == [PACKAGE.file]
