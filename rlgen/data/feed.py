"""The feed: which examples an update sees, as a function of the run's seed and the update's number alone.

Data that fit are on the device, and the training program picks its batches there. Data that do not stay on the
host, and chunks of batches are handed to the program. Both give the same batches, and a run that was stopped
goes on with the batch that would have come next, in the middle of an epoch too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops
from rlgen.data import Arrays, scaled
from rlgen.data.augment import Augmentation, augmented
from rlgen.data.draws import Draws
from rlgen.together import shards as sharding

Order = Literal["epochs", "replacement"]

# Purposes of the feed's draws.
EPOCH, REPLACEMENT, AUGMENT = "epoch_order", "real", "augment"
PURPOSES = (EPOCH, REPLACEMENT, AUGMENT)

DEVICE_LIMIT_BYTES = 1_000_000_000
CHUNK_BYTES = 64_000_000


class Batch(NamedTuple):
    """What one step learns from: examples `x`, [size, *shape], and targets `y`; None where there are none."""

    x: Any
    y: Any = None


class Feed:
    """Batches of one size out of arrays, or of each the shards that this process has.

    Attributes:
        size: examples in a batch.
        per_epoch: batches in an epoch; what does not fill another one waits for the next epoch.
        streamed: whether the data stay on the host.
        signature: `tf.TensorSpec`s of a chunk, behind the number of steps.
    """

    def __init__(
        self,
        arrays: Arrays,
        *,
        size: int,
        draws: Draws,
        compute: loops.Compute,
        order: Order = "epochs",
        augment: Sequence[Augmentation] = (),
        shards: int = 1,
        device_limit_bytes: int = DEVICE_LIMIT_BYTES,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        """Put the data where they will be read.

        Args:
            arrays: the training examples, at least `size` of them; bytes stay bytes until they are in a batch.
            size: examples in a batch.
            draws: with the `PURPOSES` among its own.
            compute: how the program computes that takes the batches.
            order: "epochs", each a new permutation of all examples, or "replacement", every one drawn by itself.
            augment: names of augmentations.
            shards: equal parts of a batch.
            device_limit_bytes: data of more bytes are streamed.
            chunk_bytes: of batches handed over at once, about.
        """
        self.size, self.per_epoch = size, len(arrays) // size
        self._count, self._draws, self._order, self._augment = len(arrays), draws, order, tuple(augment)
        mine = sharding.mine(shards)
        self._first, self._mine, self._parts = mine.start * (size // shards), size // shards * len(mine), len(mine)
        columns = [column for column in (arrays.x, arrays.y) if column is not None]
        self.nbytes = sum(column.nbytes for column in columns)
        self.streamed = self.nbytes > device_limit_bytes
        one = self.nbytes // len(arrays) * self._mine
        self._chunk = max(1, min(chunk_bytes // max(1, one), 1000))
        # Variables on the device: other data of the same size may take their place without a new program.
        self._columns: list[Any] = columns
        if not self.streamed:
            self._columns = [tf.Variable(column, trainable=False) for column in columns]
        self.signature = [
            tf.TensorSpec((self._chunk, self._mine, *column.shape[1:]), column.dtype)
            for column in columns
            if self.streamed
        ]
        counter = [tf.TensorSpec((), tf.int64)]
        self._host_order = loops.program(self._epoch_order, compute=compute, signature=counter)
        self._host_rows = loops.program(self._drawn, compute=compute, signature=counter)

    def replace(self, arrays: Arrays) -> None:
        """Go on with other examples, of the same number, shape and type.

        Raises:
            ValueError: they are not.
        """
        columns = [column for column in (arrays.x, arrays.y) if column is not None]
        for place, column in enumerate(columns):
            if self._columns[place].shape != column.shape:
                raise ValueError(f"{column.shape} cannot take the place of {self._columns[place].shape}")
            if self.streamed:
                self._columns[place] = column
            else:
                self._columns[place].assign(column)

    # Inside the program.

    def start(self, update: Any) -> Any:
        """What the first step is handed: the order of the epoch that `update` lies in, int32 [examples]."""
        if self.streamed or self._order == "replacement":
            return ()
        return self._epoch_order(update // self.per_epoch)

    def rows(self, i: Any, update: Any, carry: Any, chunk: Sequence[Any]) -> tuple[list[Batch], Any]:
        """The batch of `update` as the data are, in its shards, and what the next step is handed.

        Args:
            i: the step's number in the chunk.
            update: the step's number in the run, int64.
            carry: from `start` or the step before.
            chunk: the tensors of `chunks`.
        """
        if self.streamed:
            columns = [tf.gather(column, i) for column in chunk]
        else:
            rows, carry = self._rows(update, carry)
            columns = [tf.gather(column, rows) for column in self._columns]
        parts = [tf.split(column, self._parts) if self._parts > 1 else [column] for column in columns]
        return [Batch(*part) for part in zip(*parts, strict=True)], carry

    def batch(self, rows: Batch, update: Any) -> Batch:
        """A shard of `rows`, scaled and augmented."""
        x, y = (*(scaled(column) for column in rows if column is not None), None)[:2]
        if self._augment:
            seed = self._draws.seed(AUGMENT, update)
            x, y = augmented(x, y, seed, self._augment)
        return Batch(x, y)

    def _rows(self, update: Any, order: Any) -> tuple[Any, Any]:
        if self._order == "replacement":
            return tf.slice(self._drawn(update), [self._first], [self._mine]), order
        place = update % self.per_epoch
        # A place in the middle of an epoch keeps the order; sorting at every step would cost more than learning.
        order = tf.cond(place == 0, lambda: self._epoch_order(update // self.per_epoch), lambda: order)
        return tf.slice(order, [tf.cast(place, tf.int32) * self.size + self._first], [self._mine]), order

    def _epoch_order(self, epoch: Any) -> Any:
        return self._draws.permutation(EPOCH, epoch, self._count)

    def _drawn(self, update: Any) -> Any:
        return self._draws.whole(REPLACEMENT, update, (self.size,), self._count)

    # On the host.

    def chunks(self, update: int, steps: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """(number of steps, tensors for them) until `steps` are covered; a single one without tensors on the device.

        Args:
            update: the number of the first one in the run.
            steps: how many in all.
        """
        if not self.streamed:
            yield steps, ()
            return
        rows = self._row_stream(update)
        for done in range(0, steps, self._chunk):
            count = min(self._chunk, steps - done)
            chosen = np.stack([next(rows)[self._first : self._first + self._mine] for _ in range(count)])
            yield count, tuple(tf.constant(self._padded(column[chosen])) for column in self._columns)

    def _padded(self, batches: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The program takes chunks of one length; what a short one lacks is never read."""
        if len(batches) == self._chunk:
            return batches
        whole = np.zeros((self._chunk, *batches.shape[1:]), batches.dtype)
        whole[: len(batches)] = batches
        return whole

    def _row_stream(self, update: int) -> Iterator[npt.NDArray[np.int32]]:
        """The rows of each batch from `update` on, without an end."""
        order, of = None, -1
        while True:
            if self._order == "replacement":
                yield self._host_rows(tf.constant(update, tf.int64)).numpy()
            else:
                epoch, place = divmod(update, self.per_epoch)
                if epoch != of:
                    order, of = self._host_order(tf.constant(epoch, tf.int64)).numpy(), epoch
                assert order is not None
                yield order[place * self.size : (place + 1) * self.size]
            update += 1
