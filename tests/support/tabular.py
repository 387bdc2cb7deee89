"""Worlds small enough for a table, and the textbook ways to solve them, in NumPy alone.

A world is two arrays: `probability` [S, A, S] and `reward` [S, A, S]. An action that a state does not have is a
row without probability; its value is -inf. A state without actions is terminal and worth 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class World(NamedTuple):
    """What follows an action, and what it is worth."""

    probability: Array
    reward: Array

    @property
    def possible(self) -> npt.NDArray[np.bool_]:
        """Which actions each state has, [S, A]."""
        return self.probability.sum(-1) > 0

    @property
    def terminal(self) -> npt.NDArray[np.bool_]:
        """Which states have none, [S]."""
        return ~self.possible.any(-1)


def three_states() -> World:
    """The MDP of "Hands-On Machine Learning", chapter 18."""
    probability, reward = np.zeros((3, 3, 3)), np.zeros((3, 3, 3))
    probability[0] = [[0.7, 0.3, 0.0], [1.0, 0.0, 0.0], [0.8, 0.2, 0.0]]
    probability[1, [0, 2]] = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    probability[2, 1] = [0.8, 0.1, 0.1]
    reward[0, 0, 0], reward[1, 2, 2], reward[2, 1, 0] = 10.0, -50.0, 40.0
    return World(probability, reward)


def grid_world(side: int = 4) -> World:
    """The grid of "Mastering TensorFlow 2.x": -1 a step, two corners end it; up, right, down, left."""
    states = side * side
    probability, reward = np.zeros((states, 4, states)), np.full((states, 4, states), -1.0)
    for state in range(1, states - 1):
        row, column = divmod(state, side)
        for action, (down, right) in enumerate([(-1, 0), (0, 1), (1, 0), (0, -1)]):
            # A wall leaves one where one is.
            to = (min(max(row + down, 0), side - 1), min(max(column + right, 0), side - 1))
            probability[state, action, to[0] * side + to[1]] = 1.0
    return World(probability, reward)


def action_values(world: World, values: Array, *, discount: float) -> Array:
    """Q(s, a) [S, A] if states are worth `values` [S]; -inf where there is no such action."""
    q = (world.probability * (world.reward + discount * values)).sum(-1)
    return np.where(world.possible, q, -np.inf)


def q_iteration(world: World, *, discount: float, sweeps: int) -> Array:
    """Optimal action values after `sweeps` sweeps from zero, [S, A]."""
    values = np.zeros(len(world.probability))
    for _ in range(sweeps):
        q = action_values(world, values, discount=discount)
        values = np.where(world.terminal, 0.0, q.max(-1))
    return q


def random_policy_values(world: World, *, discount: float, sweeps: int) -> Array:
    """What states are worth if every possible action is as likely, [S]."""
    weights = world.possible / np.maximum(world.possible.sum(-1, keepdims=True), 1)
    values = np.zeros(len(weights))
    for _ in range(sweeps):
        q = action_values(world, values, discount=discount)
        values = (weights * np.where(world.possible, q, 0.0)).sum(-1)
    return values


def q_learning(world: World, *, discount: float, steps: int, seed: int) -> Array:
    """The first book's Q-learning: a random walk from state 0, step size .05 / (1 + .005 i)."""
    generator = np.random.default_rng(seed)
    q = np.where(world.possible, 0.0, -np.inf)
    state = 0
    for i in range(steps):
        action = generator.choice(np.flatnonzero(world.possible[state]))
        following = generator.choice(len(q), p=world.probability[state, action])
        target = world.reward[state, action, following] + discount * q[following].max()
        rate = 0.05 / (1 + 0.005 * i)
        q[state, action] = (1 - rate) * q[state, action] + rate * target
        state = following
    return q


def bandit(means: npt.ArrayLike, *, epsilon: float, steps: int, seed: int) -> tuple[Array, Array]:
    """An epsilon-greedy player of arms that pay N(mean, 1): its estimates [A] and what each step paid [steps]."""
    generator, means = np.random.default_rng(seed), np.asarray(means, float)
    estimates, pulls, paid = np.zeros(len(means)), np.zeros(len(means)), np.zeros(steps)
    for i in range(steps):
        explores = generator.random() < epsilon
        arm = generator.integers(len(means)) if explores else estimates.argmax()
        paid[i] = generator.normal(means[arm])
        pulls[arm] += 1
        estimates[arm] += (paid[i] - estimates[arm]) / pulls[arm]
    return estimates, paid
