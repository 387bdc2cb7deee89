"""Experience replay: a ring of transitions, n-step returns when sampling, and prioritised sampling.

The ring has one lane per environment, [rows, environments], so the successor of a transition is the next
row of its lane. What a transition may be bootstrapped from is decided here, once: the returned `discount`
is zero after a termination and `discount ** steps` otherwise, so losses know neither n nor `done`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf


class Transitions(NamedTuple):
    """Steps of N environments in order, each field [K, N, ...].

    `next_observation` is the true successor, also where an episode ended; `action` int32 or float32.
    """

    observation: Any
    action: Any
    reward: Any
    terminated: Any
    truncated: Any
    next_observation: Any


def as_learned(rows: Transitions, *, reward_scale: float, time_limits_terminate: bool) -> Transitions:
    """`rows` as an agent is to learn from them: rewards scaled, truncations made terminations if so wished."""
    if reward_scale != 1:
        rows = rows._replace(reward=reward_scale * rows.reward)
    if time_limits_terminate:
        ended = rows.terminated | rows.truncated
        rows = rows._replace(terminated=ended, truncated=tf.zeros_like(ended))
    return rows


class Batch(NamedTuple):
    """What an update learns from, each field [..., B, ...]: return and discount of up to n steps.

    `discount` is what the value of `next_observation` is multiplied by; `weight` the importance weight.
    """

    observation: Any
    action: Any
    reward: Any
    discount: Any
    next_observation: Any
    weight: Any


def n_step_return(reward: Any, terminated: Any, truncated: Any, available: Any, *, discount: float) -> Any:
    """Sum up to n rewards, stopping at an episode's end and at the newest transition.

    Args:
        reward: float32 [B, n], of the transitions from the sampled one onward.
        terminated: bool [B, n].
        truncated: bool [B, n].
        available: int32 [B], how many of the n are in the ring and newer than the sampled one, itself counted.
        discount: gamma.

    Returns:
        (n-step return [B], steps taken m, int32 [B], discount of the bootstrap value [B]):
        gamma**m, and 0 where the m-th transition terminated.
    """
    n = reward.shape[1]
    going_on = 1.0 - tf.cast(terminated | truncated, tf.float32)
    reached = tf.math.cumprod(going_on, axis=1, exclusive=True)
    used = reached * tf.cast(tf.range(n)[None] < available[:, None], tf.float32)
    gammas = tf.constant([discount**k for k in range(n)], tf.float32)
    steps = tf.cast(tf.reduce_sum(used, 1), tf.int32)
    ended = tf.gather(tf.cast(terminated, tf.float32), steps - 1, batch_dims=1)
    return (
        tf.reduce_sum(reward * used * gammas, 1),
        steps,
        (1.0 - ended) * tf.pow(discount, tf.cast(steps, tf.float32)),
    )


class Replay:
    """A ring of the last `capacity` transitions, sampled uniformly with replacement.

    Written and read by TensorFlow operations in place, outside XLA, so that its size costs nothing per call.
    A checkpoint holds only the rows that are filled.
    """

    def __init__(
        self,
        *,
        capacity: int,
        num_envs: int,
        observation_size: int,
        discount: float,
        n_step: int = 1,
        action_shape: tuple[int, ...] = (),
        action_dtype: Any = tf.int32,
    ) -> None:
        self.rows, self.num_envs, self.discount, self.n_step = (
            capacity // num_envs,
            num_envs,
            discount,
            n_step,
        )
        shapes = {
            "observation": ((observation_size,), tf.float32),
            "action": (action_shape, action_dtype),
            "reward": ((), tf.float32),
            "terminated": ((), tf.bool),
            "truncated": ((), tf.bool),
            "next_observation": ((observation_size,), tf.float32),
        }
        self._ring = Transitions(
            *(tf.Variable(tf.zeros((self.rows, num_envs, *s), t), trainable=False) for s, t in shapes.values())
        )
        self.added_rows = tf.Variable(0, dtype=tf.int64, trainable=False)

    @staticmethod
    def bytes_needed(*, capacity: int, observation_size: int, action_size: int = 1) -> int:
        """Memory of the ring, known before it is allocated."""
        return capacity * (2 * 4 * observation_size + 4 * action_size + 4 + 2)

    def add(self, transitions: Transitions) -> None:
        """Append rows, [K, N, ...] each; K may vary from call to call."""
        count = tf.shape(transitions.reward, out_type=tf.int64)[0]
        places = (self.added_rows + tf.range(count)) % self.rows
        for ring, rows in zip(self._ring, transitions, strict=True):
            ring.scatter_update(tf.IndexedSlices(rows, places))
        self._added(places)
        self.added_rows.assign_add(count)

    def sample(self, count: int, seed: Any, importance_exponent: Any = None) -> tuple[Batch, Any]:
        """`count` transitions with their n-step returns, and their places in the ring, int64 [count]."""
        filled = tf.minimum(self.added_rows, self.rows) * self.num_envs
        ages = tf.random.stateless_uniform((count,), seed, 0, filled, tf.int64)
        oldest = tf.maximum(self.added_rows - self.rows, 0)
        rows, lanes = oldest + ages // self.num_envs, ages % self.num_envs
        places = (rows % self.rows) * self.num_envs + lanes
        return self._gather(rows, lanes, tf.ones((count,))), places

    def update_priorities(self, places: Any, td_errors: Any) -> None:
        """Tell how wrong the prediction was for each sampled place; uniform replay does not care."""

    def _added(self, places: Any) -> None:
        """Hook: rows were written at `places`, int64 [K]."""

    def _gather(self, rows: Any, lanes: Any, weight: Any) -> Batch:
        """Batch of the transitions at absolute `rows`, int64 [B], of `lanes`, int64 [B]."""
        at = tf.stack([rows % self.rows, lanes], -1)
        observation, action = tf.gather_nd(self._ring.observation, at), tf.gather_nd(self._ring.action, at)
        if self.n_step == 1:
            reward = tf.gather_nd(self._ring.reward, at)
            discount = self.discount * (1.0 - tf.cast(tf.gather_nd(self._ring.terminated, at), tf.float32))
            return Batch(observation, action, reward, discount, tf.gather_nd(self._ring.next_observation, at), weight)
        ahead = (rows[:, None] + tf.range(self.n_step, dtype=tf.int64)) % self.rows
        window = tf.stack([ahead, tf.broadcast_to(lanes[:, None], tf.shape(ahead))], -1)
        reward, steps, discount = n_step_return(
            tf.ensure_shape(tf.gather_nd(self._ring.reward, window), (None, self.n_step)),
            tf.gather_nd(self._ring.terminated, window),
            tf.gather_nd(self._ring.truncated, window),
            tf.cast(tf.minimum(self.added_rows - rows, self.n_step), tf.int32),
            discount=self.discount,
        )
        last = tf.stack([(rows + tf.cast(steps, tf.int64) - 1) % self.rows, lanes], -1)
        return Batch(observation, action, reward, discount, tf.gather_nd(self._ring.next_observation, last), weight)

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The filled rows and the counter."""
        filled = int(min(self.added_rows.numpy(), self.rows))
        arrays = {name: ring[:filled].numpy() for name, ring in self._ring._asdict().items()}
        return {**arrays, "added_rows": self.added_rows.numpy()}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave."""
        for name, ring in self._ring._asdict().items():
            ring[: len(arrays[name])].assign(arrays[name])
        self.added_rows.assign(arrays["added_rows"])


def importance_weights(probability: Any, count: Any, exponent: Any) -> Any:
    """(count * probability)**-exponent, divided by the largest of the batch; float32 [B]."""
    weights = tf.pow(tf.cast(count, tf.float32) * probability, -exponent)
    return weights / tf.reduce_max(weights)


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
    def bytes_needed(*, capacity: int, observation_size: int, action_size: int = 1) -> int:
        """Memory of the ring and of the sum tree."""
        ring = Replay.bytes_needed(capacity=capacity, observation_size=observation_size, action_size=action_size)
        return ring + 2 * 4 * 2 ** max(1, (capacity - 1).bit_length())

    def probabilities(self, places: Any) -> Any:
        """The probability of each place, float32 [B]."""
        return tf.gather(self.tree, places + self.leaves) / tf.gather(self.tree, 1)

    def sample(self, count: int, seed: Any, importance_exponent: Any = None) -> tuple[Batch, Any]:
        """As `Replay.sample`, drawn by priority; `weight` undoes the bias as far as the exponent says."""
        draws = (tf.range(count, dtype=tf.float32) + tf.random.stateless_uniform((count,), seed)) / count
        places = self._find(draws * tf.gather(self.tree, 1))
        filled = tf.minimum(self.added_rows, self.rows) * self.num_envs
        # Rounding may carry a draw past the last filled leaf.
        places = tf.minimum(places, filled - 1)
        weight = importance_weights(self.probabilities(places), filled, importance_exponent)
        ring_row, lanes = places // self.num_envs, places % self.num_envs
        newest = self.added_rows - 1
        rows = newest - (newest - ring_row) % self.rows
        return self._gather(rows, lanes, weight), places

    def update_priorities(self, places: Any, td_errors: Any) -> None:
        """Set the priorities of `places`, int64 [B], to |TD error| + epsilon."""
        priority = tf.abs(td_errors) + self.epsilon
        self.largest.assign(tf.maximum(self.largest, tf.reduce_max(priority)))
        self._set(places, tf.pow(priority, self.exponent))

    def _added(self, places: Any) -> None:
        lanes = tf.range(self.num_envs, dtype=tf.int64)
        new = tf.reshape(places[:, None] * self.num_envs + lanes[None], (-1,))
        self._set(new, tf.fill(tf.shape(new), tf.pow(self.largest, self.exponent)))

    def _set(self, places: Any, values: Any) -> None:
        """Write leaves, then every level above them again from its children: sums never drift."""
        nodes = places + self.leaves
        self.tree.scatter_update(tf.IndexedSlices(values, nodes))
        for _ in range(self.depth):
            nodes = nodes // 2
            sums = tf.gather(self.tree, 2 * nodes) + tf.gather(self.tree, 2 * nodes + 1)
            self.tree.scatter_update(tf.IndexedSlices(sums, nodes))

    def _find(self, mass: Any) -> Any:
        """The leaf in which each cumulative `mass`, float32 [B], falls: down the tree, all at once."""
        nodes = tf.ones(tf.shape(mass), tf.int64)
        for _ in range(self.depth):
            left = tf.gather(self.tree, 2 * nodes)
            right = mass >= left
            mass = tf.where(right, mass - left, mass)
            nodes = 2 * nodes + tf.cast(right, tf.int64)
        return nodes - self.leaves

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The ring's, and the priorities."""
        return {**super().state_arrays(), "tree": self.tree.numpy(), "largest": self.largest.numpy()}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `state_arrays` gave."""
        super().load_state_arrays(arrays)
        self.tree.assign(np.asarray(arrays["tree"]))
        self.largest.assign(arrays["largest"])
