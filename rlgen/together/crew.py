"""Processes that train one run together, each on its shards, over TensorFlow's own collectives.

They find each other by `TF_CONFIG`, which the launchers of clusters know how to set. The first is the chief: it says
what comes next, and it alone writes. TensorFlow's strategy serves as a means of communication and as nothing else: all
variables are made outside its scope, so Keras never meets one that is distributed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from rlgen.errors import CrewLost, UserError, first_line

VARIABLE = "TF_CONFIG"
# Exchanges by which one is timed.
MEASURED = 20


class Crew:
    """This process and the others.

    Attributes:
        rank: the number of this one; 0 is the chief.
        size: how many there are.
        numbers: of each exchange in the programs that were traced, how many go round.
    """

    def __init__(self, *, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size, self.numbers = rank, size, list[int]()

    def total(self, numbers: Any) -> Any:
        """The sum over all processes, of as many float32 each; inside a program that XLA does not compile."""
        return numbers


class Joined(Crew):
    """A crew of several processes; each of them has to make the same calls in the same order.

    Attributes:
        whole: whether all are there and wait for the chief.
    """

    def __init__(self, addresses: Sequence[str], rank: int) -> None:
        """Wait until all are there.

        Args:
            addresses: host:port of each.
            rank: which of them this process is.

        Raises:
            CrewLost: some are not.
            UserError: TensorFlow has computed in this process already.
        """
        import tensorflow as tf

        super().__init__(rank=rank, size=len(addresses))
        self.whole = True
        task = {"type": "worker", "index": rank}
        os.environ[VARIABLE] = json.dumps({"cluster": {"worker": list(addresses)}, "task": task})
        communication = tf.distribute.experimental
        self._options = communication.CommunicationOptions(
            implementation=communication.CommunicationImplementation.RING
        )
        try:
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=self._options)
        except RuntimeError as error:
            raise UserError(
                f"TensorFlow has computed in this process before it could join others: {error} Start a new one."
            ) from error
        except tf.errors.OpError as error:
            raise CrewLost(f"Not all of the {self.size} processes came: {first_line(error)}") from error
        self._added = tf.function(self._add, autograph=False)
        self._done = tf.Variable(0, dtype=tf.int64, trainable=False)

    def total(self, numbers: Any) -> Any:
        """As the base says."""
        self.numbers.append(int(numbers.shape[0]))
        self._done.assign_add(1)
        return self._add(numbers)

    def exchanges(self) -> int:
        """How often programs have gone through `total`."""
        return int(self._done.numpy())

    def measured_seconds(self) -> float:
        """What one of these takes, with nothing else done meanwhile; all have to measure at once."""
        import tensorflow as tf

        taken = []
        for count in sorted(set(self.numbers)):
            flat = tf.zeros((count,))

            def once(i: Any, flat: Any) -> Any:
                return i + 1, self._add(flat) / self.size

            loop = tf.function(
                lambda flat, once=once: tf.while_loop(
                    lambda i, _: i < MEASURED, once, (0, flat), parallel_iterations=1
                )[1],
                autograph=False,
            )
            loop(flat)
            start = time.perf_counter()
            loop(flat)
            taken += [(time.perf_counter() - start) / MEASURED] * self.numbers.count(count)
        return sum(taken) / len(taken)

    def share(self, data: bytes | None) -> bytes:
        """What the chief says, everywhere; the others say None."""
        return self._table([data] if self.rank == 0 else [None])[0]

    def gather(self, data: bytes) -> list[bytes]:
        """What each of them says, everywhere, by rank."""
        return self._table([data if rank == self.rank else None for rank in range(self.size)])

    def _table(self, rows: Sequence[bytes | None]) -> list[bytes]:
        """Rows that one process knows each of, made known to all; a sum, where nobody else has anything to add."""
        import numpy as np

        lengths = [int(n) for n in self._sum(np.array([0 if row is None else len(row) for row in rows], np.int32))]
        # Few different sizes: each is a program of its own.
        width = 1 << (max(1, *lengths, 4 * len(rows)) - 1).bit_length()
        table = np.zeros((len(rows), width), np.uint8)
        for place, row in zip(table, rows, strict=True):
            if row is not None:
                place[: len(row)] = np.frombuffer(row, np.uint8)
        whole = self._sum(table.view(np.int32).reshape(-1)).view(np.uint8).reshape(len(rows), width)
        return [place[:length].tobytes() for place, length in zip(whole, lengths, strict=True)]

    def _sum(self, numbers: Any) -> Any:
        import tensorflow as tf

        return self._added(tf.constant(numbers)).numpy()

    def _add(self, numbers: Any) -> Any:
        import tensorflow as tf

        def one(x: Any) -> Any:
            # A copy has a device, and one without is refused.
            return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(x), options=self._options)

        return self._strategy.run(one, (numbers,))


_crew = Crew()


def now() -> Crew:
    """The crew that this process belongs to; one of itself alone unless it has joined others."""
    return _crew


def join(addresses: Sequence[str], rank: int) -> Joined:
    """Belong to a crew from now on; arguments and errors are those of `Joined`."""
    global _crew
    _crew = joined = Joined(addresses, rank)
    return joined


def is_loss(error: BaseException) -> CrewLost | None:
    """What is to be said of an error, where it is that of an exchange; None where it is another one."""
    if isinstance(error, CrewLost):
        return error
    if now().size == 1:
        return None
    import tensorflow as tf

    gone = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    )
    if isinstance(error, gone) or (isinstance(error, tf.errors.InternalError) and "ollective" in str(error)):
        return CrewLost(f"Another of the {now().size} processes is gone: {first_line(error)}")
    return None


def leave(code: int) -> None:
    """End this process at once: TensorFlow's own way out would wait for others, which may be gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def asked() -> tuple[list[str], int] | None:
    """The addresses and the rank in `TF_CONFIG`; None where it is not set.

    Raises:
        UserError: it is no description of several workers.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        row = json.loads(text)
        workers, task = row["cluster"]["worker"], row["task"]
        index = int(task["index"])
        if task["type"] != "worker" or not isinstance(workers, list) or not 0 <= index < len(workers):
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"TF_CONFIG={text} does not describe workers: it has to be like "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}.'
        ) from error
    return workers, index
