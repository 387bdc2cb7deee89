"""Whether convolutions are faster in bfloat16 than in float32 here: what the processor says, and a short measurement.

That a processor has units for bfloat16 does not say how much faster they are: AMX multiplies matrices several times as
fast as AVX-512 does in float32. With AVX512_BF16 alone the passes that are measured here take 6.5 milliseconds of the
processor instead of 8.0 (of six processes on a busy machine each found 1.20 to 1.30 times), and an update of DQN on a
batch of 32 of Atari's pictures, Adam and the target network included, 16.5 instead of 20.6: it pays there too.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

Dtype = Literal["float32", "bfloat16"]

UNITS = ("amx_bf16", "avx512_bf16")
# Less would not be worth the digits, and might be another answer next time.
WORTH = 1.1
ROUNDS = 6
# Batch and pixels of Atari's pictures; filters [height, width, in, out] and strides of the network that plays it.
BATCH, PICTURE = 32, (84, 84, 4)
FILTERS = (((8, 8, 4, 32), 4), ((4, 4, 32, 64), 2), ((3, 3, 64, 64), 1))


@functools.cache
def pays() -> bool:
    """Whether convolutions are to be in bfloat16; asked and measured once in a process, in less than half a second."""
    if not units(Path("/proc/cpuinfo")):
        return False
    seconds = measured()
    return seconds["float32"] > WORTH * seconds["bfloat16"]


def units(file: Path) -> tuple[str, ...]:
    """The units for bfloat16 that the processor has, by what Linux says of it in `file`."""
    words = set(file.read_text().split()) if file.exists() else set()
    return tuple(unit for unit in UNITS if unit in words)


def measured(rounds: int = ROUNDS) -> dict[Dtype, float]:
    """Seconds of the processor for a forward and a backward pass in either type, the least of some rounds.

    Types take turns, and the time is that of this process alone: the machine may be busy with something else.
    """
    passes = {dtype: _pass(dtype) for dtype in ("float32", "bfloat16")}
    seconds = dict.fromkeys(passes, np.inf)
    for number in range(rounds + 1):
        for dtype, once in passes.items():
            start = time.process_time()
            once()
            if number:  # The first one compiles.
                seconds[dtype] = min(seconds[dtype], time.process_time() - start)
    return seconds  # type: ignore[return-value]


def _pass(dtype: str) -> Callable[[], Any]:
    """A forward and a backward pass of the convolutions of Mnih et al. (2015), their weights kept in float32."""
    generator = np.random.default_rng(0)
    x = tf.constant(generator.integers(0, 256, (BATCH, *PICTURE), np.uint8))
    kernels = [tf.constant(generator.normal(0, 0.05, shape), tf.float32) for shape, _ in FILTERS]

    def both() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(kernels)
            y = tf.cast(x, dtype) / 255
            for kernel, (_, stride) in zip(kernels, FILTERS, strict=True):
                y = tf.nn.relu(tf.nn.conv2d(y, tf.cast(kernel, dtype), stride, "VALID"))
            loss = tf.reduce_mean(tf.cast(y, tf.float32))
        return tape.gradient(loss, kernels)

    program = tf.function(both, autograph=False)
    return lambda: [gradient.numpy() for gradient in program()]
