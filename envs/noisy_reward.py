"""The reward replaced by noise of mean 1, on both engines: where Q-learning over-estimates and Double Q does not.

Source: the Double-Q post, which replaces CartPole's reward by N(1, std) to make over-estimation visible.
"""

from __future__ import annotations

from typing import Any, SupportsFloat

import gymnasium as gym
import tensorflow as tf

from rlgen import draws
from rlgen.environment import CompiledEnv, CompiledWrapper, Wrapper
from rlgen.errors import UserError


class NoisyReward(Wrapper):
    """Replace every training reward by N(1, std): `noisy_reward:1`."""

    training_only = shows_the_same = True

    def __init__(self, *, std: float) -> None:
        """Set the deviation.

        Raises:
            UserError: it is negative.
        """
        if std < 0:
            raise UserError(f"noisy_reward:{std:g} has a negative standard deviation; it has to be at least 0.")
        self.std = std

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """Drawn from the environment's own generator."""
        return HostNoisyReward(env, std=self.std)

    def on_compiled(self, env: CompiledEnv) -> CompiledEnv:
        """Drawn from a stateless seed."""
        return CompiledNoisyReward(env, std=self.std)


class HostNoisyReward(gym.Wrapper[Any, Any, Any, Any]):
    """A Gymnasium environment whose reward is N(1, std), drawn from the environment's own generator."""

    def __init__(self, env: gym.Env[Any, Any], *, std: float) -> None:
        super().__init__(env)
        self.std = std

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """The environment's step with another reward."""
        observation, _, terminated, truncated, info = self.env.step(action)
        return observation, float(self.np_random.normal(1.0, self.std)), terminated, truncated, info


class CompiledNoisyReward(CompiledWrapper):
    """The compiled counterpart of `HostNoisyReward`."""

    def __init__(self, env: CompiledEnv, *, std: float) -> None:
        super().__init__(env)
        self.std = std

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """The environment's step with another reward."""
        state, reward, terminated = self.env.step(state, action, seed)
        noise = draws.normal(reward.shape, seed + tf.constant([1, 0]))
        return state, 1.0 + self.std * noise, terminated
