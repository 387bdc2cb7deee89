"""Advantage actor-critic, synchronous, for discrete and continuous actions.

Source: Mnih et al. (2016), "Asynchronous methods for deep reinforcement learning", without the asynchrony; the
advantages are Schulman et al.'s (2016).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import tensorflow as tf

from rlgen import learning
from rlgen.agents.advantages import explained_variance, gae, normalized, returns_so_far
from rlgen.agents.normalizer import RunningMoments
from rlgen.agents.on_policy import OnPolicyAgent, OnPolicyConfig
from rlgen.agents.trajectory import Transitions, flat
from rlgen.config import load_presets, option
from rlgen.errors import UserError
from rlgen.together import shards


@dataclasses.dataclass(frozen=True, kw_only=True)
class A2CConfig(OnPolicyConfig):
    """What A2C can be told."""

    presets = load_presets(Path(__file__).with_name("presets") / "a2c.json")

    gae_lambda: float = option(0.95, "lambda of the advantages; 1 gives n-step returns.", at_least=0, at_most=1)
    shared_network: bool = option(False, "Let policy and value share the hidden layers.")
    value_weight: float = option(0.5, "Weight of the value loss.", at_least=0)
    normalize_advantages: bool = option(True, "Give the advantages of an update mean 0 and deviation 1.")
    normalize_rewards: bool = option(False, "Divide rewards by the running deviation of the discounted returns.")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.reward_scale != 1 and self.normalize_rewards:
            raise UserError("normalize_rewards undoes reward_scale: leave one out.")


def a2c_loss(log_prob: Any, advantage: Any, value: Any, returns: Any, entropy: Any, config: A2CConfig) -> Any:
    """(total, policy loss, value loss): -E[log pi(a|s) A] + c_v E[(R - V)^2] - c_e H; all inputs float32 [B].

    No gradient flows through advantages and returns.
    """
    policy = -tf.reduce_mean(log_prob * tf.stop_gradient(advantage))
    squared = tf.reduce_mean((tf.stop_gradient(returns) - value) ** 2)
    return policy + config.value_weight * squared - config.entropy_weight * tf.reduce_mean(entropy), policy, squared


class A2C(OnPolicyAgent):
    """Advantage actor-critic: a policy that follows its gradient, and a value that tells it what was good."""

    Config = A2CConfig
    data_parallel = True
    default_steps = 500_000

    def update(self, rows: Transitions) -> dict[str, Any]:
        """One gradient step on L = -E[log pi(a|s) A] + c_v E[(R - V(s))^2] - c_e H, with A by GAE and R = A + V."""
        config = self.config
        rewards = self.normalized_rewards(rows)
        seen, following = (self.normalized(o) for o in (rows.observation, rows.next_observation))
        with tf.GradientTape() as tape:
            parameters, value = self.network(flat(seen))
            known = tf.stop_gradient(tf.reshape(value, rewards.shape))
            advantage = gae(
                rewards,
                known,
                self.next_values(rows, following, known),
                rows.terminated,
                rows.truncated,
                discount=config.discount,
                gae_lambda=config.gae_lambda,
            )
            advantage = tf.reshape(advantage, (-1,))
            returns = tf.stop_gradient(advantage + value)
            weighted = normalized(advantage) if config.normalize_advantages else advantage
            entropy = self.head.entropy(parameters)
            log_prob = self.log_prob(parameters, flat(rows.action))
            loss, policy_loss, value_loss = a2c_loss(log_prob, weighted, value, returns, entropy, config)
        norm = self.descend(tape, loss)
        return {
            "train/loss": loss,
            "train/policy_loss": policy_loss,
            "train/value_loss": value_loss,
            "train/entropy_loss": -tf.reduce_mean(entropy),
            "train/explained_variance": explained_variance(value, returns),
            "train/grad_norm": norm,
        }

    def log_prob(self, parameters: Any, action: Any) -> Any:
        """log pi(a|s), [B], as the loss sees it."""
        return self.head.log_prob(parameters, action)

    def descend(self, tape: Any, loss: Any) -> Any:
        """One step down the gradient; its norm before clipping."""
        return learning.descend(
            tape, loss, self.learned_variables(), self.optimizer, max_norm=self.config.max_grad_norm
        )

    def next_values(self, rows: Transitions, following: Any, value: Any) -> Any:
        """V of the true successors `following`, [T, N], of states with V = `value`, [T, N].

        Mostly it is the next row's. All are asked for only where an episode was truncated: then the next row begins
        another episode, and V of where it was cut counts.
        """

        network = self.acted.network

        def all_of_them() -> Any:
            return tf.reshape(network.value(flat(following)), value.shape)

        def of_the_next_row() -> Any:
            return tf.concat([value[1:], network.value(following[-1])[None]], 0)

        return tf.cond(tf.reduce_any(rows.truncated), all_of_them, of_the_next_row)

    # ---- parts ----------------------------------------------------------------------------------------

    def network_arguments(self) -> dict[str, Any]:
        """As every on-policy agent's, with the value apart or on the policy's layers."""
        return {**super().network_arguments(), "shared": self.config.shared_network}

    def build_learner(self) -> None:
        """The optimizer, and what rewards are normalised by."""
        super().build_learner()
        self.returns = RunningMoments(())
        self.running_returns = {
            shard: tf.Variable(tf.zeros((self.shard_envs,)), trainable=False)
            for shard in shards.mine(self.config.shards)
        }

    def learner_state(self) -> dict[str, Any]:
        """The optimizer, and what rewards are normalised by."""
        return {**super().learner_state(), "returns": self.returns.state()}

    def shard_learner_state(self, shard: int) -> dict[str, Any]:
        """The discounted return of each environment so far."""
        return {"running_return": self.running_returns[shard]}

    def feed(self, rows: Transitions) -> None:
        """Let both normalisers see the rollout."""
        super().feed(rows)
        if self.config.normalize_rewards:
            kept = self.running_returns[shards.number() or 0]
            returns, running = returns_so_far(rows.reward, rows.done, kept.read_value(), discount=self.config.discount)
            kept.assign(running)
            self.returns.feed(returns)

    def normalized_rewards(self, rows: Transitions) -> Any:
        """Rewards as they are learned from, [T, N]: over the deviation of the discounted returns, if so wished."""
        if not self.config.normalize_rewards:
            return rows.reward
        return tf.clip_by_value(rows.reward / tf.sqrt(self.returns.variance + 1e-8), -10.0, 10.0)
