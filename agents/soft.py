"""What both soft actor-critics share: twin critics, moving targets, the temperature, and the order of an update."""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rlgen import networks, runtime
from rlgen.agents.off_policy import OffPolicyAgent, OffPolicyConfig
from rlgen.agents.replay import Batch
from rlgen.config import option

Floats = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SoftConfig(OffPolicyConfig):
    """One update for every environment step, in blocks that are one compiled call."""

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


class Temperature:
    """alpha, what a nat of entropy is worth: learned so that the policy keeps a target entropy, or fixed.

    Its logarithm is what learns, so that it stays positive.
    """

    def __init__(self, *, fixed: float | None, target_entropy: float, learning_rate: float) -> None:
        self.learned, self.target_entropy = fixed is None, target_entropy
        self.log = tf.Variable(math.log(fixed or 1.0), dtype=tf.float32)
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.optimizer.build([self.log])

    def value(self) -> Any:
        """alpha, float32 scalar."""
        return tf.exp(self.log)

    def update(self, log_prob: Any) -> Any:
        """One step, if it is learned, on log-probabilities of the policy, [B]; returns the loss."""
        with tf.GradientTape() as tape:
            loss = temperature_loss(self.log, log_prob, self.target_entropy)
        if self.learned:
            self.optimizer.apply_gradients([(tape.gradient(loss, self.log), self.log)])
        return loss

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"log": self.log, "optimizer": self.optimizer}


def temperature_loss(log_temperature: Any, log_prob: Any, target_entropy: float) -> Any:
    """-log alpha * (E[log pi] + target): descending it raises alpha while the entropy is below its target."""
    return -log_temperature * tf.stop_gradient(tf.reduce_mean(log_prob) + target_entropy)


def critic_loss(q_1: Any, q_2: Any, target: Any, weight: Any) -> Any:
    """Half the weighted mean squared errors of both critics; no gradient flows through the target, [B]."""
    target = tf.stop_gradient(target)
    return 0.5 * tf.reduce_mean(weight * ((q_1 - target) ** 2 + (q_2 - target) ** 2))


class SoftAgent(OffPolicyAgent):
    """Base of the soft actor-critics; a subclass says what values and policy are made of.

    Attributes:
        actor: the policy's network.
        critic_inputs: numbers a critic sees.
        critic_outputs: numbers a critic gives.
        target_entropy: what a learned temperature aims at, in nats.
    """

    scalar_names = (
        "train/loss",
        "train/critic_loss",
        "train/actor_loss",
        "train/ent_coef_loss",
        "train/ent_coef",
        "train/q_mean",
    )
    actor: Any
    critic_inputs: int
    critic_outputs: int
    target_entropy: float
    _twin: Any = None

    @abc.abstractmethod
    def next_value(self, batch: Batch, temperature: Any, number: Any) -> Any:
        """V(s') by the target critics and today's policy, [B]; compiled code."""

    @abc.abstractmethod
    def taken_values(self, batch: Batch) -> tuple[Any, Any]:
        """Q1 and Q2 of the actions taken, [B] each; compiled code."""

    @abc.abstractmethod
    def policy_loss(self, batch: Batch, temperature: Any, number: Any) -> tuple[Any, Any]:
        """What the policy descends, and the log-probability (or its mean over the actions), [B]."""

    def update(self, batch: Batch, number: Any) -> tuple[Any, Any]:
        """One step of the critics, then of the policy, then of the temperature; then the targets move.

        The critics regress on y = R + discount * V(s'). All three losses see the temperature as it was.
        """
        temperature = self.temperature.value()
        target = batch.reward + batch.discount * self.next_value(batch, temperature, number)
        variables = self._critic_variables
        with tf.GradientTape() as tape:
            q = self.taken_values(batch)
            loss = critic_loss(*q, target, batch.weight)
        self.critic_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        variables = self.actor.trainable_variables
        with tf.GradientTape() as tape:
            actor_loss, log_prob = self.policy_loss(batch, temperature, number)
        self.actor_optimizer.apply_gradients(zip(tape.gradient(actor_loss, variables), variables, strict=True))
        temperature_loss_ = self.temperature.update(log_prob)
        self._move_targets()
        total = loss + actor_loss + temperature_loss_
        scalars = tf.stack([total, loss, actor_loss, temperature_loss_, temperature, tf.reduce_mean(q[0])])
        return scalars, target - tf.minimum(*q)

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
            "temperature": self.temperature.state(),
            "actor_optimizer": self.actor_optimizer,
            "critic_optimizer": self.critic_optimizer,
        }

    def build_learner(self) -> None:
        """Both critics, their targets, which are copies, the temperature and the optimizers."""
        config = self.config
        self.critics, self.targets = (
            [self.network(self.critic_inputs, self.critic_outputs, name) for name in ("critic 1", "critic 2")]
            for _ in range(2)
        )
        self.temperature = Temperature(
            fixed=config.temperature,
            target_entropy=self.target_entropy,
            learning_rate=config.temperature_learning_rate,
        )
        self.actor_optimizer = keras.optimizers.Adam(config.actor_learning_rate)
        self.actor_optimizer.build(self.actor.trainable_variables)
        self.critic_optimizer = keras.optimizers.Adam(config.critic_learning_rate)
        self.critic_optimizer.build(self._critic_variables)

    def on_host_weights_changed(self) -> None:
        """The NumPy twin is of older weights."""
        self._twin = None

    def network(self, inputs: int, outputs: int, purpose: str) -> Any:
        """A multi-layer perceptron; two calls for one purpose give the same weights."""
        return networks.mlp(
            inputs=inputs,
            hidden_units=self.config.hidden_units,
            outputs=outputs,
            activation=self.config.activation,
            seed=runtime.derive_seed(self.seed, purpose),
        )

    def numpy_actor(self, observations: Floats) -> npt.NDArray[Any]:
        """What the policy's network puts out, [N, outputs], in NumPy."""
        if self._twin is None:
            self._twin = self.actor.get_weights()
        hidden = networks.numpy_dense(observations, self._twin[:-2], self.config.activation)
        return hidden @ self._twin[-2] + self._twin[-1]

    def _move_targets(self) -> None:
        rate = self.config.target_update_rate
        for target, critic in zip(self.targets, self.critics, strict=True):
            for slow, fast in zip(target.trainable_variables, critic.trainable_variables, strict=True):
                slow.assign(rate * fast + (1 - rate) * slow)

    @property
    def _critic_variables(self) -> list[Any]:
        return [variable for critic in self.critics for variable in critic.trainable_variables]
