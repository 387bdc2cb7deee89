"""Experience replay inside a compiled loop: the ring is a value that the loop carries, and XLA changes it in place.

It is copied once a call of the program, not once a step. A transition is one row of float32 columns, so that a step
is stored by one write and a batch fetched by one gather.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import draws, loops
from rlgen.agents import sampling
from rlgen.agents.columns import Columns
from rlgen.agents.trajectory import Batch, Transitions
from rlgen.spec import Spec


class Ring(NamedTuple):
    """What the loop carries.

    Attributes:
        rows: float32 [rows, N, columns].
        added_rows: rows written since the beginning, int32 scalar.
        tree: the sum tree of the priorities, float32 [2 * leaves]; empty without priorities.
        largest: the largest priority so far, float32 scalar.
    """

    rows: Any
    added_rows: Any
    tree: Any
    largest: Any


class LoopReplay:
    """A ring of the last `capacity` transitions, sampled uniformly with replacement.

    Its methods are pure: they take a `Ring` and return another.
    """

    def __init__(
        self, *, capacity: int, num_envs: int, observation: Spec, action: Spec, discount: float, n_step: int = 1
    ) -> None:
        """An empty ring.

        Args:
            capacity: transitions kept, of all environments together.
            num_envs: environments, each with a lane of its own.
            observation: what an observation looks like.
            action: what an action looks like.
            discount: gamma.
            n_step: the most rewards that a sampled return sums.
        """
        self.num_envs, self.discount, self.n_step = num_envs, discount, n_step
        self.capacity_rows = capacity // num_envs
        flag, number = Spec((), "bool"), Spec(())
        self._columns = Columns(Transitions(observation, action, number, flag, flag, observation))
        self._rows = tf.Variable(tf.zeros((self.capacity_rows, num_envs, self._columns.width)), trainable=False)
        self._added_rows = tf.Variable(0, trainable=False)
        self._tree = tf.Variable(tf.zeros((self.tree_size(),)), trainable=False)
        self._largest = tf.Variable(1.0, trainable=False)

    @classmethod
    def bytes_needed(cls, *, capacity: int, observation: Spec, action: Spec) -> int:
        """Memory of the ring; the copy that the loop works on takes as much again."""
        return 4 * capacity * (2 * observation.size + action.size + 3)

    def tree_size(self) -> int:
        """Numbers in the sum tree."""
        return 0

    def read(self) -> Ring:
        """The ring as a loop begins with it."""
        return Ring(*(variable.read_value() for variable in self._variables))

    def keep(self, ring: Ring) -> None:
        """The ring as a loop ended with it."""
        for variable, value in zip(self._variables, ring, strict=True):
            variable.assign(value)

    def write(self, ring: Ring, step: Transitions) -> Ring:
        """The ring with one step of every environment, fields [N, ...], after its newest."""
        columns = self._columns.pack(step, (1, self.num_envs))
        rows = loops.put(ring.rows, columns, ring.added_rows % self.capacity_rows)
        return ring._replace(rows=rows, added_rows=ring.added_rows + 1)

    def sample(self, ring: Ring, count: int, seed: Any, importance_exponent: Any) -> tuple[Batch, Any]:
        """`count` transitions with their n-step returns, and their indices in the ring, int32 [count]."""
        filled = tf.minimum(ring.added_rows, self.capacity_rows) * self.num_envs
        ages = draws.integers((count,), seed, filled)
        oldest = tf.maximum(ring.added_rows - self.capacity_rows, 0)
        rows, lanes = oldest + ages // self.num_envs, ages % self.num_envs
        indices = (rows % self.capacity_rows) * self.num_envs + lanes
        return self._gather(ring, rows, lanes, tf.ones((count,))), indices

    def update_priorities(self, ring: Ring, indices: Any, td_errors: Any) -> Ring:
        """The ring that knows how wrong the prediction was for each sampled index; a uniform one does not care."""
        return ring

    def _gather(self, ring: Ring, rows: Any, lanes: Any, weight: Any) -> Batch:
        table = tf.reshape(ring.rows, (self.capacity_rows * self.num_envs, self._columns.width))

        def fetch(rows: Any, lanes: Any, names: Sequence[str]) -> Transitions:
            found = tf.gather(table, (rows % self.capacity_rows) * self.num_envs + lanes)
            return Transitions(*self._columns.unpack(found))

        newer = tf.minimum(ring.added_rows - rows, self.n_step)
        return sampling.batch(
            fetch, rows, lanes, weight=weight, available=newer, n_step=self.n_step, discount=self.discount
        )

    @property
    def _variables(self) -> Ring:
        return Ring(self._rows, self._added_rows, self._tree, self._largest)

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The filled rows, field by field, and the counter."""
        filled = int(min(self._added_rows.numpy(), self.capacity_rows))
        fields = zip(Transitions._fields, self._columns.unpack(self._rows[:filled]), strict=True)
        return {**{name: field.numpy() for name, field in fields}, "added_rows": self._added_rows.numpy()}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave."""
        filled = len(arrays["reward"])
        fields = [arrays[name] for name in Transitions._fields]
        self._rows[:filled].assign(self._columns.pack(fields, (filled, self.num_envs)))
        self._added_rows.assign(arrays["added_rows"])


class PrioritizedLoopReplay(LoopReplay):
    """Proportional prioritised replay (Schaul et al. 2016): probability p**alpha / sum, p = |TD error| + epsilon.

    As `rlgen.agents.replay.PrioritizedReplay`, for a loop.
    """

    def __init__(self, *, priority_exponent: float, priority_epsilon: float, **ring: Any) -> None:
        self.exponent, self.epsilon = priority_exponent, priority_epsilon
        self._depth = _depth(ring["capacity"] // ring["num_envs"] * ring["num_envs"])
        super().__init__(**ring)

    @classmethod
    def bytes_needed(cls, *, capacity: int, observation: Spec, action: Spec) -> int:
        """Memory of ring and sum tree."""
        ring = LoopReplay.bytes_needed(capacity=capacity, observation=observation, action=action)
        return ring + 4 * 2 * 2 ** _depth(capacity)

    def tree_size(self) -> int:
        """Two numbers for each leaf."""
        return int(2 * 2**self._depth)

    def write(self, ring: Ring, step: Transitions) -> Ring:
        """As the base; what is new enters with the largest priority seen."""
        first = (ring.added_rows % self.capacity_rows) * self.num_envs
        new = tf.fill((self.num_envs,), tf.pow(ring.largest, self.exponent))
        return self._set(super().write(ring, step), first + tf.range(self.num_envs), new)

    def sample(self, ring: Ring, count: int, seed: Any, importance_exponent: Any) -> tuple[Batch, Any]:
        """As the base, drawn by priority; `weight` undoes the bias as far as the exponent says."""
        mass = sampling.stratified(count, seed) * ring.tree[1]
        filled = tf.minimum(ring.added_rows, self.capacity_rows) * self.num_envs
        # Rounding may carry a draw past the last filled leaf.
        indices = tf.minimum(tf.cast(sampling.find(ring.tree, mass, self._depth), tf.int32), filled - 1)
        probability = tf.gather(ring.tree, indices + 2**self._depth) / ring.tree[1]
        weight = sampling.importance_weights(probability, filled, importance_exponent)
        newest = ring.added_rows - 1
        rows = newest - (newest - indices // self.num_envs) % self.capacity_rows
        return self._gather(ring, rows, indices % self.num_envs, weight), indices

    def update_priorities(self, ring: Ring, indices: Any, td_errors: Any) -> Ring:
        """The ring with the priorities of `indices` at |TD error| + epsilon."""
        priority = tf.abs(td_errors) + self.epsilon
        ring = ring._replace(largest=tf.maximum(ring.largest, tf.reduce_max(priority)))
        return self._set(ring, indices, tf.pow(priority, self.exponent))

    def _set(self, ring: Ring, indices: Any, values: Any) -> Ring:
        """Leaves written, then every level above them again from its children: sums never drift."""
        nodes = indices + 2**self._depth
        tree = tf.tensor_scatter_nd_update(ring.tree, nodes[:, None], values)
        for _ in range(self._depth):
            nodes = nodes // 2
            sums = tf.gather(tree, 2 * nodes) + tf.gather(tree, 2 * nodes + 1)
            tree = tf.tensor_scatter_nd_update(tree, nodes[:, None], sums)
        return ring._replace(tree=tree)

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The ring's, and the priorities."""
        return {**super().state_arrays(), "tree": self._tree.numpy(), "largest": self._largest.numpy()}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave."""
        super().load_state_arrays(arrays)
        self._tree.assign(np.asarray(arrays["tree"]))
        self._largest.assign(arrays["largest"])


def _depth(leaves: int) -> int:
    """Levels of a tree with at least so many leaves, at least 1."""
    return max(1, (leaves - 1).bit_length())
