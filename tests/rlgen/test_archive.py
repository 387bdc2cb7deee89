"""Arrays of a file that says itself how large they are: what is not so is refused before anything is allocated."""

from __future__ import annotations

import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen import archive, files
from rlgen.archive import FAULTS, Archive, Header

ARRAYS = {
    "a/0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(12).reshape(3, 4)),
    "scalar": np.array(7),
    "empty": np.zeros((0, 5), np.uint8),
    "flags": np.array([True, False]),
    "big_endian": np.arange(3, dtype=">i4"),
}


def opened(path: Path) -> Archive:
    return Archive(files.open_to_read(path))


def of(path: Path, **members: bytes) -> Archive:
    """A file with these members, each called `name.npy`."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return opened(path)


def npy(shape: Any, data: bytes, *, dtype: Any = "<f4", version: tuple[int, int] = (1, 0)) -> bytes:
    """An array's bytes whose header says what it is told to."""
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode() + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header + data


def test_what_numpy_writes_comes_back(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **ARRAYS)
    found = opened(tmp_path / "a.npz")
    assert len(found) == len(ARRAYS) and list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        again = found[name]
        np.testing.assert_array_equal(again, array)
        assert (again.dtype, again.shape, again.flags.f_contiguous) == (
            array.dtype,
            array.shape,
            array.flags.f_contiguous,
        )
        assert archive.header(found, name) == archive.header(ARRAYS, name) == Header(array.shape, array.dtype)
    assert "nothing" not in found
    with pytest.raises(KeyError):
        found["nothing"]
    np.savez(tmp_path / "none.npz")
    assert dict(opened(tmp_path / "none.npz")) == {}


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format(tmp_path: Path, version: tuple[int, int]) -> None:
    found = of(tmp_path / "a.npz", a=npy((2,), np.array([1, 2], np.float32).tobytes(), version=version))
    assert found["a"].tolist() == [1, 2]


def test_only_what_is_asked_for_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", **ARRAYS)
    found, read = opened(tmp_path / "a.npz"), list[str]()
    original = zipfile.ZipFile.open

    def counted(self: Any, name: Any, *rest: Any) -> Any:
        read.append(name)
        return original(self, name, *rest)

    monkeypatch.setattr(zipfile.ZipFile, "open", counted)
    for name in found:
        archive.header(found, name)
    assert read == []
    assert found["scalar"] == 7 and read == ["scalar.npy"]


def test_it_stays_readable_when_its_name_is_gone(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **ARRAYS)
    found = opened(tmp_path / "a.npz")
    (tmp_path / "a.npz").unlink()
    (tmp_path / "a.npz").write_bytes(b"another")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


WRONG_SHAPES: list[tuple[Any, bytes]] = [
    ((3,), bytes(8)),
    ((2,), bytes(12)),
    ((10**12,), bytes(8)),
    ((2**32, 2**32), b""),
    ((-2, -3), bytes(24)),
    ((-1,), b""),
    ((0, -1), b""),
    ((0, 2**62, 2**62), b""),
    ((0, 2**70), b""),
    ((1,) * 100, bytes(4)),
    ((True, 2), bytes(8)),
    ((2.0,), bytes(8)),
    (2, bytes(8)),
    ("ab", bytes(8)),
]


@pytest.mark.parametrize(("shape", "data"), WRONG_SHAPES, ids=lambda value: str(value)[:20])
def test_shapes_that_cannot_be(tmp_path: Path, shape: Any, data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError):
        of(tmp_path / "a.npz", a=npy(shape, data))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_objects_are_never_made(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(ValueError, match="'a.npy' holds objects, which only running their code could make"):
        opened(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="holds objects"):
        of(tmp_path / "b.npz", a=npy((1,), bytes(12), dtype=[("x", "<f4"), ("y", "|O")]))


def test_a_bomb_is_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    """A thousandth of what it becomes."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file, file.open("a.npy", "w") as member:
        member.write(npy((256, 2**18), b""))
        for _ in range(256):
            member.write(bytes(2**20))
    assert (tmp_path / "a.npz").stat().st_size < 300_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="'a.npy' is compressed, which rlgen never does"):
        opened(tmp_path / "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_header_without_end(tmp_path: Path) -> None:
    long = npy((2,), bytes(8)).replace(b"}", b", " + b" " * 20_000 + b"}")
    with pytest.raises(ValueError):
        of(tmp_path / "a.npz", a=b"\x93NUMPY\x01\x00" + struct.pack("<H", len(long) - 18) + long[10:])
    with pytest.raises(ValueError):
        of(tmp_path / "b.npz", a=npy((2,), bytes(8), version=(9, 9)))


def test_members_that_are_no_arrays(tmp_path: Path) -> None:
    """Two of almost one name must not stand for each other."""
    for name, wrong in {"a": npy((2,), bytes(8)), "notes.txt": b"hello"}.items():
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
            file.writestr("a.npy", npy((3,), bytes(12)))
            file.writestr(name, wrong)
        with pytest.raises(ValueError, match=f"'{name}' is no array"):
            opened(tmp_path / "a.npz")
    with pytest.raises(FAULTS):
        of(tmp_path / "a.npz", a=b"hello")


def whole(tmp_path: Path) -> bytes:
    np.savez(tmp_path / "whole.npz", **{key: ARRAYS[key] for key in ("a/0", "scalar")})
    return (tmp_path / "whole.npz").read_bytes()


def test_cut_anywhere_it_is_refused(tmp_path: Path) -> None:
    data = whole(tmp_path)
    for size in range(0, len(data), 7):
        (tmp_path / "a.npz").write_bytes(data[:size])
        with pytest.raises(FAULTS):
            opened(tmp_path / "a.npz")


def test_what_opens_can_be_read(tmp_path: Path) -> None:
    """However it was changed: that it cannot must be found before somebody has taken half of it."""
    data, rng, opens = whole(tmp_path), random.Random(0), 0
    for _ in range(600):
        hurt = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            hurt[rng.randrange(len(hurt))] = rng.randrange(256)
        try:
            found = changed(tmp_path / "a.npz", hurt)
        except FAULTS:
            continue
        opens += 1
        for name in found:
            assert (found[name].shape, found[name].dtype) == found.headers[name]
    assert opens > 10, "otherwise this test says nothing"


def changed(path: Path, data: bytearray) -> Archive:
    path.write_bytes(data)
    return opened(path)


def test_numbers_that_are_not_what_was_written(tmp_path: Path) -> None:
    data = bytearray(whole(tmp_path))
    place = data.find(ARRAYS["a/0"].tobytes())
    data[place] ^= 1
    with pytest.raises(zipfile.BadZipFile):
        changed(tmp_path / "a.npz", data)


def test_members_that_lie_about_themselves(tmp_path: Path) -> None:
    """Encrypted, of another size in the list than in its place, two in one place."""
    data = whole(tmp_path)
    listed = data.find(b"PK\x01\x02")

    def at(offset: int, value: bytes) -> Callable[[], bytearray]:
        return lambda: bytearray(data[: listed + offset] + value + data[listed + offset + len(value) :])

    for lie in (at(8, b"\x01\x00"), at(24, b"\xff\xff\xff\x7f"), at(42, b"\x05\x00")):
        with pytest.raises(FAULTS):
            changed(tmp_path / "a.npz", lie())


@pytest.mark.parametrize("header", [b"{'descr': '<f4', (", b"'''", b"{\xff\x00", b"{'descr': '<f4'} \x01"])
def test_a_header_that_is_no_python_is_a_fault_like_others(tmp_path: Path, header: bytes) -> None:
    """NumPy takes such a header apart as Python's own compiler would, and raises what that raises."""
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n"
    with pytest.raises(FAULTS):
        of(tmp_path / "a.npz", a=content)
