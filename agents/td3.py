"""Twin delayed deep deterministic policy gradient, for continuous actions.

Source: Fujimoto, van Hoof and Meger (2018), "Addressing function approximation error in actor-critic methods".
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import draws, learning, networks
from rlgen.agents.agent import Observations
from rlgen.agents.bounded import BoundedAgent
from rlgen.agents.critics import TwinCritics, critic_loss
from rlgen.agents.off_policy import OffPolicyConfig
from rlgen.agents.trajectory import Batch
from rlgen.config import load_presets, option
from rlgen.schedules import Schedule
from rlgen.spec import Spec
from rlgen.values import MOST_STEPS


@dataclasses.dataclass(frozen=True, kw_only=True)
class TD3Config(OffPolicyConfig):
    """One update after each environment step."""

    presets = load_presets(Path(__file__).with_name("presets") / "td3.json")

    num_envs: int = option(1, "Environments stepped together.", at_least=1, at_most=65_536)
    batch_size: int = option(256, "Transitions in an update.", at_least=1)
    learning_starts_env_steps: int = option(
        1_000, "Environment steps with uniform actions, before the first update.", at_least=0, at_most=MOST_STEPS
    )
    train_every_env_steps: int = option(1, "Environment steps between blocks of updates.", at_least=1)
    updates_per_train: int = option(1, "Updates in a block.", at_least=1)
    actor_learning_rate: Schedule = option(1e-3, "Step size of the policy, clocked by environment steps.", above=0)
    critic_learning_rate: Schedule = option(1e-3, "Step size of both critics, clocked by environment steps.", above=0)
    policy_delay_updates: int = option(2, "Critic updates for one of the policy and of all targets.", at_least=1)
    target_update_rate: float = option(0.005, "tau: how far the targets move per update.", above=0, at_most=1)
    exploration_noise_std: Schedule = option(
        0.1,
        "Of the noise on actions when exploring, in units of half their range, clocked by environment steps.",
        at_least=0,
    )
    target_noise_std: float = option(
        0.2, "Of the noise on the target policy's actions, in units of half their range.", at_least=0
    )
    target_noise_clip: float = option(0.5, "That noise is clipped to this, in the same units.", above=0)


def smoothed(action: Any, noise: Any, clip: float) -> Any:
    """A target action in [-1, 1] with clipped noise on it, clipped to the bounds again; all [B, A]."""
    return tf.clip_by_value(action + tf.clip_by_value(noise, -clip, clip), -1.0, 1.0)


def td3_target(reward: Any, discount: Any, q_1: Any, q_2: Any) -> Any:
    """y = r + discount * min(Q1', Q2')(s', a'), [B]; discount is 0 after a termination."""
    return reward + discount * tf.minimum(q_1, q_2)


class TD3(BoundedAgent):
    """Twin delayed DDPG: a deterministic policy that waits for two critics that check each other."""

    Config = TD3Config
    draws_for = ("target noise",)
    symbolic = True
    # The policy and both critics; a target of each.
    learning_networks, following_networks = 3, 3

    def __init__(self, *, problem: str, config: TD3Config, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.actor = self.new_actor()

    # ---- acting ---------------------------------------------------------------------------------------

    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """pi(s), in the environment's units, [N, *action]."""
        return self.to_environment(self._actor_on_host(observations).reshape(-1, *self.action.shape))

    def greedy(self, observation: Any) -> Any:
        """The same, in TensorFlow."""
        return self.to_environment(keras.ops.reshape(self.actor(observation), (-1, *self.action.shape)))

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """The policy's action with noise on it, or, before learning starts, a uniform one."""
        normal, uniform = noise
        std = self.config.exploration_noise_std(env_steps)
        action = tf.clip_by_value(self.actor(observation) + std * normal, -1.0, 1.0)
        action = tf.where(env_steps < self.config.learning_starts_env_steps, uniform, action)
        return tf.reshape(action, (-1, *self.action.shape))

    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy."""
        shape = (len(observation), *self.action.shape)
        if env_steps < self.config.learning_starts_env_steps:
            return self.generator.uniform(-1, 1, shape).astype(np.float32)
        action = self._actor_on_host(observation)
        std = np.float32(self.config.exploration_noise_std(env_steps))
        noisy = action + std * self.generator.standard_normal(action.shape, np.float32)
        return np.clip(noisy, -1, 1).reshape(shape)

    # ---- learning -------------------------------------------------------------------------------------

    def update(self, batch: Batch, number: Any) -> tuple[dict[str, Any], Any]:
        """One step of the critics on y = r + discount * min Q'(s', pi'(s') + clipped noise); the policy every so many.

        The policy ascends Q1(s, pi(s)); with it all targets move.
        """
        config = self.config
        learning.set_learning_rate(self.critic_optimizer, config.critic_learning_rate, self.env_steps)
        learning.set_learning_rate(self.actor_optimizer, config.actor_learning_rate, self.env_steps)
        target = td3_target(batch.reward, batch.discount, *self._next_values(batch, number))
        action = tf.reshape(batch.action, (-1, self.action.size))
        with tf.GradientTape() as tape:
            q_1, q_2 = (q[:, 0] for q in self.critics.values([batch.observation, action]))
            loss = critic_loss(q_1, q_2, target, batch.weight)
        norm = learning.descend(tape, loss, self.critics.variables, self.critic_optimizer)
        due = tf.equal(number % config.policy_delay_updates, 0)
        actor_loss = tf.cond(due, lambda: self._update_policy(batch), lambda: tf.constant(0.0))
        scalars = {
            "train/critic_loss": loss,
            # Computed in one of so many updates, and reported as a mean over all of them.
            "train/actor_loss": actor_loss * config.policy_delay_updates,
            "train/q_mean": tf.reduce_mean(q_1),
            "train/grad_norm": norm,
        }
        return scalars, target - tf.minimum(q_1, q_2)

    def _next_values(self, batch: Batch, number: Any) -> tuple[Any, Any]:
        """Both targets' values of the successor and the smoothed target action, [B] each."""
        observation, config = batch.next_observation, self.config
        noise = draws.normal((config.batch_size, self.action.size), self.seeds.draw("target noise", number))
        action = smoothed(self.target_actor(observation), config.target_noise_std * noise, config.target_noise_clip)
        q_1, q_2 = (q[:, 0] for q in self.critics.target_values([observation, action]))
        return q_1, q_2

    def _update_policy(self, batch: Batch) -> Any:
        """One step of the policy on -E[Q1(s, pi(s))]; then the targets move; the loss."""
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(self.critics.pair[0]([batch.observation, self.actor(batch.observation)]))
        learning.descend(tape, loss, self.actor.trainable_variables, self.actor_optimizer)
        learning.follow(self.target_actor, self.actor, self.config.target_update_rate)
        self.critics.move_targets(self.config.target_update_rate)
        return loss

    # ---- parts ----------------------------------------------------------------------------------------

    def new_actor(self) -> Any:
        """The policy's network, [N, *shape] to [N, A] in (-1, 1); two calls give the same weights."""
        return networks.build(
            self.config.network, self.observation, self.action.size, self.options("actor"), activation="tanh"
        )

    def new_critic(self, purpose: str) -> Any:
        """Observation and action to Q(s, a), [B, 1]."""
        pair = (self.observation, Spec((self.action.size,)))
        return networks.build_pair(self.config.network, pair, 1, self.options(purpose))

    @functools.cached_property
    def _actor_on_host(self) -> Any:
        return networks.on_host(self.actor)

    def build_learner(self) -> None:
        """Critics, targets and optimizers."""
        self.critics, self.target_actor = TwinCritics(self.new_critic), self.new_actor()
        self.target_actor.set_weights(self.actor.get_weights())
        config, variables = self.config, self.actor.trainable_variables
        self.actor_optimizer = learning.make_optimizer("adam", config.actor_learning_rate, variables)
        self.critic_optimizer = learning.make_optimizer("adam", config.critic_learning_rate, self.critics.variables)

    def inference_state(self) -> dict[str, Any]:
        """The policy."""
        return {"actor": self.actor}

    def learned_state(self) -> dict[str, Any]:
        """Policy, critics and their targets."""
        return {
            "actor": self.actor,
            "target_actor": self.target_actor,
            "critics": self.critics.pair,
            "targets": self.critics.targets,
        }

    def learner_state(self) -> dict[str, Any]:
        """What was learned, and the optimizers."""
        optimizers = {"actor_optimizer": self.actor_optimizer, "critic_optimizer": self.critic_optimizer}
        return {**self.learned_state(), **optimizers}
