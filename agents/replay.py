"""Experience replay for environments on the host: a ring of transitions, sampled uniformly or by priority.

The ring has one lane per environment, [rows, environments], so the successor of a transition is the next
row of its lane. What a transition may be bootstrapped from is decided here, once: the returned `discount`
is zero after a termination and `discount ** steps` otherwise, so losses know neither n nor `done`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import draws
from rlgen.agents import sampling
from rlgen.agents.frame_replay import FrameRows
from rlgen.agents.trajectory import Batch, Transitions
from rlgen.spec import Spec, Stack


class WholeRows:
    """Transitions kept as they are: both observations of each; `FrameRows` keeps pictures instead.

    Attributes:
        margin: rows that are kept beyond those that may be drawn.
        kinds: what a row of each lane holds.
    """

    margin = 0

    def __init__(self, *, observation: Spec, action: Spec) -> None:
        """Say what they look like."""
        flag = Spec((), "bool")
        self.kinds = Transitions(observation, action, Spec(()), flag, flag, observation)

    @staticmethod
    def bytes_needed(*, capacity: int, observation: Spec, action: Spec) -> int:
        """Memory of so many transitions, known before it is allocated."""
        return capacity * (2 * observation.bytes + action.bytes + 4 + 2)

    def pack(self, rows: Transitions, first: int) -> Transitions:
        """Rows of environments, NumPy fields [K, N, ...], as they are kept; `first` is the number of the first."""
        return rows

    def cut(self, ring: Transitions, newest: int) -> None:
        """Keep what followed the row `newest`, whose episodes go on nowhere: it is there."""

    def fetch(self, ring: Transitions, rows: Any, lanes: Any, names: Sequence[str], *, added_rows: Any) -> Transitions:
        """The transitions at `rows`, counted since the beginning, of `lanes`; see `sampling.batch`."""
        at = tf.stack([rows % ring.reward.shape[0], lanes], -1)
        fields = ring._asdict()
        return Transitions(*(tf.gather_nd(fields[name], at) if name in names else None for name in fields))

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What there is beside the rows: nothing."""
        return {}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]], ring: Transitions, added_rows: int) -> None:
        """Take back what `state_arrays` gave."""


class Replay:
    """A ring of the last `capacity` transitions, sampled uniformly with replacement.

    Written and read by TensorFlow operations in place, outside XLA, so that its size costs nothing per call.
    A checkpoint holds only the rows that are filled.

    Attributes:
        rows: of the ring.
        capacity_rows: the newest of them, that may be drawn.
        added_rows: rows written since the beginning, int64, a variable.
    """

    def __init__(
        self,
        *,
        capacity: int,
        num_envs: int,
        observation: Spec,
        action: Spec,
        discount: float,
        n_step: int = 1,
        stack: Stack | None = None,
    ) -> None:
        """An empty ring.

        Args:
            capacity: transitions kept, of all environments together.
            num_envs: environments, each with a lane of its own.
            observation: what an observation looks like; pictures are kept as bytes.
            action: what an action looks like.
            discount: gamma.
            n_step: the most rewards that a sampled return sums.
            stack: what observations are stacked of, to be kept picture by picture; None: they are kept whole.
        """
        self.num_envs, self.discount, self.n_step = num_envs, discount, n_step
        self.capacity_rows = capacity // num_envs
        kept = {"observation": observation, "action": action}
        self._storage: WholeRows | FrameRows = (
            WholeRows(**kept)
            if stack is None
            else FrameRows(stack=stack, capacity_rows=self.capacity_rows, num_envs=num_envs, **kept)
        )
        self.rows = self.capacity_rows + self._storage.margin
        self._ring = Transitions(
            *(
                tf.Variable(tf.zeros((self.rows, num_envs, *k.shape), k.dtype), trainable=False)
                for k in self._storage.kinds
            )
        )
        self.row_bytes = sum(num_envs * kind.bytes for kind in self._storage.kinds)
        self.added_rows = tf.Variable(0, dtype=tf.int64, trainable=False)

    @staticmethod
    def bytes_needed(*, capacity: int, observation: Spec, action: Spec, stack: Stack | None = None) -> int:
        """Memory of the ring, known before it is allocated."""
        if stack is not None:
            return FrameRows.bytes_needed(stack=stack, capacity=capacity, observation=observation, action=action)
        return WholeRows.bytes_needed(capacity=capacity, observation=observation, action=action)

    def pack(self, rows: Transitions) -> Transitions:
        """Rows of environments, NumPy fields [K, N, ...], as `add` is to append them next; on the host."""
        return self._storage.pack(rows, int(self.added_rows.numpy()))

    def add(self, transitions: Transitions) -> None:
        """Append packed rows, [K, N, ...] each; K may vary from call to call."""
        count = tf.shape(transitions.reward, out_type=tf.int64)[0]
        indices = (self.added_rows + tf.range(count)) % self.rows
        for ring, rows in zip(self._ring, transitions, strict=True):
            ring.scatter_update(tf.IndexedSlices(rows, indices))
        self._added(indices)
        self.added_rows.assign_add(count)

    def sample(self, count: int, seed: Any, importance_exponent: Any = None) -> tuple[Batch, Any]:
        """`count` transitions with their n-step returns, and their indices in the ring, int64 [count]."""
        filled = tf.minimum(self.added_rows, self.capacity_rows) * self.num_envs
        ages = tf.cast(draws.integers((count,), seed, filled), tf.int64)
        oldest = tf.maximum(self.added_rows - self.capacity_rows, 0)
        rows, lanes = oldest + ages // self.num_envs, ages % self.num_envs
        indices = (rows % self.rows) * self.num_envs + lanes
        return self._gather(rows, lanes, tf.ones((count,))), indices

    def update_priorities(self, indices: Any, td_errors: Any) -> None:
        """Tell how wrong the prediction was for each sampled place; uniform replay does not care."""

    def _added(self, indices: Any) -> None:
        """Hook: rows were written at `indices`, int64 [K]."""

    def _gather(self, rows: Any, lanes: Any, weight: Any) -> Batch:
        """Batch of the transitions at absolute `rows`, int64 [B], of `lanes`, int64 [B]."""

        def fetch(rows: Any, lanes: Any, names: Sequence[str]) -> Transitions:
            return self._storage.fetch(self._ring, rows, lanes, names, added_rows=self.added_rows)

        newer = tf.cast(tf.minimum(self.added_rows - rows, self.n_step), tf.int32)
        return sampling.batch(
            fetch, rows, lanes, weight=weight, available=newer, n_step=self.n_step, discount=self.discount
        )

    def cut(self) -> None:
        """Say that the newest steps were the last of their episodes: what is stored next does not follow from them."""
        newest = int(self.added_rows.numpy()) - 1
        if newest >= 0:
            self._storage.cut(self._ring, newest)
            row = newest % self.rows
            self._ring.truncated[row].assign(self._ring.truncated[row] | ~self._ring.terminated[row])

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The filled rows, in the order of the ring, and the rest."""
        filled = int(min(self.added_rows.numpy(), self.rows))
        return {**{name: ring[:filled].numpy() for name, ring in self._ring._asdict().items()}, **self.rest_arrays()}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave."""
        for name, ring in self._ring._asdict().items():
            ring[: len(arrays[name])].assign(arrays[name])
        self.load_rest_arrays(arrays)

    def kept_rows(self) -> tuple[int, int]:
        """The numbers of the oldest row in the ring and of the next one, counted since the beginning."""
        added = int(self.added_rows.numpy())
        return max(0, added - self.rows), added

    def row_arrays(self, first: int, last: int) -> dict[str, npt.NDArray[Any]]:
        """The rows of these numbers, fields [last - first, N, ...]."""
        places = tf.range(first, last, dtype=tf.int64) % self.rows
        return {name: tf.gather(ring, places).numpy() for name, ring in self._ring._asdict().items()}

    def load_rows(self, first: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `row_arrays` gave."""
        places = (first + np.arange(len(arrays["reward"]))) % self.rows
        for name, ring in self._ring._asdict().items():
            # The raw operation: TensorFlow's method would return, and so copy, the whole ring.
            tf.raw_ops.ResourceScatterUpdate(resource=ring.handle, indices=places, updates=arrays[name])

    def rest_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What there is beside the rows."""
        return {**self._storage.state_arrays(), "added_rows": self.added_rows.numpy()}

    def load_rest_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `rest_arrays` gave, behind the rows."""
        self.added_rows.assign(arrays["added_rows"])
        self._storage.load_state_arrays(arrays, self._ring, int(self.added_rows.numpy()))


class PrioritizedReplay(Replay):
    """Proportional prioritised replay (Schaul et al. 2016): probability p**alpha / sum, p = |TD error| + epsilon.

    New transitions enter with the largest priority seen. Sampling is stratified: the i-th of B draws falls
    into the i-th part of the total. The priorities lie in a sum tree: `tree[1]` is the total, the children
    of `tree[i]` are `tree[2i]` and `tree[2i + 1]`, the leaves are the last `leaves` entries.
    """

    def __init__(self, *, priority_exponent: float, priority_epsilon: float, **ring: Any) -> None:
        super().__init__(**ring)
        self.exponent, self.epsilon = priority_exponent, priority_epsilon
        self.depth = max(1, (self.rows * self.num_envs - 1).bit_length())
        self.leaves = 2**self.depth
        self.tree = tf.Variable(tf.zeros((2 * self.leaves,)), trainable=False)
        self.largest = tf.Variable(1.0, trainable=False)

    @staticmethod
    def bytes_needed(*, capacity: int, observation: Spec, action: Spec, stack: Stack | None = None) -> int:
        """Memory of the ring and of the sum tree."""
        ring = Replay.bytes_needed(capacity=capacity, observation=observation, action=action, stack=stack)
        return ring + 2 * 4 * 2 ** max(1, (capacity - 1).bit_length())

    def probabilities(self, indices: Any) -> Any:
        """The probability of each place, float32 [B]."""
        return tf.gather(self.tree, indices + self.leaves) / tf.gather(self.tree, 1)

    def sample(self, count: int, seed: Any, importance_exponent: Any = None) -> tuple[Batch, Any]:
        """As `Replay.sample`, drawn by priority; `weight` undoes the bias as far as the exponent says."""
        indices = sampling.find(self.tree, sampling.stratified(count, seed) * tf.gather(self.tree, 1), self.depth)
        filled = tf.minimum(self.added_rows, self.capacity_rows) * self.num_envs
        # Rounding may carry a draw to a leaf that holds nothing: past the last one, or beyond those that may be drawn.
        newest_place = ((self.added_rows - 1) % self.rows) * self.num_envs
        holds = tf.gather(self.tree, indices + self.leaves) > 0
        indices = tf.where(holds, indices, newest_place)
        weight = sampling.importance_weights(self.probabilities(indices), filled, importance_exponent)
        ring_row, lanes = indices // self.num_envs, indices % self.num_envs
        newest = self.added_rows - 1
        rows = newest - (newest - ring_row) % self.rows
        return self._gather(rows, lanes, weight), indices

    def update_priorities(self, indices: Any, td_errors: Any) -> None:
        """Set the priorities of `indices`, int64 [B], to |TD error| + epsilon."""
        priority = tf.abs(td_errors) + self.epsilon
        self.largest.assign(tf.maximum(self.largest, tf.reduce_max(priority)))
        self._set(indices, tf.pow(priority, self.exponent))

    def _added(self, indices: Any) -> None:
        if self._storage.margin:
            gone = self._places((indices + self._storage.margin) % self.rows)
            self._set(gone, tf.zeros(tf.shape(gone)))
        new = self._places(indices)
        self._set(new, tf.fill(tf.shape(new), tf.pow(self.largest, self.exponent)))

    def _places(self, rows: Any) -> Any:
        """Of all lanes of rows of the ring, int64 [K], the leaves, int64 [K * N]."""
        lanes = tf.range(self.num_envs, dtype=tf.int64)
        return tf.reshape(rows[:, None] * self.num_envs + lanes[None], (-1,))

    def _set(self, indices: Any, values: Any) -> None:
        """Write leaves, then every level above them again from its children: sums never drift."""
        nodes = indices + self.leaves
        self.tree.scatter_update(tf.IndexedSlices(values, nodes))
        for _ in range(self.depth):
            nodes = nodes // 2
            sums = tf.gather(self.tree, 2 * nodes) + tf.gather(self.tree, 2 * nodes + 1)
            self.tree.scatter_update(tf.IndexedSlices(sums, nodes))

    def rest_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The ring's, and the priorities."""
        return {**super().rest_arrays(), "tree": self.tree.numpy(), "largest": self.largest.numpy()}

    def load_rest_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `rest_arrays` gave."""
        super().load_rest_arrays(arrays)
        self.tree.assign(np.asarray(arrays["tree"]))
        self.largest.assign(arrays["largest"])
