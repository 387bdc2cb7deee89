"""Stacks put together from single pictures are those that were seen: held against transitions that are kept whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rlgen import state
from rlgen.agents.frame_replay import FrameRows
from rlgen.agents.replay import PrioritizedReplay, Replay
from rlgen.agents.sampling import n_step_return
from rlgen.agents.trajectory import Transitions
from rlgen.envs.making import Environments
from rlgen.errors import EnvironmentFault
from rlgen.spec import Spec, Stack

SCREEN = (2, 3)
ACTION = Spec((), "int32")


class Screens:
    """One environment whose pictures are all different, but for those that stay black; ends as chance has it."""

    def __init__(self, stack: Stack, seed: int, channels: int) -> None:
        self.random, self.stack, self.channels = np.random.default_rng(seed), stack, channels
        self.reset()

    def frame(self) -> np.ndarray:
        if self.random.random() < 0.1:
            return np.zeros((*SCREEN, self.channels), np.uint8)
        return self.random.integers(1, 256, (*SCREEN, self.channels), np.uint8)

    def reset(self) -> None:
        frame = self.frame()
        before = np.zeros_like(frame) if self.stack.padding == "zero" else frame
        self.frames = [before] * (self.stack.frames - 1) + [frame]

    def seen(self) -> np.ndarray:
        return np.concatenate(self.frames, -1)

    def step(self) -> tuple[Any, ...]:
        observation = self.seen()
        self.frames = [*self.frames[1:], self.frame()]
        following = self.seen()
        fate = self.random.random()
        terminated, truncated = fate < 0.15, 0.15 <= fate < 0.3
        # Half of those that terminate have lost a life: the game, and its stack, go on.
        if truncated or fate < 0.07:
            self.reset()
        return observation, self.random.integers(4), self.random.normal(), terminated, truncated, following


def rows(screens: list[Screens], count: int) -> Transitions:
    steps = [[each.step() for each in screens] for _ in range(count)]
    kinds = (np.uint8, np.int32, np.float32, bool, bool, np.uint8)
    columns = zip(*(zip(*row, strict=True) for row in steps), strict=True)
    return Transitions(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def drawn(replay: Any, count: int, seed: int) -> Iterator[tuple[Any, ...]]:
    batch, indices = replay.sample(count, tf.constant([seed, 1]), tf.constant(1.0))
    fields = (field.numpy() for field in (*batch[:5], indices))
    for observation, action, reward, discount, following, index in zip(*fields, strict=True):
        # What is multiplied by nothing may be anything.
        successor = following.tobytes() if discount else b""
        yield (observation.tobytes(), int(action), float(reward), float(discount), successor), int(index)


def expected(history: Transitions, kept: int, n_step: int) -> list[tuple[Any, ...]]:
    """Every transition that is kept, by a loop over whole ones."""
    count, lanes = history.reward.shape
    found = []
    for row in range(count - kept, count):
        for lane in range(lanes):
            window = range(row, min(row + n_step, count))
            padded = [list(getattr(history, name)[window, lane]) for name in ("reward", "terminated", "truncated")]
            for values, blank in zip(padded, (0.0, False, False), strict=True):
                values += [blank] * (n_step - len(values))
            reward, steps, discount = n_step_return(
                *(tf.constant([values]) for values in padded), tf.constant([len(window)]), discount=0.5
            )
            last = row + int(steps[0]) - 1
            successor = history.next_observation[last, lane].tobytes() if discount[0] else b""
            about = (int(history.action[row, lane]), float(reward[0]), float(discount[0]), successor)
            found.append((history.observation[row, lane].tobytes(), *about))
    return found


@pytest.mark.parametrize("padding", ["zero", "first"])
@pytest.mark.parametrize(
    ("lanes", "n_step", "channels", "prioritized"),
    [(1, 1, 1, False), (3, 1, 1, True), (2, 3, 3, False), (2, 3, 1, True)],
)
def test_what_is_drawn_is_what_was_seen(
    padding: Any, lanes: int, n_step: int, channels: int, prioritized: bool
) -> None:
    stack = Stack(4, padding)
    screens = [Screens(stack, seed, channels) for seed in range(lanes)]
    ring = {"capacity": 12 * lanes, "num_envs": lanes, "action": ACTION, "discount": 0.5, "n_step": n_step}
    ring["observation"] = Spec((*SCREEN, 4 * channels), "uint8")
    priorities = {"priority_exponent": 0.6, "priority_epsilon": 1e-6}
    replay = PrioritizedReplay(**ring, stack=stack, **priorities) if prioritized else Replay(**ring, stack=stack)
    history = rows(screens, 0 + 1)
    replay.add(Transitions(*map(tf.constant, replay.pack(history))))
    for number, count in enumerate((1, 5, 2, 7, 4, 3, 6)):
        new = rows(screens, count)
        replay.add(Transitions(*map(tf.constant, replay.pack(new))))
        history = Transitions(*(np.concatenate(both) for both in zip(history, new, strict=True)))
        right = expected(history, min(12, len(history.reward)), n_step)
        found = dict(drawn(replay, 400, number))
        assert set(found) <= set(right)
        assert set(found) == set(right), "each of them can be drawn"
        if prioritized:
            indices = np.array(list(found.values()))
            replay.update_priorities(tf.constant(indices), tf.constant(np.linspace(1, 2, len(indices)), tf.float32))


def filled(count: int, **more: Any) -> tuple[Replay, list[Screens]]:
    screens = [Screens(Stack(3, "zero"), seed, 1) for seed in range(2)]
    replay = Replay(
        capacity=20, num_envs=2, observation=Spec((*SCREEN, 3), "uint8"), action=ACTION, discount=0.9,
        stack=Stack(3, "zero"), **more,
    )  # fmt: skip
    replay.add(Transitions(*map(tf.constant, replay.pack(rows(screens, count)))))
    return replay, screens


def test_every_transition_is_drawn_as_often_as_another() -> None:
    replay, _ = filled(27)
    counts = np.unique(np.array(list(dict(drawn(replay, 8000, 3)).values())), return_counts=True)
    indices = replay.sample(8000, tf.constant([5, 6]))[1].numpy()
    _, times = np.unique(indices, return_counts=True)
    assert len(times) == 20 == len(counts[0]) and times.min() > 320 and times.max() < 480


def test_an_interrupted_episode_is_truncated_and_keeps_its_last_picture() -> None:
    replay, screens = filled(4)
    last = [each.seen().copy() for each in screens]
    ended = replay._ring.terminated[3].numpy() | replay._ring.truncated[3].numpy()
    replay.cut()
    for each in screens:
        each.reset()
    replay.add(Transitions(*map(tf.constant, replay.pack(rows(screens, 1)))))
    batch = replay._gather(tf.constant([3, 3], tf.int64), tf.constant([0, 1], tf.int64), tf.ones((2,)))
    for lane in np.flatnonzero(~ended):
        np.testing.assert_array_equal(batch.next_observation[lane], last[lane])
        assert batch.discount[lane] == np.float32(0.9)


def test_a_checkpoint_goes_on_in_the_middle_of_the_ring() -> None:
    one, screens = filled(25)
    other, _ = filled(2)
    state.write({"replay": other}, state.read({"replay": one}))
    assert dict(drawn(one, 300, 1)) == dict(drawn(other, 300, 1))
    for each in screens:
        each.reset()
    one.cut()
    other.cut()
    new = rows(screens, 9)
    for replay in (one, other):
        replay.add(Transitions(*map(tf.constant, replay.pack(new))))
    assert dict(drawn(one, 300, 2)) == dict(drawn(other, 300, 2))


def test_there_is_room_for_as_many_truncations_as_there_are() -> None:
    """A time limit of one step: every transition keeps a picture more."""
    replay, screens = filled(1)
    every = []
    for _ in range(40):
        new = rows(screens, 1)
        new = new._replace(terminated=np.zeros_like(new.terminated), truncated=np.ones_like(new.truncated))
        for each in screens:
            each.reset()
        every.append(new)
        replay.add(Transitions(*map(tf.constant, replay.pack(new))))
    pool = replay.state_arrays()["pool"]
    assert len(pool) == 32, "twice 16, for the 20 that are kept"
    history = Transitions(*(np.concatenate(column) for column in zip(*every, strict=True)))
    successors = {row[4] for row, _ in drawn(replay, 500, 1)}
    assert successors == {each.tobytes() for each in history.next_observation[-10:].reshape(20, *SCREEN, 3)}


def test_stacks_of_something_else_are_refused() -> None:
    replay, screens = filled(1)
    new = rows(screens, 1)
    wrong = new._replace(observation=np.roll(new.observation, 1, -1))
    replay.cut()
    with pytest.raises(EnvironmentFault, match="stacked of black pictures and the newest"):
        replay.pack(wrong)


def test_a_million_transitions_of_atari_fit_into_seven_and_a_half_gigabytes() -> None:
    screen = Spec((84, 84, 4), "uint8")
    needed = FrameRows.bytes_needed(stack=Stack(4, "zero"), capacity=10**6, observation=screen, action=ACTION)
    assert 7.0e9 < needed < 7.5e9
    assert Replay.bytes_needed(capacity=10**6, observation=screen, action=ACTION) > 56e9


def test_who_says_that_observations_are_stacked() -> None:
    game = "ALE/Pong-v5?size=36"
    assert Environments(game).stack == Stack(4, "zero")
    assert Environments(game, wrappers=("time_limit:9", "clip_reward")).stack == Stack(4, "zero")
    assert Environments(game, wrappers=("frame_stack:2",)).stack == Stack(2, "first")
    # Nobody knows what it does to a picture.
    assert Environments(game, wrappers=("gymnasium.wrappers:TimeLimit?max_episode_steps=9",)).stack is None
    assert Environments("CartPole-v1", wrappers=("frame_stack:2",)).stack is None
