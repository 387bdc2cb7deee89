"""What is promised for every file of a run: whole or not at all, nothing through a link, nothing waited for."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disk import Died, Failing

from rlgen import files
from rlgen.errors import UserError


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def failing_at(name: str) -> Any:
    """`os`, with a disk that is full at one operation."""

    class Full(Failing):
        def _call(self, called: str, call: Any, arguments: tuple[Any, ...]) -> Any:
            if called == name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments)

    return Full()


def test_write_puts_all_in_the_place_of_what_was_there(tmp_path: Path) -> None:
    for data in (b"", b"one", bytes(200_000)):
        files.write(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("operation", ["open", "write", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    files.write(tmp_path / "file", b"before")
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", failing_at(operation))
        with pytest.raises(OSError, match="No space left"):
            files.write(tmp_path / "file", b"after")
    assert (names(tmp_path), (tmp_path / "file").read_bytes()) == (["file"], b"before")


def test_a_process_that_dies_leaves_one_or_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for at in range(1, 20):
        for inside in (False, True):
            files.write(tmp_path / "file", b"before")
            with monkeypatch.context() as patch:
                patch.setattr(files, "os", Failing(at=at, inside=inside))
                try:
                    files.write(tmp_path / "file", b"afterwards")
                except Died:
                    assert set(names(tmp_path)) - {"file"} <= {path.name for path in tmp_path.glob(f"{files.WRITING}*")}
            found.add((tmp_path / "file").read_bytes())
    assert found == {b"before", b"afterwards"}


def test_a_link_is_replaced_and_what_it_leads_to_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to("theirs")
    files.write(tmp_path / "link", b"ours")
    assert not (tmp_path / "link").is_symlink()
    assert ((tmp_path / "link").read_bytes(), (tmp_path / "theirs").read_bytes()) == (b"ours", b"theirs")


@pytest.mark.parametrize("there", ["file", "directory", "link", "dangling", "pipe"])
def test_a_new_file_is_made_where_nothing_is(odd: Callable[[str], Path], there: str) -> None:
    path = odd(there)
    with pytest.raises(FileExistsError):
        files.create(path)


@pytest.fixture
def odd(tmp_path: Path) -> Callable[[str], Path]:
    """Something of a kind at a path."""

    def make(kind: str) -> Path:
        path, other = tmp_path / kind, tmp_path / "other"
        other.write_bytes(b"other")
        if kind == "file":
            path.write_bytes(b"file")
        elif kind == "directory":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as end:
                end.bind(os.path.relpath(path))
        elif kind == "device":
            return Path("/dev/zero")
        else:
            path.symlink_to(other if kind == "link" else tmp_path / "nowhere")
        return path

    return make


@pytest.mark.parametrize("there", ["directory", "pipe", "device", "socket", "dangling"])
def test_what_is_no_file_is_neither_read_nor_waited_for(odd: Callable[[str], Path], there: str) -> None:
    """A pipe without a writer is waited for by those who open it plainly."""
    path = odd(there)
    for read in (files.read, files.open_to_read):
        with pytest.raises((UserError, OSError)) as caught:
            read(path)
        if there in ("directory", "pipe", "device"):
            assert f"{path} is no regular file" in str(caught.value)


def test_a_file_is_read_through_a_link(odd: Callable[[str], Path]) -> None:
    """What reads changes nothing, and people link data to other disks."""
    assert files.read(odd("link")) == b"other"


@pytest.mark.parametrize("there", ["directory", "pipe", "link", "dangling", "device"])
def test_nothing_is_added_to_what_is_no_file(odd: Callable[[str], Path], there: str, tmp_path: Path) -> None:
    path = odd(there)
    for change in (files.append_to, lambda path: files.cut(path, 1)):
        with pytest.raises((UserError, OSError)):
            change(path)
    assert (tmp_path / "other").read_bytes() == b"other" and not (tmp_path / "nowhere").exists()


def test_a_pipe_with_a_reader_is_no_file_either(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(UserError, match="no regular file"):
            files.append_to(tmp_path / "pipe")
    finally:
        os.close(reader)


def test_what_is_larger_than_it_can_be_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert files.read(tmp_path / "file", most_bytes=5) == b"12345"
    with pytest.raises(UserError, match="has 5 bytes; rlgen never writes one of more than 4"):
        files.read(tmp_path / "file", most_bytes=4)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(UserError, match="1,000,000,000,000 bytes"):
        files.read(tmp_path / "huge")


def test_adding_and_cutting(tmp_path: Path) -> None:
    for data in (b"one", b"two"):
        with files.append_to(tmp_path / "file") as file:
            file.write(data)
            files.sync(file)
    assert files.read(tmp_path / "file") == b"onetwo"
    files.cut(tmp_path / "file", 4)
    assert files.read(tmp_path / "file") == b"onet"


def test_checksums(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(data)
    with files.open_to_read(tmp_path / "file") as file:
        file.seek(7)
        for size in (None, len(data), len(data) + 1, files.BLOCK_BYTES, 1, 0):
            assert files.checksum(file, size) == hashlib.sha256(data[:size]).hexdigest()
        assert file.read(3) == data[:3], "it can be read from its beginning then"


def test_directories(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    assert not files.is_directory(deep)
    files.make_directory(deep)
    files.make_directory(deep)
    assert files.is_directory(deep)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    for name, words in {"link": "is a link", "dangling": "is a link", "file": "is no directory"}.items():
        for ask in (files.is_directory, files.make_directory):
            with pytest.raises(UserError, match=f"{name} {words}, and nothing is written or deleted there"):
                ask(tmp_path / name)
    assert names(tmp_path) == ["a", "dangling", "file", "link"]


@pytest.mark.parametrize("made", ["directory", "file"])
def test_somebody_else_makes_the_directory_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str) -> None:
    """Many runs may be started at once where there is no `runs` yet."""

    class Late(Failing):
        def _call(self, name: str, call: Any, arguments: tuple[Any, ...]) -> Any:
            if name == "mkdir":
                Path(arguments[0]).mkdir() if made == "directory" else Path(arguments[0]).touch()
            return call(*arguments)

    monkeypatch.setattr(files, "os", Late())
    if made == "directory":
        files.make_directory(tmp_path / "runs" / "one")
        assert (tmp_path / "runs" / "one").is_dir()
    else:
        with pytest.raises(UserError, match="runs is no directory"):
            files.make_directory(tmp_path / "runs" / "one")


def test_discarding_follows_no_link(tmp_path: Path) -> None:
    theirs, place = tmp_path / "theirs", tmp_path / "place"
    (theirs / "deep").mkdir(parents=True)
    (theirs / "deep" / "file").write_bytes(b"theirs")
    (place / "deep").mkdir(parents=True)
    (place / "deep" / "file").touch()
    (place / "link").symlink_to(theirs)
    (place / "deep" / "dangling").symlink_to("nowhere")
    os.mkfifo(place / "pipe")
    files.discard(place)
    files.discard(place)
    assert names(tmp_path) == ["theirs"] and (theirs / "deep" / "file").read_bytes() == b"theirs"
    (tmp_path / "link").symlink_to(theirs)
    files.discard(tmp_path / "link")
    assert names(tmp_path) == ["theirs"] and names(theirs) == ["deep"]


def test_deleting_and_renaming(tmp_path: Path) -> None:
    (tmp_path / "theirs").touch()
    (tmp_path / "link").symlink_to("theirs")
    files.rename(tmp_path / "link", tmp_path / "other")
    assert names(tmp_path) == ["other", "theirs"]
    files.delete(tmp_path / "other")
    assert names(tmp_path) == ["theirs"]
    with pytest.raises(FileNotFoundError):
        files.delete(tmp_path / "other")
