"""A tiny environment with any spaces, an example of every kind of space Gymnasium has, and tiny agents for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rlgen import registry

# What makes an agent cheap, whichever of these fields it has.
TINY: dict[str, Any] = {
    "num_envs": 2,
    "hidden_units": (4,),
    "batch_size": 4,
    "replay_capacity": 64,
    "learning_starts_env_steps": 8,
    "train_every_env_steps": 8,
    "updates_per_train": 1,
    "rollout_steps": 4,
    "wrappers": ("time_limit:4",),
}
BOX = spaces.Box(-1, 1, (3,), np.float32)
ACTIONS: dict[str, spaces.Space[Any]] = {
    "Discrete": spaces.Discrete(3),
    "MultiDiscrete": spaces.MultiDiscrete([2, 3]),
    "Box, bounded": spaces.Box(np.float32([-0.3, 1]), np.float32([0.7, 9.1])),
    "Box, unbounded": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "MultiBinary": spaces.MultiBinary(4),
    "Dict": spaces.Dict({"move": spaces.Discrete(2), "force": BOX}),
    "Tuple": spaces.Tuple((spaces.Discrete(2), BOX)),
    "Sequence": spaces.Sequence(spaces.Discrete(3)),
    "Graph": spaces.Graph(BOX, None),
    "Text": spaces.Text(5, charset="ab"),
    "OneOf": spaces.OneOf((spaces.Discrete(2), BOX)),
}
OBSERVATIONS: dict[str, spaces.Space[Any]] = {
    "Box": BOX,
    "Box, an image": spaces.Box(0, 255, (4, 4, 3), np.uint8),
    "Box, a grey image": spaces.Box(0, 255, (4, 4), np.uint8),
    "Box, planes": spaces.Box(0, 1, (4, 4, 2), np.bool_),
    **{name: space for name, space in ACTIONS.items() if not name.startswith("Box")},
}


class AnySpaces(gym.Env[Any, Any]):
    """Whatever is done, the next observation is drawn at random; an action outside its space is a fault."""

    def __init__(self, observations: spaces.Space[Any], actions: spaces.Space[Any], *, length: int = 5) -> None:
        self.observation_space, self.action_space, self.length = observations, actions, length

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.steps += 1
        return self.observation_space.sample(), 1.0, self.steps >= self.length, False, {}


@contextmanager
def registered(name: str, observations: spaces.Space[Any], actions: spaces.Space[Any]) -> Iterator[str]:
    """`AnySpaces` with these spaces under a name, for as long as it is needed."""

    def make() -> AnySpaces:
        return AnySpaces(observations, actions)

    registry.register("env", name)(make)
    try:
        yield name
    finally:
        registry.unregister("env", name)


def tiny(cls: type[Any], problem: str, **changes: Any) -> Any:
    """An agent of this class for an environment, on Gymnasium's engine: what a stranger's environment has."""
    return cls(problem=problem, config=cls.Config.build(tiny_fields(cls) | changes), seed=0, engine="gymnasium")


def tiny_fields(cls: type[Any]) -> dict[str, Any]:
    """Those of the fields in `TINY` that an agent's configuration has."""
    tiny = {**TINY, "epochs": 1}
    return {row["name"]: tiny[row["name"]] for row in cls.Config.describe() if row["name"] in tiny}


def use(agent: Any) -> None:
    """Train a few steps, play two episodes, act on one observation; the action has to lie in its space."""
    scalars = agent.train(16)
    assert scalars["work/env_steps"] == 16
    assert all(np.isfinite(value) for value in scalars.values())
    evaluation = agent.evaluate(episodes=2, seed=0, split="test")
    assert evaluation.episodes == 2
    assert all(np.isfinite(value) for value in evaluation.scalars.values())
    agent.observation_space.seed(0)
    assert agent.action_space.contains(agent.act(agent.observation_space.sample()))
    agent.close()
