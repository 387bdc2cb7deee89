"""Agents of TF-Agents that learn from two steps at a time, on our replay."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import gymnasium as gym
import tensorflow as tf

from rlgen import draws
from rlgen.agents.replay_agent import ReplayAgent, ReplayConfig
from rlgen.agents.tf_agents import library
from rlgen.agents.tf_agents.bridged import Bridged, within
from rlgen.agents.trajectory import Batch
from rlgen.errors import UserError
from rlgen.spec import Spec


class Replayed(Bridged, ReplayAgent):
    """Base of agents whose `train` takes trajectories of two steps.

    Discounts come with the batch, to the power of `n_step` and 0 after a termination, so an agent is built with a
    gamma of 1.

    Attributes:
        has_td_errors: whether its `train` says them for each example, by which transitions can be drawn.
    """

    draws_for = ("update",)
    has_td_errors: ClassVar[bool] = False

    def __init__(self, *, problem: str, config: ReplayConfig, seed: int, engine: str = "auto") -> None:
        if config.prioritized and not self.has_td_errors:
            raise UserError(
                f"{type(self).__name__} says no TD errors to draw transitions by: leave priority_exponent at 0."
            )
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        discrete = isinstance(self.action_space, gym.spaces.Discrete)
        self.action = Spec((), "int32") if discrete else Spec(tuple(self.action_space.shape or ()))

    @abc.abstractmethod
    def make_agent(self) -> Any:
        """As the base says, with a gamma of 1."""

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """As the agent collects, or, before learning starts, at random."""
        action = tf.cast(self.collected(observation, env_steps, noise), self.action.dtype)
        random = self._random((observation.shape[0], *self.action.shape), noise + tf.constant([0, 1]))
        return tf.where(env_steps < self.config.learning_starts_env_steps, random, action)

    def _random(self, shape: tuple[int, ...], seed: Any) -> Any:
        low, high = self.action_spec.minimum, self.action_spec.maximum
        if self.action.dtype == "int32":
            return draws.integers(shape, seed, int(high) + 1)
        low, high = (bound.reshape(self.action.shape) for bound in (low, high))
        return low + (high - low) * draws.uniform(shape, seed)

    # ---- learning -------------------------------------------------------------------------------------

    def update(self, batch: Batch, number: Any) -> tuple[dict[str, Any], Any]:
        """One call of the agent's `train`."""
        return self._learning(batch, number)

    def _train_on(self, batch: Batch, number: Any) -> tuple[dict[str, Any], Any]:
        self.clock = self.env_steps
        with within(self.seeds.draw("update", number)):
            seen = self.seen(batch)
            weights = batch.weight if self.config.prioritized else None
            info = self.agent.train(self.experience(batch), weights)
        errors = info.extra.td_error if self.has_td_errors else tf.zeros_like(batch.reward)
        return {**self.scalars(info), **seen}, errors

    def seen(self, batch: Batch) -> dict[str, Any]:
        """Further scalars of a batch, of the agent as it is before the update."""
        return {}

    def experience(self, batch: Batch) -> Any:
        """TF-Agents' trajectories of two steps, [B, 2, ...], in which nothing but the first is learned from."""
        kinds = library.time_steps.StepType
        ended = tf.where(batch.discount > 0, kinds.MID, kinds.LAST)
        middle = tf.fill(batch.reward.shape, kinds.MID)
        return library.trajectories.Trajectory(
            step_type=_pairs(middle, ended),
            observation=_pairs(batch.observation, batch.next_observation),
            action=_pairs(*(2 * [self.as_built(batch.action)])),
            policy_info=(),
            next_step_type=_pairs(ended, middle),
            reward=_pairs(batch.reward, batch.reward),
            discount=_pairs(self.discount(batch), batch.discount),
        )

    def discount(self, batch: Batch) -> Any:
        """What the agent is told of it, [B]: all of it."""
        return batch.discount

    def build_learner(self) -> None:
        """What optimizers keep is made when a first update is traced."""
        self._learning = tf.function(self._train_on, autograph=False)
        with self.recorded():
            self._learning.get_concrete_function(self._specimen(), tf.constant(1, tf.int64))

    def _specimen(self) -> Batch:
        size, shape = self.config.batch_size, self.observation.shape
        seen = tf.zeros((size, *shape), self.observation.dtype)
        taken, number = tf.zeros((size, *self.action.shape), self.action.dtype), tf.zeros((size,))
        return Batch(seen, taken, number, number, seen, number)


def _pairs(first: Any, second: Any) -> Any:
    """[B, 2, ...]."""
    return tf.stack([first, second], 1)
