"""The replay that a loop carries, against the one on the host and in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rlgen import state
from rlgen.agents.loop_replay import LoopReplay, PrioritizedLoopReplay
from rlgen.agents.replay import PrioritizedReplay, Replay
from rlgen.agents.trajectory import Transitions
from rlgen.spec import Spec

ENVS, SEED, BETA = 2, tf.constant([5, 6]), tf.constant(0.4)
RING = {
    "capacity": 10,
    "num_envs": ENVS,
    "observation": Spec((3,)),
    "action": Spec((2,)),
    "discount": 0.5,
}
PRIORITIES = {"priority_exponent": 0.6, "priority_epsilon": 1e-3}


def steps(count: int, seed: int = 0) -> Transitions:
    """So many steps of two environments, fields [count, 2, ...]."""
    random = np.random.default_rng(seed)
    observation, following = random.normal(size=(2, count, ENVS, 3)).astype(np.float32)
    action, reward = random.normal(size=(count, ENVS, 2)), random.normal(size=(count, ENVS))
    terminated, truncated = random.random((2, count, ENVS)) < 0.2
    return Transitions(
        observation, action.astype(np.float32), reward.astype(np.float32), terminated, truncated, following
    )


def filled(replay: LoopReplay, rows: Transitions) -> Any:
    ring = replay.read()
    for t in range(len(rows.reward)):
        ring = replay.write(ring, Transitions(*(tf.constant(field[t]) for field in rows)))
    return ring


@pytest.fixture(autouse=True)
def step_by_step(uncompiled: None) -> None:
    """What a loop does, done outside one: the operations are the same."""


@pytest.mark.parametrize("n_step", [1, 3])
@pytest.mark.parametrize("count", [1, 4, 5, 8, 13])
def test_uniform_draws_are_those_of_the_host(n_step: int, count: int) -> None:
    host, loop = Replay(**RING, n_step=n_step), LoopReplay(**RING, n_step=n_step)
    rows = steps(count)
    host.add(rows)
    ring = filled(loop, rows)
    expected, places = host.sample(64, SEED)
    batch, indices = loop.sample(ring, 64, SEED, None)
    np.testing.assert_array_equal(indices, places)
    for ours, theirs in zip(batch, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("n_step", [1, 3])
def test_draws_by_priority_are_those_of_the_host_over_the_edge_of_the_ring_too(n_step: int) -> None:
    host = PrioritizedReplay(**RING, n_step=n_step, **PRIORITIES)
    loop = PrioritizedLoopReplay(**RING, n_step=n_step, **PRIORITIES)
    ring = loop.read()
    random = np.random.default_rng(1)
    for t in range(9):
        row = steps(1, seed=t)
        host.add(row)
        ring = loop.write(ring, Transitions(*(tf.constant(field[0]) for field in row)))
        expected, places = host.sample(6, tf.constant([t, 1]), BETA)
        batch, indices = loop.sample(ring, 6, tf.constant([t, 1]), BETA)
        np.testing.assert_array_equal(indices, places)
        for ours, theirs in zip(batch, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)
        errors = tf.constant(random.normal(size=6), tf.float32)
        host.update_priorities(places, errors)
        ring = loop.update_priorities(ring, indices, errors)
        np.testing.assert_allclose(ring.tree, host.tree, rtol=1e-6)


@pytest.mark.parametrize("count", [3, 8])
@pytest.mark.parametrize("kind", [LoopReplay, PrioritizedLoopReplay])
def test_a_checkpoint_holds_the_filled_rows_field_by_field(kind: type[LoopReplay], count: int) -> None:
    more = PRIORITIES if kind is PrioritizedLoopReplay else {}
    first, second = (kind(**RING, **more) for _ in range(2))
    rows = steps(count)
    first.keep(filled(first, rows))
    arrays = state.read({"replay": first})
    assert arrays["replay/action"].shape == (min(count, 5), ENVS, 2)
    assert arrays["replay/terminated"].dtype == bool
    state.write({"replay": second}, arrays)
    one, other = (replay.sample(replay.read(), 32, SEED, BETA) for replay in (first, second))
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_memory_it_says_is_the_ring() -> None:
    replay = LoopReplay(**RING)
    said = LoopReplay.bytes_needed(capacity=10, observation=RING["observation"], action=RING["action"])
    assert said == replay.read().rows.numpy().nbytes
