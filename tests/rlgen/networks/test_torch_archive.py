"""Tensors out of a file of PyTorch's: what was written, and nothing that it would like to run."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from typing import Any

import numpy as np
import pytest
import torch_files

from rlgen.networks import torch_archive


def read(content: bytes) -> dict[str, Any]:
    return torch_archive.read(io.BytesIO(content))


def test_what_was_written_comes_back() -> None:
    random = np.random.default_rng(0)
    arrays = {
        "kernel": random.normal(size=(3, 4)).astype(np.float32),
        "turned": random.normal(size=(2, 3, 4)).astype(np.float32).transpose(2, 0, 1),
        "one": np.float32(7).reshape(1),
    }
    found = read(torch_files.state_dict(arrays))
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].flags.c_contiguous


def test_nothing_that_it_names_is_called(tmp_path: Any) -> None:
    class Call:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "made"),)

    for parts in ([Call()], [torch_archive.MAGIC, 1001, {}, Call()]):
        with pytest.raises(pickle.UnpicklingError, match="it would call posix.mkdir"):
            read(b"".join(pickle.dumps(part) for part in parts))
    assert not (tmp_path / "made").exists()


def test_what_is_none_or_damaged_is_a_fault() -> None:
    whole = torch_files.state_dict({"a": np.arange(6, dtype=np.float32).reshape(2, 3)})
    # A file that was cut, another number at its beginning, a tensor that is larger than what is stored, and more of it
    # than a file can have.
    larger = whole.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86")
    assert larger != whole
    endless = whole.replace((6).to_bytes(8, "little"), b"\xff" * 8)
    assert endless != whole
    for content in (b"", b"no archive", whole[:50], whole[:-4], pickle.dumps(1), larger, endless):
        with pytest.raises(torch_archive.FAULTS):
            read(content)


def test_a_file_spoilt_anywhere_is_read_or_a_fault() -> None:
    whole, random = torch_files.state_dict({"a": np.ones((2, 3), np.float32)}), np.random.default_rng(0)
    for _ in range(300):
        spoilt = bytearray(whole)
        spoilt[random.integers(len(whole))] = random.integers(256)
        with contextlib.suppress(torch_archive.FAULTS):
            read(bytes(spoilt))
