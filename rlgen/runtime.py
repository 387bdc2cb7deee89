"""What the machine is asked for: threads, memory, seeds, TensorFlow's start-up.

TensorFlow is imported inside functions: most of the command line must answer without it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from rlgen.errors import UserError, plain
from rlgen.together import shards

# XLA's newer matrix products on CPUs make an update of a 256-256 network a third faster. They are an
# experiment of XLA's, and a flag it does not know ends the process: only for releases they were measured with.
XLA_FLAGS = {"2.21": "--xla_cpu_experimental_ynn_fusion_type=LIBRARY_FUSION_TYPE_DOT"}

# Of Keras: wrappers for scikit-learn and galleries for Matplotlib, which it imports for them: together a third of the
# time that importing TensorFlow takes.
UNHURRIED = {
    f"{place}.{part}"
    for place in ("keras", "keras.src", "keras._tf_keras.keras")
    for part in ("wrappers", "visualization")
}


def prepare() -> None:
    """What counts only before TensorFlow is imported: settings, where the user has none, and how it is imported."""
    if not any(isinstance(finder, _Later) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Later())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    release = ".".join((version_of("tensorflow") or "").split(".")[:2])
    if release in XLA_FLAGS:
        os.environ.setdefault("XLA_FLAGS", XLA_FLAGS[release])


class _Later(importlib.abc.MetaPathFinder):
    """Lets the parts of Keras that nobody may need wait until somebody uses them, and TensorFlow come quietly."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        """Of these, with a loader that does so; None for everything else."""
        if name not in UNHURRIED and name != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = (_Quietly if name == "tensorflow" else importlib.util.LazyLoader)(spec.loader)
        return spec


class _Quietly(importlib.abc.Loader):
    """Loads without a word."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: Any) -> Any:
        """As the loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """As the loader, which is the module's from then on."""
        module.__spec__.loader = module.__loader__ = self._loader
        with _quiet():
            self._loader.exec_module(module)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is written to standard error, by C++ too, for the case of an exception; look for no garbage.

    Thousands of functions and classes come to stay: looking for garbage among them would take half a second.
    """
    sys.stderr.flush()
    kept, collected = os.dup(2), gc.isenabled()
    gc.disable()
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            written.seek(0)
            os.write(kept, written.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if collected:
                gc.enable()


def tell(remark: str) -> None:
    """Say something to whoever runs this, on standard error."""
    print(f"rlgen: {plain(remark)}", file=sys.stderr)


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A seed for one purpose out of the run's one seed, in [0, 2**31).

    Purposes are named, so that drawing more for one of them never shifts another.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") % 2**31


def derive_shard_seed(seed: int, purpose: str, shard: int) -> int:
    """As `derive_seed`, for one of several shards."""
    return derive_seed(seed, purpose, "shard", shard)


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A NumPy generator for one purpose out of the run's seed."""
    return np.random.default_rng(derive_seed(seed, *purpose))


@contextlib.contextmanager
def python_random(seed: int) -> Iterator[None]:
    """Let Python's generator, from which Keras takes seeds for layers that have none, follow from a seed inside."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def stateless(seed: Any, counter: Any) -> Any:
    """The seed of one draw, int32 [2], for `tf.random.stateless_*`: (a derived seed, how many before it).

    With the counter a part of the checkpoint, the random stream needs no other state.
    """
    import tensorflow as tf

    return tf.stack([tf.convert_to_tensor(seed, tf.int32), tf.cast(counter, tf.int32)])


class Seeds:
    """The seeds of several purposes in one variable: a program that reads them there serves every run's seed.

    Where a batch has several shards, each has seeds of its own beside those of the whole.
    """

    def __init__(self, seed: int, *purposes: str, shards: int = 1) -> None:
        import tensorflow as tf

        self._places = {purpose: place for place, purpose in enumerate(purposes)}
        derived = [derive_seed(seed, purpose) for purpose in purposes]
        if shards > 1:
            derived += [derive_shard_seed(seed, purpose, shard) for shard in range(shards) for purpose in purposes]
        self.variable = tf.Variable(derived, dtype=tf.int32, trainable=False)

    def draw(self, purpose: str, counter: Any) -> Any:
        """The seed of one draw, int32 [2], as `stateless` makes it; the shard's, where one is computed."""
        shard = shards.number()
        before = 0 if shard is None else (1 + shard) * len(self._places)
        return stateless(self.variable[before + self._places[purpose]], counter)


def free_memory_bytes() -> int:
    """What the machine could still give to this process."""
    import psutil

    return int(psutil.virtual_memory().available)


def require_memory(needs: Mapping[str, int], *, advice: str = "") -> None:
    """Check that what is about to be allocated is there; `advice`, without a full stop, says how to need less.

    Raises:
        UserError: it is not; the message has the arithmetic.
    """
    total, free = sum(needs.values()), free_memory_bytes()
    if total > free:
        parts = " + ".join(f"{name} {human_bytes(size)}" for name, size in needs.items())
        raise UserError(
            f"This needs {parts} = {human_bytes(total)} of memory, and {human_bytes(free)} is free. "
            + (f"{advice} or free some memory." if advice else "Free some memory.")
        )


def human_bytes(count: float) -> str:
    """`5.6 MB`, in powers of 1,000.

    >>> human_bytes(28_224_000_000)
    '28.2 GB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def versions() -> dict[str, str]:
    """The versions a result depends on."""
    import platform

    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("rlgen", "tensorflow", "keras", "tensorflow-probability", "gymnasium", "ale-py", "numpy"):
        if (version := version_of(package)) is not None:
            found[package] = version
    return found


@functools.cache
def version_of(package: str) -> str | None:
    """Of an installed package, read out of its file once; None: it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def one_blas_thread() -> Any:
    """A context in which NumPy multiplies matrices on one thread.

    The products of acting are so small that a second thread costs more than it brings, and far more where
    the other core is busy.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")


def import_tensorflow(*, alone: bool = False) -> None:
    """Import TensorFlow, prepared: without the lines its C++ part writes before any setting can silence it, and sooner.

    Args:
        alone: this process does nothing else, so that what is there now can stay to its end.
    """
    prepare()
    import tensorflow  # noqa: F401

    if alone:
        gc.freeze()
