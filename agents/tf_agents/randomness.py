"""Random numbers inside TF-Agents: its draws keep a state of their own, and a run's follow from seeds.

All that TensorFlow draws with a state comes from a handful of functions of one module. Inside `stateless` each of them
is the stateless draw of the same numbers, whose seed is the one given with the number of the draw added to it. Outside
they are what they were.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import gen_random_ops

from rlgen import draws


class _Stream:
    """Seeds one after another, int32 [2] each, all from one."""

    def __init__(self, seed: Any) -> None:
        self._seed, self._count = tf.convert_to_tensor(seed, tf.int32), 0

    def next(self) -> Any:
        self._count += 1
        return self._seed + tf.constant([self._count, 0])


_stream: contextvars.ContextVar[_Stream | None] = contextvars.ContextVar("stream", default=None)


@contextlib.contextmanager
def stateless(seed: Any) -> Iterator[None]:
    """Let whatever is drawn inside, while a program is traced or at once, follow from a stateless seed, int32 [2]."""
    _install_all()
    before = _stream.set(_Stream(seed))
    try:
        yield
    finally:
        _stream.reset(before)


def _uniform(seed: Any, shape: Any, dtype: Any, **_: Any) -> Any:
    return _floats(draws.uniform, tf.random.stateless_uniform, seed, shape, dtype)


def _normal(seed: Any, shape: Any, dtype: Any, **_: Any) -> Any:
    return _floats(draws.normal, tf.random.stateless_normal, seed, shape, dtype)


def _floats(fast: Callable[..., Any], any_: Callable[..., Any], seed: Any, shape: Any, dtype: Any) -> Any:
    """By the draws of the house, which want a shape that is known and are float32."""
    known = tf.get_static_value(shape)
    if known is None or tf.as_dtype(dtype) != tf.float32:
        return any_(shape, seed, dtype=dtype)
    return fast(tuple(int(size) for size in known), seed)


def _truncated(seed: Any, shape: Any, dtype: Any, **_: Any) -> Any:
    return tf.random.stateless_truncated_normal(shape, seed, dtype=dtype)


def _integers(seed: Any, shape: Any, minval: Any, maxval: Any, **_: Any) -> Any:
    low, high = tf.convert_to_tensor(minval), tf.convert_to_tensor(maxval)
    return tf.random.stateless_uniform(shape, seed, minval=low, maxval=high, dtype=low.dtype)


def _categorical(seed: Any, logits: Any, num_samples: Any, output_dtype: Any = tf.int64, **_: Any) -> Any:
    return tf.random.stateless_categorical(logits, num_samples, seed, dtype=output_dtype)


_DRAWS: dict[str, Callable[..., Any]] = {
    "random_uniform": _uniform,
    "random_uniform_int": _integers,
    "random_standard_normal": _normal,
    "truncated_normal": _truncated,
    "multinomial": _categorical,
}


def _install(name: str, draw: Callable[..., Any]) -> None:
    stateful = getattr(gen_random_ops, name)

    @functools.wraps(stateful)
    def either(*arguments: Any, seed: Any = 0, seed2: Any = 0, **named: Any) -> Any:
        if (stream := _stream.get()) is None:
            return stateful(*arguments, seed=seed, seed2=seed2, **named)
        return draw(stream.next(), *arguments, **named)

    setattr(gen_random_ops, name, either)


@functools.cache
def _install_all() -> None:
    for name, draw in _DRAWS.items():
        _install(name, draw)
