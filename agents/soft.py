"""What both soft actor-critics share: twin critics, moving targets, the temperature, and the order of an update."""

from __future__ import annotations

import abc
import dataclasses
import functools
import math
from typing import Any, Literal

import tensorflow as tf

from rlgen import learning, networks
from rlgen.agents.critics import TwinCritics, critic_loss
from rlgen.agents.off_policy import OffPolicyAgent, OffPolicyConfig
from rlgen.agents.trajectory import Batch
from rlgen.config import option
from rlgen.schedules import Schedule
from rlgen.values import MOST_STEPS


@dataclasses.dataclass(frozen=True, kw_only=True)
class SoftConfig(OffPolicyConfig):
    """One update after every environment step."""

    num_envs: int = option(1, "Environments stepped together.", at_least=1, at_most=65_536)
    batch_size: int = option(256, "Transitions in an update.", at_least=1)
    learning_starts_env_steps: int = option(
        128, "Environment steps with uniform actions, before the first update.", at_least=0, at_most=MOST_STEPS
    )
    train_every_env_steps: int = option(1, "Environment steps between blocks of updates.", at_least=1)
    updates_per_train: int = option(1, "Updates in a block.", at_least=1)
    actor_learning_rate: Schedule = option(3e-4, "Step size of the policy, clocked by environment steps.", above=0)
    critic_learning_rate: Schedule = option(3e-4, "Step size of both critics, clocked by environment steps.", above=0)
    temperature_learning_rate: Schedule = option(
        3e-4, "Step size of log temperature, clocked by environment steps.", above=0
    )
    target_update_rate: float = option(0.005, "tau: how far the targets move per update.", above=0, at_most=1)
    temperature: Literal["learned"] | float = option(
        "learned", "alpha, what a nat of entropy is worth: learned, from 1, or fixed at a number.", above=0
    )


class Temperature:
    """alpha, what a nat of entropy is worth: learned so that the policy keeps a target entropy, or fixed.

    Its logarithm is what learns, so that it stays positive.
    """

    def __init__(self, *, temperature: str | float, target_entropy: float, learning_rate: Schedule) -> None:
        """Start at 1, or at a fixed value.

        Args:
            temperature: "learned", or the value.
            target_entropy: in nats.
            learning_rate: of its logarithm.
        """
        self.learned, self.target_entropy = temperature == "learned", target_entropy
        self.log = tf.Variable(math.log(1.0 if self.learned else float(temperature)), dtype=tf.float32)
        self.optimizer = learning.make_optimizer("adam", learning_rate, [self.log])

    def value(self) -> Any:
        """alpha, float32 scalar."""
        return tf.exp(self.log)

    def update(self, log_prob: Any) -> Any:
        """One step, if it is learned, on log-probabilities of the policy, [B]; returns the loss."""
        with tf.GradientTape() as tape:
            loss = temperature_loss(self.log, log_prob, self.target_entropy)
        if self.learned:
            learning.descend(tape, loss, [self.log], self.optimizer)
        return loss

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"log": self.log, "optimizer": self.optimizer}


def temperature_loss(log_temperature: Any, log_prob: Any, target_entropy: float) -> Any:
    """-log alpha * (E[log pi] + target): descending it raises alpha while the entropy is below its target."""
    return -log_temperature * tf.stop_gradient(tf.reduce_mean(log_prob) + target_entropy)


class SoftAgent(OffPolicyAgent):
    """Base of the soft actor-critics; a subclass says what values and policy are made of.

    Attributes:
        actor: the policy's network.
        target_entropy: what a learned temperature aims at, in nats.
    """

    # The policy and both critics; the critics' targets.
    learning_networks, following_networks = 3, 2
    actor: Any
    target_entropy: float

    @abc.abstractmethod
    def new_critic(self, purpose: str) -> Any:
        """A critic; two calls for one purpose give the same weights."""

    @abc.abstractmethod
    def next_value(self, batch: Batch, temperature: Any, number: Any) -> Any:
        """V(s') by the target critics and today's policy, [B]; compiled code."""

    @abc.abstractmethod
    def taken_values(self, batch: Batch) -> tuple[Any, Any]:
        """Q1 and Q2 of the actions taken, [B] each; compiled code."""

    @abc.abstractmethod
    def policy_loss(self, batch: Batch, temperature: Any, number: Any) -> tuple[Any, Any]:
        """What the policy descends, and the log-probability (or its mean over the actions), [B]."""

    def update(self, batch: Batch, number: Any) -> tuple[dict[str, Any], Any]:
        """One step of the critics, then of the policy, then of the temperature; then the targets move.

        The critics regress on y = R + discount * V(s'). All three losses see the temperature as it was.
        """
        self._set_learning_rates()
        temperature = self.temperature.value()
        target = batch.reward + batch.discount * self.next_value(batch, temperature, number)
        with tf.GradientTape() as tape:
            q = self.taken_values(batch)
            loss = critic_loss(*q, target, batch.weight)
        learning.descend(tape, loss, self.critics.variables, self.critic_optimizer)
        with tf.GradientTape() as tape:
            actor_loss, log_prob = self.policy_loss(batch, temperature, number)
        learning.descend(tape, actor_loss, self.actor.trainable_variables, self.actor_optimizer)
        temperature_loss_ = self.temperature.update(log_prob)
        self.critics.move_targets(self.config.target_update_rate)
        scalars = {
            "train/loss": loss + actor_loss + temperature_loss_,
            "train/critic_loss": loss,
            "train/actor_loss": actor_loss,
            "train/ent_coef_loss": temperature_loss_,
            "train/ent_coef": temperature,
            "train/q_mean": tf.reduce_mean(q[0]),
        }
        return scalars, target - tf.minimum(*q)

    # ---- parts ----------------------------------------------------------------------------------------

    def new_actor(self, outputs: int) -> Any:
        """The policy's network, [N, *shape] to [N, outputs]."""
        return networks.build(self.config.network, self.observation, outputs, self.options("actor"))

    @functools.cached_property
    def actor_on_host(self) -> Any:
        """What the policy's network puts out, float32 [N, outputs], as a function of arrays, of today's weights."""
        return networks.on_host(self.actor)

    def build_learner(self) -> None:
        """Both critics, their targets, which are copies, the temperature and the optimizers."""
        config = self.config
        self.critics = TwinCritics(self.new_critic)
        self.temperature = Temperature(
            temperature=config.temperature,
            target_entropy=self.target_entropy,
            learning_rate=config.temperature_learning_rate,
        )
        actor_variables = self.actor.trainable_variables
        self.actor_optimizer = learning.make_optimizer("adam", config.actor_learning_rate, actor_variables)
        self.critic_optimizer = learning.make_optimizer("adam", config.critic_learning_rate, self.critics.variables)

    def inference_state(self) -> dict[str, Any]:
        """The policy."""
        return {"actor": self.actor}

    def learned_state(self) -> dict[str, Any]:
        """Policy, critics, their targets and the temperature."""
        return {
            "actor": self.actor,
            "critics": self.critics.pair,
            "targets": self.critics.targets,
            "temperature": {"log": self.temperature.log},
        }

    def learner_state(self) -> dict[str, Any]:
        """What was learned, and the optimizers."""
        return {
            **self.learned_state(),
            "temperature": self.temperature.state(),
            "actor_optimizer": self.actor_optimizer,
            "critic_optimizer": self.critic_optimizer,
        }

    def _set_learning_rates(self) -> None:
        config = self.config
        for optimizer, schedule in (
            (self.actor_optimizer, config.actor_learning_rate),
            (self.critic_optimizer, config.critic_learning_rate),
            (self.temperature.optimizer, config.temperature_learning_rate),
        ):
            learning.set_learning_rate(optimizer, schedule, self.env_steps)
