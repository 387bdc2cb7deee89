"""What an agent has learned as a function on observations, for programs that know nothing of it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import keras
import numpy as np
import numpy.typing as npt

from rlgen import runtime
from rlgen.envs.gymnasium import to_space
from rlgen.served import Arrays, Served, Tensors
from rlgen.spec import Spec

if TYPE_CHECKING:
    from rlgen.agents.agent import Agent

# Environments played to meet observations, and every how many steps one acts at random: states that a good policy
# alone never sees are some of those it will be asked about.
PLAYED, RANDOM_EVERY = 4, 4


def act(agent: Agent) -> Served:
    """Observations as the environment shows them to actions as it takes them, and what they were chosen by.

    An observation in a dictionary or tuple of spaces is given as Gymnasium flattens it.
    """
    space, seen = agent.observation_space, agent.observation
    shape = tuple(space.shape) if isinstance(space, gym.spaces.Box) else seen.shape

    def function(inputs: Tensors) -> Tensors:
        observation = keras.ops.reshape(keras.ops.cast(inputs["observation"], seen.dtype), (-1, *seen.shape))
        found = agent.answers(observation)
        return {**found, "action": in_space(agent.action_space, found["action"])}

    def reference(inputs: Arrays) -> Arrays:
        found = agent.answers_on_host(inputs["observation"].reshape(-1, *seen.shape))
        return {**found, "action": to_space(agent.action_space, found["action"])}

    def fresh(count: int, seed: int) -> Arrays:
        return {"observation": met(agent, count, seed).reshape(-1, *shape)}

    return Served(
        about=f"The action that {type(agent).__name__} thinks best on {agent.problem}.",
        inputs={"observation": Spec(shape, seen.dtype)},
        function=function,
        reference=reference,
        fresh=fresh,
        in_keras=function if agent.symbolic else None,
    )


def in_space(space: gym.Space[Any], action: Any) -> Any:
    """`envs.gymnasium.to_space` in TensorFlow: actions counted from 0, or numbers, as elements of a space."""
    if isinstance(space, gym.spaces.Box):
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
        action = keras.ops.minimum(keras.ops.maximum(action, low), high)
        whole = np.issubdtype(space.dtype, np.integer)
        return keras.ops.cast(keras.ops.round(action) if whole else action, space.dtype)
    start = getattr(space, "start", 0)
    action = keras.ops.cast(action, "int64")
    return action + np.asarray(start, np.int64) if np.any(start) else action


def met(agent: Agent, count: int, seed: int) -> npt.NDArray[Any]:
    """Observations, [count, *shape] as the agent sees them, of episodes that it plays in environments of its own."""
    envs = agent.environments.judging(num_envs=PLAYED)
    choices = copy.deepcopy(agent.action_space)
    choices.seed(runtime.derive_seed(seed, "actions met") % 2**31)
    seeds = (runtime.derive_seed(seed, "episodes met", i) % 2**31 for i in range(count + PLAYED))
    every = range(envs.num_envs)
    observations = np.stack([envs.reset(i, seed=next(seeds)) for i in every])
    found = [observations]
    for step in range(1, -(-count // envs.num_envs)):
        chance = step % RANDOM_EVERY == 0
        actions = _random(choices, envs.num_envs) if chance else agent.policy(observations)
        following, _, terminated, truncated = envs.step(every, actions)
        over = np.flatnonzero(terminated | truncated)
        observations = following.copy()
        for i in over:
            observations[i] = envs.reset(int(i), seed=next(seeds))
        found.append(observations)
    return np.concatenate(found)[:count]


def _random(space: gym.Space[Any], count: int) -> npt.NDArray[Any]:
    """Actions as an agent counts them, from 0."""
    return np.stack([np.asarray(space.sample()) - getattr(space, "start", 0) for _ in range(count)])
