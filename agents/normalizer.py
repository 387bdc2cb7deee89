"""Running mean and variance, inside the training program and part of the checkpoint."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen.together import shards


class RunningMoments:
    """Mean and variance of all that was ever fed, as Chan, Golub and LeVeque (1979) merge batches.

    Only training feeds it; evaluation reads it as it stands.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.mean = tf.Variable(tf.zeros(shape), trainable=False)
        self.variance = tf.Variable(tf.ones(shape), trainable=False)
        self.count = tf.Variable(0.0, trainable=False)

    def feed(self, batch: Any) -> None:
        """Take in `batch`, float32 [..., *shape]."""
        shape = self.mean.shape
        rows = tf.reshape(batch, (-1, *shape))
        size = tf.cast(tf.shape(rows)[0] * shards.together(), tf.float32)
        mean, variance = tf.nn.moments(rows, 0)
        total = self.count + size
        delta = mean - self.mean
        if shards.together() == 1:
            self._merge(delta, variance, size, total)
        else:
            shards.once(
                lambda delta, squares: self._merge(delta, squares - delta**2, size, total),
                [delta, variance + delta**2],
            )

    def _merge(self, delta: Any, variance: Any, size: Any, total: Any) -> None:
        """Take in so many, of this variance, whose mean is off by `delta`."""
        squares = self.variance * self.count + variance * size + delta**2 * self.count * size / total
        self.mean.assign_add(delta * size / total)
        self.variance.assign(squares / total)
        self.count.assign(total)

    def normalize(self, x: Any, *, clip: float = 10.0) -> Any:
        """`x` with the mean taken off and the deviation divided out, within +-`clip`.

        Of Keras' symbolic tensors, both as they are now.
        """
        if isinstance(x, keras.KerasTensor):
            return keras.ops.clip((x - self.mean.numpy()) / np.sqrt(self.variance.numpy() + 1e-8), -clip, clip)
        return tf.clip_by_value((x - self.mean) / tf.sqrt(self.variance + 1e-8), -clip, clip)

    def numpy_normalize(self, x: npt.NDArray[Any], *, clip: float = 10.0) -> npt.NDArray[np.float32]:
        """The same in NumPy."""
        scaled = (x - self.mean.numpy()) / np.sqrt(self.variance.numpy() + 1e-8)
        return np.clip(scaled, -clip, clip).astype(np.float32)

    def state(self) -> dict[str, Any]:
        """Its three numbers."""
        return {"mean": self.mean, "variance": self.variance, "count": self.count}
