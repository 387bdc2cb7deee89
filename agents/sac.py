"""Soft actor-critic for continuous and for discrete actions.

Sources: Haarnoja et al. (2018), "Soft actor-critic algorithms and applications"; Christodoulou (2019), "Soft
actor-critic for discrete action settings"; twin critics after Fujimoto et al. (2018).
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import gymnasium as gym
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import draws, networks
from rlgen.agents.action_heads import CategoricalHead
from rlgen.agents.agent import Observations
from rlgen.agents.bounded import BoundedAgent
from rlgen.agents.soft import SoftAgent, SoftConfig
from rlgen.agents.trajectory import Batch
from rlgen.config import load_presets, option
from rlgen.spec import Spec

LOG_STD_RANGE = (-20.0, 2.0)
PRESETS = load_presets(Path(__file__).with_name("presets") / "sac.json")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SACConfig(SoftConfig):
    """A learned temperature keeps the entropy at minus the numbers in an action."""

    presets = PRESETS["sac"]

    target_entropy_per_number: float = option(
        -1.0, "What a learned temperature aims at, in nats for each number in an action."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiscreteSACConfig(SoftConfig):
    """A learned temperature keeps the entropy at a share of that of uniform choice."""

    presets = PRESETS["discrete_sac"]

    target_entropy_share: float = option(
        0.5, "Of a learned temperature: share of log |A|, the entropy of uniform choice.", at_least=0, at_most=1
    )


def squashed_sample(parameters: Any, noise: Any) -> tuple[Any, Any]:
    """An action in (-1, 1), [B, A], and its exact log-probability, [B].

    a = tanh(u) with u normal: log pi(a) = log N(u) - sum log(1 - tanh(u)^2), the last term written so that it
    neither overflows nor loses digits: 2 (log 2 - u - softplus(-2u)).

    Args:
        parameters: float32 [B, 2 A], means and log standard deviations.
        noise: standard normal, float32 [B, A].
    """
    mean, log_std = tf.split(parameters, 2, -1)
    log_std = tf.clip_by_value(log_std, *LOG_STD_RANGE)
    u = mean + tf.exp(log_std) * noise
    normal = -0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi)
    squash = 2 * (math.log(2) - u - tf.nn.softplus(-2 * u))
    return tf.tanh(u), tf.reduce_sum(normal - squash, -1)


def soft_value(q_1: Any, q_2: Any, log_prob: Any, temperature: Any) -> Any:
    """min(Q1, Q2)(s, a) - alpha log pi(a|s), of any shape."""
    return tf.minimum(q_1, q_2) - temperature * log_prob


def expected_soft_value(q_1: Any, q_2: Any, logits: Any, temperature: Any) -> tuple[Any, Any]:
    """(V(s) = sum over a of pi(a|s) (min Q - alpha log pi), sum over a of pi log pi), [B] each, of [B, A]."""
    log_prob = tf.nn.log_softmax(logits)
    probability = tf.exp(log_prob)
    value = tf.reduce_sum(probability * soft_value(q_1, q_2, log_prob, temperature), -1)
    return value, tf.reduce_sum(probability * log_prob, -1)


class SAC(BoundedAgent, SoftAgent):
    """Soft actor-critic: a random policy that is paid for being random, and two critics that check each other."""

    Config = SACConfig
    draws_for = ("next action", "action")
    symbolic = True

    def __init__(self, *, problem: str, config: SACConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.actor = self.new_actor(2 * self.action.size)
        self.target_entropy = config.target_entropy_per_number * self.action.size

    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """tanh of the mean, in the environment's units, [N, *action]."""
        mean = self.actor_on_host(observations)[:, : self.action.size]
        return self.to_environment(np.tanh(mean).reshape(-1, *self.action.shape))

    def greedy(self, observation: Any) -> Any:
        """The same, in TensorFlow."""
        mean = self.actor(observation)[:, : self.action.size]
        return self.to_environment(keras.ops.reshape(keras.ops.tanh(mean), (-1, *self.action.shape)))

    def new_critic(self, purpose: str) -> Any:
        """Observation and action to Q(s, a), [B, 1]."""
        pair = (self.observation, Spec((self.action.size,)))
        return networks.build_pair(self.config.network, pair, 1, self.options(purpose))

    def next_value(self, batch: Batch, temperature: Any, number: Any) -> Any:
        """min Q_target(s', a') - alpha log pi(a'|s'), a' ~ pi."""
        action, log_prob = self._act(batch.next_observation, "next action", number)
        q_1, q_2 = self.critics.target_values([batch.next_observation, action])
        return soft_value(q_1[:, 0], q_2[:, 0], log_prob, temperature)

    def taken_values(self, batch: Batch) -> tuple[Any, Any]:
        """Q1(s, a), Q2(s, a)."""
        action = tf.reshape(batch.action, (-1, self.action.size))
        q_1, q_2 = self.critics.values([batch.observation, action])
        return q_1[:, 0], q_2[:, 0]

    def policy_loss(self, batch: Batch, temperature: Any, number: Any) -> tuple[Any, Any]:
        """-E[min Q(s, a) - alpha log pi(a|s)], a ~ pi by reparameterisation."""
        action, log_prob = self._act(batch.observation, "action", number)
        q_1, q_2 = self.critics.values([batch.observation, action])
        return -tf.reduce_mean(soft_value(q_1[:, 0], q_2[:, 0], log_prob, temperature)), log_prob

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """A draw from the policy, or, before learning starts, a uniform one."""
        normal, uniform = noise
        action, _ = squashed_sample(self.actor(observation), normal)
        action = tf.where(env_steps < self.config.learning_starts_env_steps, uniform, action)
        return tf.reshape(action, (-1, *self.action.shape))

    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy."""
        shape = (len(observation), *self.action.shape)
        if env_steps < self.config.learning_starts_env_steps:
            return self.generator.uniform(-1, 1, shape).astype(np.float32)
        mean, log_std = np.split(self.actor_on_host(observation), 2, -1)
        noise = self.generator.standard_normal(mean.shape, np.float32)
        return np.tanh(mean + np.exp(np.clip(log_std, *LOG_STD_RANGE)) * noise).reshape(shape)

    def _act(self, observation: Any, purpose: str, number: Any) -> tuple[Any, Any]:
        seed = self.seeds.draw(purpose, number)
        noise = draws.normal((observation.shape[0], self.action.size), seed)
        return squashed_sample(self.actor(observation), noise)


class DiscreteSAC(SoftAgent):
    """Soft actor-critic for discrete actions: expectations over all of them instead of samples."""

    Config = DiscreteSACConfig
    default_steps = 200_000
    serves = (gym.spaces.Discrete,)
    symbolic = True

    def __init__(self, *, problem: str, config: DiscreteSACConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        self.head = CategoricalHead(self.action_space)  # type: ignore[arg-type]
        self.actor = self.new_actor(self.head.outputs)
        self.target_entropy = config.target_entropy_share * math.log(self.head.outputs)

    def policy(self, observations: Observations) -> npt.NDArray[Any]:
        """The most probable action, int32 [N]."""
        return self.head.mode_on_host(self.actor_on_host(observations))

    def greedy(self, observation: Any) -> Any:
        """The same, in TensorFlow."""
        return self.head.mode(self.actor(observation))

    def new_critic(self, purpose: str) -> Any:
        """Observation to Q(s, a) of every action, [B, A]."""
        return networks.build(self.config.network, self.observation, self.head.outputs, self.options(purpose))

    def next_value(self, batch: Batch, temperature: Any, number: Any) -> Any:
        """E over a' of min Q_target(s', a') - alpha log pi(a'|s')."""
        q_1, q_2 = self.critics.target_values(batch.next_observation)
        return expected_soft_value(q_1, q_2, self.actor(batch.next_observation), temperature)[0]

    def taken_values(self, batch: Batch) -> tuple[Any, Any]:
        """Q1(s, a), Q2(s, a)."""
        q_1, q_2 = (tf.gather(q, batch.action, batch_dims=1) for q in self.critics.values(batch.observation))
        return q_1, q_2

    def policy_loss(self, batch: Batch, temperature: Any, number: Any) -> tuple[Any, Any]:
        """-E[V(s)]; no gradient flows into the critics, which are another optimizer's."""
        q_1, q_2 = self.critics.values(batch.observation)
        value, negative_entropy = expected_soft_value(q_1, q_2, self.actor(batch.observation), temperature)
        return -tf.reduce_mean(value), negative_entropy

    def exploration_noise(self, steps: int, seed: Any) -> Any:
        """As the head draws it."""
        return self.head.noise((steps, self.config.num_envs), seed)

    def explore(self, observation: Any, env_steps: Any, noise: Any) -> Any:
        """A draw from the policy, or, before learning starts, a uniform one."""
        logits = self.actor(observation)
        logits = tf.where(env_steps < self.config.learning_starts_env_steps, tf.zeros_like(logits), logits)
        return self.head.sample(logits, noise)

    def explore_on_host(self, observation: Observations, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy."""
        logits = self.actor_on_host(observation)
        if env_steps < self.config.learning_starts_env_steps:
            logits = np.zeros_like(logits)
        return self.head.sample_on_host(logits, self.generator)
