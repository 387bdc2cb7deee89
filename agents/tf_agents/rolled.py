"""Agents of TF-Agents that learn from rollouts, and throw them away."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen.agents.rollout_agent import RolloutAgent
from rlgen.agents.tf_agents import library
from rlgen.agents.tf_agents.bridged import Bridged, within
from rlgen.agents.trajectory import Transitions


class Rolled(Bridged, RolloutAgent):
    """Base of agents whose `train` takes what every environment did, one after another."""

    draws_for = ("update",)

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """As the agent collects."""
        dtype = tf.int32 if isinstance(self.action_space, gym.spaces.Discrete) else tf.float32
        return tf.cast(self.collected(observation, env_steps, noise), dtype)

    def to_environment(self, action: Any) -> Any:
        """Clipped to the bounds, of which a normal distribution knows nothing."""
        space = self.action_space
        return np.clip(action, space.low, space.high) if isinstance(space, gym.spaces.Box) else action

    def to_compiled_environment(self, action: Any) -> Any:
        """The same in TensorFlow."""
        space = self.action_space
        return tf.clip_by_value(action, space.low, space.high) if isinstance(space, gym.spaces.Box) else action

    # ---- learning -------------------------------------------------------------------------------------

    def begin_update(self, env_steps: Any) -> None:
        """Schedules follow the environment steps."""
        self.clock = env_steps

    def update(self, rows: Transitions) -> dict[str, Any]:
        """One call of the agent's `train`."""
        return self._learning(rows, self.clock)

    def _train_on(self, rows: Transitions, env_steps: Any) -> dict[str, Any]:
        self.clock = env_steps
        with within(self.seeds.draw("update", self.updates)):
            return self.scalars(self.agent.train(self.experience(rows)))

    def experience(self, rows: Transitions) -> Any:
        """TF-Agents' trajectories, [N, T, ...], of rows [T, N, ...]."""
        kinds = library.time_steps.StepType
        middle = tf.fill(rows.reward.shape, kinds.MID)
        fields = {
            "step_type": middle,
            "observation": rows.observation,
            "action": self.as_built(rows.action),
            "next_step_type": tf.where(rows.done, kinds.LAST, kinds.MID),
            "reward": rows.reward,
            "discount": 1 - tf.cast(rows.terminated, tf.float32),
        }
        by_env = {name: turned(field) for name, field in fields.items()}
        return library.trajectories.Trajectory(policy_info=(), **by_env)

    def build_learner(self) -> None:
        """What optimizers keep is made when a first update is traced."""
        self._learning = tf.function(self._train_on, autograph=False)
        with self.recorded():
            self._learning.get_concrete_function(self._specimen(), tf.constant(0, tf.int64))

    def _specimen(self) -> Transitions:
        size = (self.config.rollout_steps, self.config.num_envs)
        seen, no = tf.zeros((*size, *self.observation.shape), self.observation.dtype), tf.zeros(size, tf.bool)
        taken = tf.zeros((*size, *(self.action_space.shape or ())), self.action_spec.dtype)
        return Transitions(seen, taken, tf.zeros(size), no, no, seen)

    @property
    def examples(self) -> int:
        """A rollout."""
        return self.step_quantum


def turned(x: Any) -> Any:
    """[T, N, ...] as [N, T, ...]."""
    return tf.transpose(x, (1, 0, *range(2, x.shape.rank)))
