"""Files as old versions of PyTorch wrote them, without PyTorch."""

from __future__ import annotations

import collections
import io
import pickle
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from rlgen.networks.torch_archive import MAGIC


def state_dict(arrays: Mapping[str, Any]) -> bytes:
    """Float arrays by name; one that is no contiguous block keeps its strides, as PyTorch keeps a transposed one."""
    written = io.BytesIO()
    with _stand_ins() as (rebuild, storage):

        class Tensor:
            def __init__(self, key: str, array: Any) -> None:
                self.key, self.array = key, array

        class Storage:
            def __init__(self, key: str, size: int) -> None:
                self.key, self.size = key, size

        class Pickler(pickle.Pickler):
            def persistent_id(self, found: Any) -> Any:
                is_storage = isinstance(found, Storage)
                return ("storage", storage, found.key, "cpu", found.size, None) if is_storage else None

            def reducer_override(self, found: Any) -> Any:
                if not isinstance(found, Tensor):
                    return NotImplemented
                strides = tuple(step // found.array.itemsize for step in found.array.strides)
                stored = Storage(found.key, found.array.size)
                return rebuild, (stored, 0, found.array.shape, strides, False, collections.OrderedDict())

        tensors = collections.OrderedDict((name, Tensor(name, array)) for name, array in arrays.items())
        for part in (MAGIC, 1001, {"little_endian": True}, tensors, list(arrays)):
            Pickler(written, protocol=2).dump(part)
    for array in arrays.values():
        # In the order in which the numbers lie in memory.
        flat = array.transpose(np.argsort(array.strides)[::-1]).ravel() if array.ndim else array.ravel()
        written.write(array.size.to_bytes(8, "little") + flat.astype("<f4").tobytes())
    return written.getvalue()


@contextmanager
def _stand_ins() -> Iterator[tuple[Any, Any]]:
    """Something by the names that such files call."""

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    class FloatStorage: ...

    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for value, module in ((_rebuild_tensor_v2, utils), (FloatStorage, torch)):
        value.__module__, value.__qualname__ = module.__name__, value.__name__
        setattr(module, value.__name__, value)
    torch._utils = utils  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield _rebuild_tensor_v2, FloatStorage
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
