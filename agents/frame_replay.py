"""How a replay keeps stacked pictures: one picture for each step of an environment, stacks put together when drawn.

A stack [H, W, frames * C] shares all but its newest picture with the one before, and a transition has two of them: kept
whole, a million transitions of four pictures of 84 x 84 take 56 GB; kept like this, 7.2.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import loops
from rlgen.agents.trajectory import Transitions
from rlgen.errors import EnvironmentFault
from rlgen.spec import Spec, Stack

# Of a replay's transitions, how many may be the last before a truncation until room for their successors is made.
TRUNCATED_SHARE = 64
# Of what is kept in the place of a successor: how many pictures of the stack are of this episode, and a place.
AGE, PLACE = 0, 1
NOWHERE = -1


class FrameRows:
    """Transitions as pictures: of an observation the newest, of a successor where its newest is.

    That is the picture of the next row, or, where the episode was truncated, one of a pool of their own, whose places
    are free again when their transition is overwritten. A terminated one has no successor that counts.

    Attributes:
        margin: rows that are kept beyond those that may be drawn, for what their stacks reach back to.
        kinds: what a row of each lane holds: `observation` a picture, `next_observation` age and place.
    """

    def __init__(self, *, stack: Stack, capacity_rows: int, num_envs: int, observation: Spec, action: Spec) -> None:
        """An empty pool.

        Args:
            stack: how observations are made of pictures.
            capacity_rows: rows that may be drawn.
            num_envs: environments, each with a lane of its own.
            observation: a whole stack, [H, W, frames * C].
            action: what an action looks like.
        """
        self.stack, self.margin = stack, stack.frames - 1
        self._capacity_rows, self._num_envs = capacity_rows, num_envs
        self._frame, self._channels = _frame(observation, stack)
        flag = Spec((), "bool")
        self.kinds = Transitions(self._frame, action, Spec(()), flag, flag, Spec((2,), "int32"))
        size = _pool_size(capacity_rows * num_envs)
        # It may grow, and programs that know it go on.
        shape = (None, *self._frame.shape)
        self._pool = tf.Variable(tf.zeros((size, *self._frame.shape), observation.dtype), shape=shape, trainable=False)
        self._free = list(range(size))
        self._taken: collections.deque[tuple[int, int]] = collections.deque()
        self._newest = tf.Variable(tf.zeros((num_envs, *self._frame.shape), observation.dtype), trainable=False)
        self._following: npt.NDArray[Any] | None = None
        self._age = np.zeros(num_envs, np.int32)
        self._done = np.ones(num_envs, bool)

    @staticmethod
    def bytes_needed(*, stack: Stack, capacity: int, observation: Spec, action: Spec) -> int:
        """Memory of so many transitions, pool included, known before it is allocated."""
        frame = _frame(observation, stack)[0].bytes
        return capacity * (frame + action.bytes + 4 + 2 + 8) + _pool_size(capacity) * frame

    # ---- writing, on the host -------------------------------------------------------------------------

    def pack(self, rows: Transitions, first: int) -> Transitions:
        """Rows of environments, NumPy fields [K, N, ...], as they are kept; `first` is the number of the first.

        Raises:
            EnvironmentFault: an observation is no stack of what was seen before.
        """
        channels = self._channels
        links = np.full((*rows.reward.shape, 2), NOWHERE, np.int32)
        self._set_free(first + len(rows.reward))
        for k in range(len(rows.reward)):
            links[k, :, AGE] = self._ages(rows.observation[k])
            truncated = rows.truncated[k] & ~rows.terminated[k]
            for lane in np.flatnonzero(truncated):
                links[k, lane, PLACE] = self._kept(rows.next_observation[k, lane, ..., -channels:], first + k)
            self._following, self._age = rows.next_observation[k], links[k, :, AGE].copy()
            self._done = rows.terminated[k] | rows.truncated[k]
        self._newest.assign(rows.next_observation[-1, ..., -channels:])
        return rows._replace(observation=rows.observation[..., -channels:], next_observation=links)

    def _ages(self, observation: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """How many pictures of each stack, [N, H, W, C], are of its game: all that were before it, too, or it alone."""
        ages = np.minimum(self._age + 1, self.stack.frames)
        for lane in np.flatnonzero(self._done):
            # An "episode" that begins with a lost life goes on with the stack.
            if self._following is None or (observation[lane] != self._following[lane]).any():
                self._check_beginning(observation[lane])
                ages[lane] = 1
        return ages

    def _check_beginning(self, observation: npt.NDArray[Any]) -> None:
        older, newest = observation[..., : -self._channels], observation[..., -self._channels :]
        expected = 0 if self.stack.padding == "zero" else np.tile(newest, self.stack.frames - 1)
        if (older != expected).any():
            what = "black pictures" if self.stack.padding == "zero" else "copies of its first picture"
            raise EnvironmentFault(
                f"An episode's first observation has to be stacked of {what} and the newest, as its environment says; "
                "it shows something else. Leave the wrapper out that changes observations after they are stacked."
            )

    def _kept(self, frame: npt.NDArray[Any], row: int) -> int:
        """The place in the pool of a truncated episode's last picture, which belongs to a row."""
        if not self._free:
            size = int(tf.shape(self._pool)[0])
            self._pool.assign(tf.concat([self._pool, tf.zeros_like(self._pool)], 0))
            self._free = list(range(size, 2 * size))
        place = self._free.pop()
        # The raw operation: TensorFlow's method would return, and so copy, the whole pool.
        tf.raw_ops.ResourceScatterUpdate(resource=self._pool.handle, indices=[place], updates=frame[None])
        self._taken.append((row, place))
        return place

    def _set_free(self, rows: int) -> None:
        """Places whose transitions are overwritten when there are so many rows."""
        while self._taken and self._taken[0][0] < rows - self._capacity_rows:
            self._free.append(self._taken.popleft()[1])

    def cut(self, ring: Transitions, newest: int) -> None:
        """Keep what followed the row `newest`, whose episodes go on nowhere: it is to be truncated."""
        rows = ring.reward.shape[0]
        going_on = ~(ring.terminated[newest % rows] | ring.truncated[newest % rows]).numpy()
        links = ring.next_observation[newest % rows].numpy()
        for lane in np.flatnonzero(going_on):
            links[lane, PLACE] = self._kept(self._newest[lane].numpy(), newest)
        ring.next_observation[newest % rows].assign(links)
        self._following, self._done = None, np.ones(self._num_envs, bool)

    # ---- reading, compiled ----------------------------------------------------------------------------

    def fetch(self, ring: Transitions, rows: Any, lanes: Any, names: Sequence[str], *, added_rows: Any) -> Transitions:
        """The transitions at `rows`, whole; see `rlgen.agents.sampling.batch`.

        Args:
            ring: what is kept.
            rows: int64, of any shape, counted since the beginning.
            lanes: the same.
            names: fields that are wanted.
            added_rows: int64 scalar.
        """
        size = ring.reward.shape[0]
        at = tf.stack([rows % size, lanes], -1)
        found = {name: tf.gather_nd(getattr(ring, name), at) for name in names if "observation" not in name}
        stacked = [name for name in ("observation", "next_observation") if name in names]
        if stacked:
            links = tf.gather_nd(ring.next_observation, at)
            frames = self._frames(ring.observation, rows, lanes, links[..., AGE])
            # TensorFlow's transpose of bytes takes ten times as long as XLA's.
            stacked_of = loops.elementwise(self._stacked)
            if "observation" in names:
                found["observation"] = stacked_of(frames, links[..., AGE])
            if "next_observation" in names:
                newest = self._successor(ring.observation, rows, lanes, links[..., PLACE], added_rows)
                frames = tf.concat([frames[..., 1:, :, :, :], newest[..., None, :, :, :]], -4)
                age = tf.minimum(links[..., AGE] + 1, self.stack.frames)
                found["next_observation"] = stacked_of(frames, age)
        return Transitions(*(found.get(name) for name in Transitions._fields))

    def _frames(self, pictures: Any, rows: Any, lanes: Any, age: Any) -> Any:
        """The pictures of the stacks at `rows`, [..., frames, H, W, C], oldest first; before its game its first."""
        back = tf.range(self.stack.frames - 1, -1, -1, dtype=rows.dtype)
        back = tf.minimum(back, tf.cast(age, rows.dtype)[..., None] - 1)
        reached = rows[..., None] - back
        across = tf.broadcast_to(lanes[..., None], tf.shape(reached))
        return tf.gather_nd(pictures, tf.stack([reached % pictures.shape[0], across], -1))

    def _successor(self, pictures: Any, rows: Any, lanes: Any, place: Any, added_rows: Any) -> Any:
        """The newest picture of each successor, [..., H, W, C]."""
        following = tf.stack([(rows + 1) % pictures.shape[0], lanes], -1)
        newest = tf.gather_nd(pictures, following)
        newest = tf.where(_wide(rows + 1 == added_rows), tf.gather(self._newest, lanes), newest)
        pooled = tf.gather(self._pool, tf.maximum(place, 0))
        return tf.where(_wide(place >= 0), pooled, newest)

    def _stacked(self, frames: Any, age: Any) -> Any:
        """Pictures [..., frames, H, W, C] as [..., H, W, frames * C]; with zeros before a game, if it is padded so."""
        if self.stack.padding == "zero":
            number = tf.range(self.stack.frames, 0, -1)
            real = number <= age[..., None]
            frames = tf.where(real[..., None, None, None], frames, tf.zeros((), frames.dtype))
        height, width, channels = self._frame.shape
        rank = len(frames.shape)
        order = [*range(rank - 4), rank - 3, rank - 2, rank - 4, rank - 1]
        leading = [-1 if length is None else length for length in frames.shape[: rank - 4]]
        return tf.reshape(tf.transpose(frames, order), (*leading, height, width, self.stack.frames * channels))

    # ---- for a checkpoint -----------------------------------------------------------------------------

    def state_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The pool, and the pictures that follow the newest row."""
        return {"pool": self._pool.numpy(), "newest": self._newest.numpy()}

    def load_state_arrays(self, arrays: Mapping[str, npt.NDArray[Any]], ring: Transitions, added_rows: int) -> None:
        """Take back what `state_arrays` gave, behind the rows; whoever steps environments begins new episodes."""
        self._pool.assign(arrays["pool"])
        self._newest.assign(arrays["newest"])
        size, rows = len(arrays["pool"]), ring.reward.shape[0]
        place = ring.next_observation[..., PLACE].numpy()
        kept = range(max(0, added_rows - self._capacity_rows), added_rows)
        taken = [(row, int(each)) for row in kept for each in place[row % rows] if each >= 0]
        self._taken = collections.deque(taken)
        self._free = sorted(set(range(size)) - {each for _, each in taken}, reverse=True)
        self._following, self._done = None, np.ones(self._num_envs, bool)


def _wide(condition: Any) -> Any:
    """A condition of examples as one of their pictures."""
    return condition[..., None, None, None]


def _frame(observation: Spec, stack: Stack) -> tuple[Spec, int]:
    """One picture of a stack, and its channels."""
    height, width, whole = observation.shape
    channels = whole // stack.frames
    return Spec((height, width, channels), observation.dtype), channels


def _pool_size(capacity: int) -> int:
    return max(16, capacity // TRUNCATED_SHARE)
