"""Actions between bounds, for agents that think of them as numbers in [-1, 1]."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlgen import draws
from rlgen.agents.off_policy import OffPolicyAgent, OffPolicyConfig
from rlgen.envs.gymnasium import middle_and_half
from rlgen.spec import Spec


class BoundedAgent(OffPolicyAgent):
    """Base of off-policy agents for `Box` actions that have bounds.

    Attributes:
        action: of the environment's shape, in [-1, 1].
    """

    serves = (gym.spaces.Box,)
    wants = " between bounds (gymnasium.wrappers.TransformAction can give an environment a bounded space)"
    default_problem = "Pendulum-v1"
    default_steps = 20_000

    def __init__(self, *, problem: str, config: OffPolicyConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        low, high = self.action_space.low, self.action_space.high  # type: ignore[attr-defined]
        self.action = Spec(tuple(low.shape))
        self._middle, self._half = middle_and_half(low, high)

    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """Standard normal numbers, and uniform actions for the time before learning starts, [steps, N, A] each."""
        shape = (steps, self.config.num_envs, self.action.size)
        return draws.normal(shape, seed), draws.uniform(shape, seed + tf.constant([1, 0]), -1.0, 1.0)

    @classmethod
    def can_choose(cls, space: gym.Space[Any]) -> bool:
        """Only actions that lie between bounds."""
        return isinstance(space, gym.spaces.Box) and space.is_bounded()

    def to_environment(self, action: Any) -> Any:
        """From [-1, 1] to the bounds; NumPy, TensorFlow, or symbolic tensors of Keras, which have to stand first."""
        return action * self._half + self._middle
