"""Returns across ends of episodes and of the ring, priorities and weights: closed forms and slow references."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from rlgen import state
from rlgen.agents.replay import PrioritizedReplay, Replay
from rlgen.agents.sampling import importance_weights, n_step_return
from rlgen.agents.trajectory import Transitions
from rlgen.spec import Spec

KINDS = {"observation": Spec((1,)), "action": Spec((), "int32")}


def one(value: float, dtype: type = np.float32) -> np.ndarray:
    return np.array([[value]], dtype)


def lane(rewards: list[float], terminated: list[int], truncated: list[int], start: int = 0) -> Transitions:
    """One environment's steps; observation t is [t], the successor's is [t + 1]."""
    count = len(rewards)
    times = np.arange(start, start + count, dtype=np.float32)
    return Transitions(
        observation=times[:, None, None],
        action=np.zeros((count, 1), np.int32),
        reward=np.array(rewards, np.float32)[:, None],
        terminated=np.array(terminated, bool)[:, None],
        truncated=np.array(truncated, bool)[:, None],
        next_observation=times[:, None, None] + 1,
    )


def returns(rewards: list[float], terminated: list[int], truncated: list[int], available: int) -> list[float]:
    """(return, steps, discount) at discount .5 of one window."""
    result = n_step_return(
        tf.constant([rewards], tf.float32),
        tf.constant([[bool(flag) for flag in terminated]]),
        tf.constant([[bool(flag) for flag in truncated]]),
        tf.constant([available]),
        discount=0.5,
    )
    return [float(part[0]) for part in result]


@pytest.mark.parametrize(
    ("rewards", "terminated", "truncated", "available", "expected"),
    [
        ([1, 2, 4], [0, 0, 0], [0, 0, 0], 3, [1 + 1 + 1, 3, 0.125]),
        ([1, 2, 4], [0, 1, 0], [0, 0, 0], 3, [2, 2, 0]),
        ([1, 2, 4], [0, 0, 0], [0, 1, 0], 3, [2, 2, 0.25]),
        ([1, 2, 4], [1, 0, 0], [0, 0, 0], 3, [1, 1, 0]),
        ([1, 2, 4], [0, 0, 0], [1, 0, 0], 3, [1, 1, 0.5]),
        ([1, 2, 4], [0, 0, 1], [0, 0, 0], 3, [3, 3, 0]),
        ([1, 2, 4], [0, 0, 0], [0, 0, 0], 1, [1, 1, 0.5]),
        ([1, 2, 4], [0, 0, 0], [0, 0, 0], 2, [2, 2, 0.25]),
        ([1, 2, 4], [0, 1, 0], [0, 1, 0], 3, [2, 2, 0]),
    ],
    ids=[
        "goes on", "terminates inside", "truncated inside: cut, but bootstrapped", "terminates at once",
        "truncated at once", "terminates last", "newest of the ring", "next to newest", "both at once",
    ],
)  # fmt: skip
def test_n_step_return(rewards, terminated, truncated, available, expected) -> None:
    assert returns(rewards, terminated, truncated, available) == expected


def ring(n_step: int, capacity: int = 4) -> Replay:
    return Replay(capacity=capacity, num_envs=1, **KINDS, discount=0.5, n_step=n_step)


def drawn(replay: Replay, count: int = 200) -> dict[float, tuple[float, float, float]]:
    """Observation to (reward, discount, successor), over many draws."""
    batch, _ = replay.sample(count, tf.constant([1, 2]))
    columns = (batch.observation[:, 0], batch.reward, batch.discount, batch.next_observation[:, 0])
    return {row[0]: tuple(row[1:]) for row in np.stack([c.numpy() for c in columns], 1).tolist()}


def test_the_td_target_differs_for_termination_and_truncation() -> None:
    replay = ring(1)
    replay.add(lane([1, 1, 1], [0, 1, 0], [0, 0, 1]))
    assert drawn(replay) == {0: (1, 0.5, 1), 1: (1, 0, 2), 2: (1, 0.5, 3)}


def test_n_step_across_the_edge_of_the_ring() -> None:
    replay = ring(3)
    replay.add(lane([1, 2, 4, 8], [0] * 4, [0] * 4))
    replay.add(lane([16, 32], [0] * 2, [0] * 2, start=4))
    # Rows 0 and 1 are overwritten; 2 and 3 look on over the edge, the newest two as far as there is anything.
    assert drawn(replay) == {
        2: (4 + 4 + 4, 0.125, 5),
        3: (8 + 8 + 8, 0.125, 6),
        4: (16 + 16, 0.25, 6),
        5: (32, 0.5, 6),
    }


def test_lanes_do_not_mix() -> None:
    replay = Replay(capacity=6, num_envs=2, **KINDS, discount=0.5, n_step=2)
    both = [lane([1, 1], [0, 0], [0, 0]), lane([10, 10], [0, 0], [0, 0], start=100)]
    replay.add(Transitions(*(np.concatenate(parts, 1) for parts in zip(*both, strict=True))))
    assert drawn(replay) == {
        0: (1.5, 0.25, 2),
        1: (1, 0.5, 2),
        100: (15, 0.25, 102),
        101: (10, 0.5, 102),
    }


def test_uniform_sampling_is_uniform() -> None:
    replay = ring(1, capacity=10)
    replay.add(lane([0] * 10, [0] * 10, [0] * 10))
    _, indices = replay.sample(20_000, tf.constant([3, 4]))
    counts = np.bincount(indices.numpy(), minlength=10)
    # Each count is binomial, standard deviation 42.
    assert abs(counts - 2000).max() < 5 * 42


def prioritized(exponent: float = 0.6, capacity: int = 8) -> PrioritizedReplay:
    return PrioritizedReplay(
        priority_exponent=exponent,
        priority_epsilon=0.0,
        capacity=capacity,
        num_envs=1,
        **KINDS,
        discount=0.5,
    )


def test_probabilities_and_weights_against_a_slow_reference() -> None:
    errors = np.array([0.5, 2.0, 1.0, 4.0, 0.25], np.float32)
    replay = prioritized()
    replay.add(lane([0] * 5, [0] * 5, [0] * 5))
    replay.update_priorities(tf.range(5, dtype=tf.int64), tf.constant(errors))
    expected = errors**0.6 / (errors**0.6).sum()
    np.testing.assert_allclose(replay.probabilities(tf.range(5, dtype=tf.int64)), expected, rtol=1e-6)

    batch, indices = replay.sample(50_000, tf.constant([5, 6]), tf.constant(0.4))
    shares = np.bincount(indices.numpy(), minlength=5) / 50_000
    np.testing.assert_allclose(shares, expected, atol=1e-3)  # Stratified: far closer than independent draws.
    weights = (5 * expected) ** -0.4
    np.testing.assert_allclose(batch.weight, (weights / weights.max())[indices.numpy()], rtol=1e-5)


def test_importance_weights_closed_form() -> None:
    weights = importance_weights(tf.constant([0.5, 0.25, 0.125]), 8, 1.0)
    np.testing.assert_allclose(weights, [0.25, 0.5, 1.0])


def test_new_transitions_get_the_largest_priority_and_old_ones_are_forgotten() -> None:
    replay = prioritized(exponent=1.0, capacity=4)
    replay.add(lane([0] * 4, [0] * 4, [0] * 4))
    replay.update_priorities(tf.constant([0, 1, 2, 3], tf.int64), tf.constant([1.0, 2.0, 3.0, 10.0]))
    replay.add(lane([0], [0], [0], start=4))
    probabilities = replay.probabilities(tf.range(4, dtype=tf.int64)).numpy()
    np.testing.assert_allclose(probabilities, np.array([10, 2, 3, 10]) / 25, rtol=1e-6)


def test_the_sum_tree_does_not_drift() -> None:
    replay = prioritized(exponent=1.0, capacity=1000)
    replay.add(lane([0] * 1000, [0] * 1000, [0] * 1000))
    generator = np.random.default_rng(0)
    for _ in range(200):
        indices = generator.choice(1000, 32, replace=False)
        replay.update_priorities(
            tf.constant(indices, tf.int64), tf.constant(generator.exponential(size=32), tf.float32)
        )
    leaves = replay.tree.numpy()[replay.leaves :]
    assert replay.tree.numpy()[1] == pytest.approx(leaves.sum(dtype=np.float64), rel=1e-5)


@pytest.mark.parametrize("kind", [ring, lambda n: prioritized()])
def test_a_checkpoint_holds_the_filled_rows_alone_and_restores_them(kind) -> None:
    full = kind(1)
    full.add(lane([1, 2, 3], [0, 1, 0], [0, 0, 0]))
    arrays = state.read({"replay": full})
    assert arrays["replay/reward"].shape == (3, 1)
    empty = kind(1)
    state.write({"replay": empty}, arrays)
    exponent = tf.constant(0.4)
    first, second = (replay.sample(16, tf.constant([7, 8]), exponent)[0] for replay in (full, empty))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", [Replay, PrioritizedReplay])
def test_the_memory_it_says_is_what_it_takes(kind: type[Replay]) -> None:
    extra = {"priority_exponent": 0.6, "priority_epsilon": 0.0} if kind is PrioritizedReplay else {}
    replay = kind(capacity=100, num_envs=4, observation=Spec((3,)), action=Spec((), "int32"), discount=0.9, **extra)
    taken = sum(variable.numpy().nbytes for variable in replay._ring)
    taken += replay.tree.numpy().nbytes if isinstance(replay, PrioritizedReplay) else 0
    assert kind.bytes_needed(capacity=100, observation=Spec((3,)), action=Spec((), "int32")) == taken


def test_a_restart_cuts_what_was_stored_last() -> None:
    """On Gymnasium's engine a resumed run begins new episodes: no return may reach into them."""
    replay = ring(3)
    replay.cut()  # Nothing is stored yet, and nothing happens.
    replay.add(lane([1, 2], [0, 0], [0, 0]))
    replay.cut()
    replay.add(lane([10, 20], [0, 0], [0, 0], start=50))
    assert drawn(replay) == {0: (2, 0.25, 2), 1: (2, 0.5, 2), 50: (20, 0.25, 52), 51: (20, 0.5, 52)}
    ended = ring(1)
    ended.add(lane([1], [1], [0]))
    ended.cut()
    assert drawn(ended) == {0: (1, 0, 1)}


def test_pictures_are_kept_as_bytes() -> None:
    screen = Spec((4, 4, 2), "uint8")
    replay = Replay(capacity=8, num_envs=1, observation=screen, action=Spec((), "int32"), discount=0.9)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 1, 4, 4, 2), np.uint8)
    replay.add(lane([1, 2, 3], [0] * 3, [0] * 3)._replace(observation=pictures, next_observation=pictures))
    batch, indices = replay.sample(20, tf.constant([1, 2]))
    assert batch.observation.dtype == tf.uint8
    np.testing.assert_array_equal(batch.observation, pictures[indices.numpy(), 0])
    assert Replay.bytes_needed(capacity=8, observation=screen, action=Spec((), "int32")) == 8 * (2 * 32 + 4 + 4 + 2)
