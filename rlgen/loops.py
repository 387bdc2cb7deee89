"""Repeating a step in one compiled program, and how a program is compiled.

Here and nowhere else is decided whether XLA compiles and in which precision a network computes. Measured on CPUs:
XLA makes dense networks several times faster, for it takes the cost of a call away; convolutions it makes slower by
a third, and oneDNN, which TensorFlow uses without it, is better at them. bfloat16 pays for convolutions alone, because
XLA uses no units for it, and where the processor has some: by how much is measured at start (`rlgen.half_precision`).
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from rlgen import half_precision, state
from rlgen.together import crew

Precision = Literal["auto", "float32", "bfloat16"]
ROOM = 63


@dataclass(frozen=True)
class Compute:
    """How a network computes on this machine.

    Attributes:
        xla: whether XLA compiles the program.
        dtype: Keras' dtype policy of the layers: "float32", or "mixed_bfloat16" with weights in float32.
        exchanges: whether it would, but for exchanges with other processes, which it cannot compile.
    """

    xla: bool = True
    dtype: str = "float32"
    exchanges: bool = False

    @property
    def precision(self) -> Literal["float32", "bfloat16"]:
        """The type that layers compute in."""
        return "bfloat16" if self.dtype == "mixed_bfloat16" else "float32"


def choose(*, convolutional: bool, precision: Precision = "auto") -> Compute:
    """How to compute, from what the network is made of and what the machine has.

    Args:
        convolutional: whether most of the work is in convolutions.
        precision: "auto" takes bfloat16 for convolutions on a processor that is faster with it.
    """
    accelerated = bool(tf.config.list_physical_devices("GPU"))
    if precision == "auto":
        precision = "bfloat16" if convolutional and not accelerated and half_precision.pays() else "float32"
    dtype = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    xla, exchanges = accelerated or not convolutional, crew.now().size > 1
    return Compute(xla=xla and not exchanges, dtype=dtype, exchanges=xla and exchanges)


def chosen(compute: Compute, precision: Precision) -> dict[str, Any]:
    """The field `precision` as it was chosen, where a configuration leaves it open."""
    return {"precision": compute.precision} if precision == "auto" else {}


def program(
    function: Callable[..., Any],
    *,
    compute: Compute | None = None,
    signature: Sequence[Any] | None = None,
    lengths_vary: bool = False,
) -> Callable[..., Any]:
    """`function`, compiled. Arguments have to be tensors: a Python number would be compiled anew for each value.

    Args:
        function: of tensors.
        compute: how; None: without XLA, for what calls programs and does what XLA cannot.
        signature: `tf.TensorSpec` of each argument.
        lengths_vary: the arguments come in many shapes; compile once for all of them.
    """
    xla = compute is not None and compute.xla

    @functools.wraps(function)
    def traced(*arguments: Any) -> Any:
        with _within(xla):
            return function(*arguments)

    compiled = tf.function(
        traced,
        jit_compile=True if xla else None,
        autograph=False,
        input_signature=signature,
        reduce_retracing=lengths_vary,
    )

    def call(*arguments: Any) -> Any:
        results = compiled(*arguments)
        # Variables may have other values now; what was made of the old ones is stale.
        state.touch()
        return results

    call.traces = compiled.experimental_get_tracing_count  # type: ignore[attr-defined]
    return call


# Whether XLA compiles the innermost of the programs that are being traced; None: none is.
_compiled: contextvars.ContextVar[bool | None] = contextvars.ContextVar("compiled", default=None)


@contextlib.contextmanager
def _within(xla: bool) -> Iterator[None]:
    before = _compiled.set(xla)
    try:
        yield
    finally:
        _compiled.reset(before)


def elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of tensors, for use inside a program, compiled by XLA where the program around it is not.

    For arithmetic on large arrays number by number, and for moving them: TensorFlow goes through memory once for each
    operation, XLA once for all of them.
    """
    wanted = _compiled.get() is False and not tf.executing_eagerly()
    return tf.function(function, jit_compile=True, autograph=False) if wanted else function


def between_exchanges(function: Callable[..., Any], compute: Compute) -> Callable[..., Any]:
    """`function` of tensors, a part of a program without exchanges; compiled by XLA where they alone prevent that."""
    return tf.function(function, jit_compile=True, autograph=False) if compute.exchanges else function


class Tally:
    """Sums of scalars by name inside a compiled program, and how often something was added.

    A loop's variables have to be known before its first step, and the names are known after it: the sums are a
    vector with room for `ROOM` of them, and the names are noted when the step is traced.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] | None = None

    def nothing(self) -> Any:
        """The sums before anything was added, float32 [ROOM + 1]."""
        return tf.zeros((ROOM + 1,))

    def of(self, scalars: Mapping[str, Any]) -> Any:
        """One step's scalars, to be added to the sums.

        Raises:
            ValueError: another step had other names, there are more than `ROOM`, or one is no scalar.
        """
        if self._names is None:
            self._names = tuple(scalars)
        if set(self._names) != set(scalars) or len(scalars) > ROOM:
            raise ValueError(
                f"Every step of a loop has to return the same scalars, at most {ROOM}: this one returns "
                f"{', '.join(scalars)}, another one {', '.join(self._names)}."
            )
        values = [tf.cast(scalars[name], tf.float32) for name in self._names]
        for name, value in zip(self._names, values, strict=True):
            if value.shape.rank:
                raise ValueError(
                    f"'{name}' is a scalar for TensorBoard, not {value.shape}: return its mean, for instance."
                )
        return tf.concat([tf.stack([*values, tf.ones(())]), tf.zeros((ROOM - len(values),))], 0)

    def mean_tensors(self, sums: Any) -> dict[str, Any]:
        """The mean of each scalar over what was added, inside a program, after at least one step was traced."""
        assert self._names is not None, "nothing was added yet"
        count = tf.maximum(sums[len(self._names)], 1.0)
        return {name: sums[i] / count for i, name in enumerate(self._names)}

    def means(self, sums: Any) -> dict[str, float]:
        """The mean of each scalar over all that was added; nothing where nothing was."""
        numbers = np.asarray(sums, np.float64)
        if self._names is None or not numbers[len(self._names)]:
            return {}
        count = numbers[len(self._names)]
        return {name: float(number / count) for name, number in zip(self._names, numbers, strict=False)}


def mean_scalars(found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The mean of each scalar over the shards that have found them."""
    if len(found) == 1:
        return found[0]
    return {name: tf.add_n([tf.cast(one[name], tf.float32) for one in found]) / len(found) for name in found[0]}


def repeat(
    step: Callable[[Any, Any], tuple[Mapping[str, Any], Any]],
    count: Any,
    tally: Tally,
    carry: Any = (),
    *,
    at_most: int | None = None,
) -> Any:
    """`count` steps one after another; for use inside a program.

    Args:
        step: (number of the step from 0, int32; carry) to (scalars by name, carry).
        count: how many, int32 scalar.
        tally: adds the scalars up.
        carry: tensors, in any nesting, that one step hands to the next.
        at_most: a bound of `count`, which XLA wants to know where the carry has a `tf.TensorArray`.

    Returns:
        (the tally's sums, the last carry).
    """

    def body(i: Any, sums: Any, carry: Any) -> Any:
        scalars, carry = step(i, carry)
        return i + 1, sums + tally.of(scalars), carry

    # One at a time: what a step writes, the next one reads.
    _, sums, carry = tf.while_loop(
        lambda i, *_: i < count,
        body,
        (tf.constant(0), tally.nothing(), carry),
        maximum_iterations=at_most,
        parallel_iterations=1,
    )
    return sums, carry


def put(whole: Any, part: Any, first: Any) -> Any:
    """`whole` with `part` from the index `first` of its first axis on; in a loop of XLA's in place.

    Args:
        whole: [R, ...].
        part: [K, ...], of the same type; first + K <= R.
        first: int32 scalar.
    """
    if tf.config.functions_run_eagerly():
        places = first + tf.range(part.shape[0])
        return tf.tensor_scatter_nd_update(whole, places[:, None], part)
    from tensorflow.compiler.tf2xla.ops import gen_xla_ops

    start = tf.concat([tf.reshape(first, (1,)), tf.zeros((len(whole.shape) - 1,), tf.int32)], 0)
    return gen_xla_ops.xla_dynamic_update_slice(whole, part, start)
