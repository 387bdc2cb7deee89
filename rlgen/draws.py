"""Random numbers in programs: one algorithm, the same bits inside XLA and outside it, fast in both.

Threefry-2x32 (Salmon et al. 2011) is ten times faster than TensorFlow's default, Philox, inside XLA on a CPU, and does
not exist outside. Every draw is therefore a small program of its own that XLA compiles: within another program of
XLA's it dissolves, elsewhere it costs a call. Seeds are those of `rlgen.runtime.Seeds`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def uniform(shape: Sequence[int], seed: Any, low: float = 0.0, high: float = 1.0) -> Any:
    """Numbers of the shape, float32, uniform in [low, high).

    Args:
        shape: known when the program is built.
        seed: a stateless seed, int32 [2].
        low: the smallest.
        high: above the largest.
    """
    return _draw(_uniform, tuple(shape), low, high)(seed)


def normal(shape: Sequence[int], seed: Any) -> Any:
    """Standard normal numbers of the shape, float32."""
    return _draw(_normal, tuple(shape))(seed)


def gumbel(shape: Sequence[int], seed: Any) -> Any:
    """Numbers of the shape, float32, from the standard Gumbel distribution.

    The index of the largest of logits plus these is a draw from the softmax of the logits.
    """
    return _draw(_gumbel, tuple(shape))(seed)


def integers(shape: Sequence[int], seed: Any, count: Any) -> Any:
    """Whole numbers of the shape, int32, each of 0 to count - 1 alike.

    Args:
        shape: known when the program is built.
        seed: a stateless seed, int32 [2].
        count: int32 scalar, a tensor or a number, at least 1.
    """
    return _integer_draw(tuple(shape))(seed, tf.cast(count, tf.int32))


@functools.cache
def _draw(kind: Callable[..., Any], *arguments: Any) -> Any:
    return _program(functools.partial(kind, *arguments))


@functools.cache
def _integer_draw(shape: tuple[int, ...]) -> Any:
    def draw(seed: Any, count: Any) -> Any:
        return tf.random.stateless_uniform(shape, seed, 0, count, tf.int32, alg=_algorithm())

    return _program(draw, tf.TensorSpec((), tf.int32))


def _program(draw: Callable[..., Any], *more: Any) -> Any:
    return tf.function(draw, jit_compile=True, autograph=False, input_signature=[tf.TensorSpec((2,), tf.int32), *more])


def _uniform(shape: tuple[int, ...], low: float, high: float, seed: Any) -> Any:
    return tf.random.stateless_uniform(shape, seed, low, high, alg=_algorithm())


def _normal(shape: tuple[int, ...], seed: Any) -> Any:
    return tf.random.stateless_normal(shape, seed, alg=_algorithm())


def _gumbel(shape: tuple[int, ...], seed: Any) -> Any:
    return -tf.math.log(-tf.math.log(_uniform(shape, 1e-8, 1.0, seed)))


def _algorithm() -> str:
    # Run step by step, for a look inside, there is no XLA.
    return "philox" if tf.config.functions_run_eagerly() else "threefry"
