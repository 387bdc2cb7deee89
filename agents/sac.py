"""Soft actor-critic for continuous actions.

Sources: Haarnoja et al. (2018), "Soft actor-critic algorithms and applications"; twin critics after Fujimoto et
al. (2018).
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

from rlgen import networks, runtime
from rlgen.agents.off_policy import OffPolicyAgent, OffPolicyConfig
from rlgen.agents.replay import Batch
from rlgen.config import load_presets, option
from rlgen.errors import UserError

Floats = npt.NDArray[np.float32]
LOG_STD_RANGE = (-20.0, 2.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SACConfig(OffPolicyConfig):
    """One update for every environment step, in blocks that are one compiled call."""

    presets = load_presets(Path(__file__).with_name("presets") / "sac.json")

    num_envs: int = option(1, "Environments stepped together.", at_least=1, at_most=65_536)
    batch_size: int = option(256, "Transitions in an update.", at_least=1)
    learning_starts_env_steps: int = option(
        128, "Environment steps with uniform actions, before the first update.", at_least=0
    )
    train_every_env_steps: int = option(64, "Environment steps between blocks of updates.", at_least=1)
    updates_per_train: int = option(64, "Updates in a block.", at_least=1)
    hidden_units: tuple[int, ...] = option((256, 256), "Units of the hidden layers of all networks.", at_least=1)
    activation: networks.Activation = option("relu", "Between the layers.")
    actor_learning_rate: float = option(3e-4, "Adam's step size, policy.", above=0)
    critic_learning_rate: float = option(3e-4, "Adam's step size, both critics.", above=0)
    temperature_learning_rate: float = option(3e-4, "Adam's step size, log temperature.", above=0)
    target_update_rate: float = option(0.005, "tau: how far the targets move per update.", above=0, at_most=1)
    temperature: float | None = option(None, "alpha, fixed; none: learned from 1.", above=0)
    target_entropy: float | None = option(
        None, "Of a learned temperature, in nats; none: minus the numbers in an action."
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.temperature is not None and self.target_entropy is not None:
            raise UserError("target_entropy is what a learned temperature aims at: leave temperature out, or it.")


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
    """V(s) = min(Q1, Q2)(s, a) - alpha log pi(a|s), [B]."""
    return tf.minimum(q_1, q_2) - temperature * log_prob


def critic_loss(q_1: Any, q_2: Any, target: Any, weight: Any) -> Any:
    """Half the weighted mean squared errors of both critics; no gradient flows through the target, [B]."""
    target = tf.stop_gradient(target)
    return 0.5 * tf.reduce_mean(weight * ((q_1 - target) ** 2 + (q_2 - target) ** 2))


def temperature_loss(log_temperature: Any, log_prob: Any, target_entropy: float) -> Any:
    """-log alpha * E[log pi + target]: falls when alpha grows while the entropy is below its target."""
    return -log_temperature * tf.stop_gradient(tf.reduce_mean(log_prob) + target_entropy)


class SAC(OffPolicyAgent):
    """Soft actor-critic: a random policy that is paid for being random, and two critics that check each other."""

    Config = SACConfig
    default_problem = "Pendulum-v1"
    default_steps = 20_000
    serves = (gym.spaces.Box,)
    scalar_names = ("train/critic_loss", "train/actor_loss", "train/ent_coef_loss", "train/ent_coef", "train/q_mean")

    def __init__(self, *, problem: str, config: SACConfig, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        low, high = self.action_space.low, self.action_space.high  # type: ignore[attr-defined]
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise UserError(
                f"The actions of '{problem}' have no bounds, and SAC's lie between bounds: wrap the environment in "
                "gymnasium.wrappers.RescaleAction or ClipAction with bounds of your choice."
            )
        self.action_shape, self.action_dtype = tuple(low.shape), tf.float32
        self.action_size = int(np.prod(low.shape))
        self._middle, self._half = ((high + low) / 2).astype(np.float32), ((high - low) / 2).astype(np.float32)
        self.actor = self._mlp(self.observation_size, 2 * self.action_size, "actor")
        self._twin: Any = None

    def policy(self, observations: Floats) -> npt.NDArray[Any]:
        """tanh of the mean, in the environment's units, [N, *action]."""
        mean = self._numpy_parameters(observations)[:, : self.action_size]
        return self.to_environment(np.tanh(mean).reshape(-1, *self.action_shape))

    def to_environment(self, action: Any) -> Any:
        """From [-1, 1] to the bounds."""
        return self._middle + self._half * action

    def inference_state(self) -> dict[str, Any]:
        """The policy."""
        self._twin = None
        return {"actor": self.actor}

    def learner_state(self) -> dict[str, Any]:
        """Policy, critics, their targets, the temperature and the optimizers."""
        return {
            "actor": self.actor,
            "critics": self.critics,
            "targets": self.targets,
            "log_temperature": self.log_temperature,
            "actor_optimizer": self.actor_optimizer,
            "critic_optimizer": self.critic_optimizer,
            "temperature_optimizer": self.temperature_optimizer,
        }

    def build_learner(self) -> None:
        """Both critics, their targets, which are copies, the temperature and the optimizers."""
        config, inputs = self.config, self.observation_size + self.action_size
        self.critics = [self._mlp(inputs, 1, name) for name in ("critic 1", "critic 2")]
        self.targets = [self._mlp(inputs, 1, name) for name in ("critic 1", "critic 2")]
        self.log_temperature = tf.Variable(math.log(config.temperature or 1.0), dtype=tf.float32)
        self.target_entropy = -float(self.action_size) if config.target_entropy is None else config.target_entropy
        rates = (config.actor_learning_rate, config.critic_learning_rate, config.temperature_learning_rate)
        optimizers = [keras.optimizers.Adam(rate) for rate in rates]
        self.actor_optimizer, self.critic_optimizer, self.temperature_optimizer = optimizers
        learned = (self.actor.trainable_variables, self._critic_variables, [self.log_temperature])
        for optimizer, variables in zip(optimizers, learned, strict=True):
            optimizer.build(variables)
        self._noise_seeds = [runtime.derive_seed(self.seed, use) for use in ("next action", "action")]

    def update(self, batch: Batch, number: Any) -> tuple[Any, Any]:
        """One step of the critics, then of the policy, then of the temperature; then the targets move.

        y = R + discount * (min Q_target(s', a') - alpha log pi(a'|s')), a' ~ pi; the policy ascends
        E[min Q(s, a) - alpha log pi(a|s)], a ~ pi; all three losses see the temperature as it was.
        """
        temperature = tf.exp(self.log_temperature)
        next_action, next_log_prob = self._act(batch.next_observation, self._noise_seeds[0], number)
        next_q = self._values(self.targets, batch.next_observation, next_action)
        target = batch.reward + batch.discount * soft_value(*next_q, next_log_prob, temperature)
        taken = tf.reshape(batch.action, (-1, self.action_size))
        with tf.GradientTape() as tape:
            q = self._values(self.critics, batch.observation, taken)
            loss = critic_loss(*q, target, batch.weight)
        variables = self._critic_variables
        self.critic_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        with tf.GradientTape() as tape:
            action, log_prob = self._act(batch.observation, self._noise_seeds[1], number)
            ours = self._values(self.critics, batch.observation, action)
            actor_loss = -tf.reduce_mean(soft_value(*ours, log_prob, temperature))
        variables = self.actor.trainable_variables
        self.actor_optimizer.apply_gradients(zip(tape.gradient(actor_loss, variables), variables, strict=True))
        with tf.GradientTape() as tape:
            alpha_loss = temperature_loss(self.log_temperature, log_prob, self.target_entropy)
        if self.config.temperature is None:
            slope = tape.gradient(alpha_loss, self.log_temperature)
            self.temperature_optimizer.apply_gradients([(slope, self.log_temperature)])
        self._move_targets()
        scalars = tf.stack([loss, actor_loss, alpha_loss, temperature, tf.reduce_mean(q[0])])
        return scalars, target - tf.minimum(*q)

    def explore(self, observation: Any, env_steps: Any, seed: Any) -> Any:
        """A draw from the policy, or, before learning starts, a uniform one."""
        noise = tf.random.stateless_normal((self.config.num_envs, self.action_size), seed)
        action, _ = squashed_sample(self.actor(observation), noise)
        uniform = tf.random.stateless_uniform(action.shape, seed + tf.constant([1, 0]), -1.0, 1.0)
        action = tf.where(env_steps < self.config.learning_starts_env_steps, uniform, action)
        return tf.reshape(action, (-1, *self.action_shape))

    def explore_on_host(self, observation: Floats, env_steps: int) -> npt.NDArray[Any]:
        """The same in NumPy."""
        shape = (len(observation), *self.action_shape)
        if env_steps < self.config.learning_starts_env_steps:
            return self.generator.uniform(-1, 1, shape).astype(np.float32)
        mean, log_std = np.split(self._numpy_parameters(observation), 2, -1)
        noise = self.generator.standard_normal(mean.shape, np.float32)
        return np.tanh(mean + np.exp(np.clip(log_std, *LOG_STD_RANGE)) * noise).reshape(shape)

    def on_host_weights_changed(self) -> None:
        """The NumPy twin is of older weights."""
        self._twin = None

    def _act(self, observation: Any, seed: int, number: Any) -> tuple[Any, Any]:
        shape = (observation.shape[0], self.action_size)
        noise = tf.random.stateless_normal(shape, runtime.stateless(seed, number))
        return squashed_sample(self.actor(observation), noise)

    def _values(self, critics: list[Any], observation: Any, action: Any) -> tuple[Any, Any]:
        pair = tf.concat([observation, action], -1)
        return critics[0](pair)[:, 0], critics[1](pair)[:, 0]

    def _move_targets(self) -> None:
        rate = self.config.target_update_rate
        for target, critic in zip(self.targets, self.critics, strict=True):
            for slow, fast in zip(target.trainable_variables, critic.trainable_variables, strict=True):
                slow.assign(rate * fast + (1 - rate) * slow)

    @property
    def _critic_variables(self) -> list[Any]:
        return [variable for critic in self.critics for variable in critic.trainable_variables]

    def _mlp(self, inputs: int, outputs: int, purpose: str) -> Any:
        """Two calls for one purpose give two networks with the same weights."""
        return networks.mlp(
            inputs=inputs,
            hidden_units=self.config.hidden_units,
            outputs=outputs,
            activation=self.config.activation,
            seed=runtime.derive_seed(self.seed, purpose),
        )

    def _numpy_parameters(self, observations: Floats) -> npt.NDArray[Any]:
        if self._twin is None:
            self._twin = self.actor.get_weights()
        hidden = networks.numpy_dense(observations, self._twin[:-2], self.config.activation)
        return hidden @ self._twin[-2] + self._twin[-1]
