"""A compiled environment beside Gymnasium's own: what the tests of all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen.environment import CompiledEnv

EPISODES = 100


class Walk(NamedTuple):
    """What 100 episodes side by side told: the largest differences, and how the episodes ended."""

    observation_error: float
    reward_error: float
    terminations: int
    truncations: int


def walk(compiled: CompiledEnv, choose: Callable[[np.ndarray], np.ndarray]) -> Walk:
    """100 episodes side by side, whose ends must be the same; `choose` takes observations to actions.

    Every step is taken from the same state: most of these tasks are chaotic, so the two precisions would
    otherwise part after a few hundred steps however right both are.
    """
    step = tf.function(lambda state, action: compiled.step(state, action, tf.constant([0, 0])), jit_compile=True)
    envs = [gym.make(compiled.gymnasium_id, disable_env_checker=True) for _ in range(EPISODES)]
    theirs = np.array([env.reset(seed=episode)[0] for episode, env in enumerate(envs)])
    ours = tf.constant([env.unwrapped.state for env in envs], tf.float32)
    going, errors, terminations, truncations = np.ones(EPISODES, bool), [], 0, 0
    for elapsed in range(1, compiled.max_episode_steps + 1):
        actions, before = choose(theirs), ours.numpy().astype(np.float64)
        ours, *outcome = step(ours, tf.constant(actions))
        rewards, terminated = (part.numpy() for part in outcome)
        seen = compiled.observe(ours).numpy()
        for i in np.flatnonzero(going):
            envs[i].unwrapped.state = before[i]
            theirs[i], reward, their_end, their_limit, _ = envs[i].step(actions[i])
            assert terminated[i] == their_end
            assert (elapsed >= compiled.max_episode_steps) == their_limit
            terminations, truncations = terminations + their_end, truncations + their_limit
            going[i] = not (their_end or their_limit)
            errors.append((np.abs(seen[i] - theirs[i]).max(), abs(rewards[i] - reward)))
        if not going.any():
            break
    assert not going.any()
    worst = np.max(errors, axis=0)
    return Walk(float(worst[0]), float(worst[1]), terminations, truncations)


def check_interface(compiled: CompiledEnv) -> None:
    """Spaces, time limit and the names and values of the physics are Gymnasium's; so are the shapes it hands out."""
    env: Any = gym.make(compiled.gymnasium_id)
    assert compiled.observation_space == env.observation_space
    assert compiled.action_space == env.action_space
    assert compiled.max_episode_steps == env.spec.max_episode_steps
    assert compiled.physics
    for name in (*compiled.physics, *compiled.derived):
        assert getattr(compiled, name) == getattr(env.unwrapped, name)
    state = compiled.reset(3, tf.constant([1, 2]))
    actions = tf.constant([env.action_space.sample() for _ in range(3)])
    state, reward, terminated = compiled.step(state, actions, tf.constant([3, 4]))
    assert (reward.shape, reward.dtype) == ((3,), tf.float32)
    assert (terminated.shape, terminated.dtype) == ((3,), tf.bool)
    observation = compiled.observe(state)
    assert (observation.shape, observation.dtype) == ((3, *env.observation_space.shape), tf.float32)


def check_uniform(values: Any, low: float, high: float) -> None:
    """That 10,000 values lie in [low, high] and fill it evenly."""
    values = np.asarray(values)
    assert values.shape == (10_000,)
    assert (values >= np.float32(low)).all() and (values <= np.float32(high)).all()
    counts, _ = np.histogram(values, 10, (low, high))
    np.testing.assert_allclose(counts, 1_000, rtol=0.15)
