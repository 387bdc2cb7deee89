"""Tensors in a file that PyTorch wrote before its version 1.6, read without PyTorch.

Such a file is a row of pickles and the numbers behind them. What unpickling may call is listed here: four names, none
of which does more than put things together, so reading somebody's file runs none of their code.
"""

from __future__ import annotations

import collections
import pickle
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

# Kinds of storage, little-endian as the file is.
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
MAGIC = 0x1950A86A20F9469CFC6C
# What reading another file, or a damaged one, may raise.
FAULTS = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, MemoryError, OverflowError),
    *(RecursionError, pickle.UnpicklingError),
)


class _Storage(NamedTuple):
    """Numbers in a row that one tensor or more are made of."""

    key: str
    dtype: str


class _Tensor(NamedTuple):
    """Where in its storage a tensor lies, in numbers."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def read(file: BinaryIO) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a `state_dict` by name.

    Raises:
        ValueError: it is no such file; others of `FAULTS` too.
    """
    if _Reader(file).load() != MAGIC:
        raise ValueError("it does not begin as a file of PyTorch does")
    _Reader(file).load(), _Reader(file).load()  # The protocol, and the sizes of C's types.
    tensors, order = _Reader(file).load(), _Reader(file).load()
    dtypes = {tensor.storage.key: np.dtype(tensor.storage.dtype) for tensor in tensors.values()}
    numbers = {}
    for key in order:
        count = int.from_bytes(file.read(8), "little")
        numbers[key] = np.frombuffer(file.read(count * dtypes[key].itemsize), dtypes[key], count)
    return {name: _laid_out(name, tensor, numbers) for name, tensor in tensors.items()}


def _laid_out(name: str, tensor: _Tensor, numbers: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """A tensor's numbers in its shape: they need not lie there in the order of its axes."""
    stored = numbers[tensor.storage.key]
    reaches = tensor.offset + sum((length - 1) * step for length, step in zip(tensor.size, tensor.stride, strict=True))
    if reaches >= len(stored) or min((*tensor.size, *tensor.stride, tensor.offset), default=0) < 0:
        raise ValueError(f"'{name}' reaches outside of what is stored")
    steps = [step * stored.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(stored[tensor.offset :], tensor.size, steps, writeable=False)
    return np.ascontiguousarray(view)


class _Reader(pickle.Unpickler):
    """Puts together what a `state_dict` is made of, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """What stands for one of the names that may be called."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: _Tensor(storage, offset, size, stride)
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"it would call {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage, whose numbers come behind the pickles."""
        _, dtype, key, *_ = pid
        return _Storage(key, dtype)
