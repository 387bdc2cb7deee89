"""Proximal policy optimisation: several epochs on every rollout, with the policy held near to the one that made it.

Sources: Schulman et al. (2017), "Proximal policy optimization algorithms"; the details are those of Huang et al.
(2022), "The 37 implementation details of proximal policy optimization".
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from rlgen import draws, loops
from rlgen.agents.a2c import A2C, A2CConfig
from rlgen.agents.advantages import explained_variance, gae, normalized
from rlgen.agents.trajectory import Transitions, flat
from rlgen.config import load_presets, option
from rlgen.errors import UserError
from rlgen.schedules import Schedule
from rlgen.together import shards
from rlgen.values import MOST_WHOLE


@dataclasses.dataclass(frozen=True, kw_only=True)
class PPOConfig(A2CConfig):
    """How often a rollout is learned from, and how far the policy may go."""

    presets = load_presets(Path(__file__).with_name("presets") / "ppo.json")

    rollout_steps: int = option(128, "Steps of every environment before an update.", at_least=1)
    epochs: int = option(4, "Passes over every rollout.", at_least=1)
    minibatches: int = option(4, "Parts of a rollout, a gradient step each, in a pass.", at_least=1)
    learning_rate: Schedule = option(2.5e-4, "Step size, clocked by environment steps.", above=0)
    clip_range: Schedule = option(
        0.2, "epsilon: how far a probability's ratio to its old one counts, clocked by environment steps.", above=0
    )
    value_clip_range: float | None = option(
        None, "How far a value may go from its old one before its loss is cut; none: any way.", above=0
    )
    target_kl: float | None = option(
        None, "The passes over a rollout end when the policy is 1.5 times this far from the old one, in nats.", above=0
    )
    entropy_weight: float = option(0.01, "Weight of the entropy bonus.", at_least=0)

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        size = self.num_envs * self.rollout_steps
        if size // self.shards % self.minibatches and self.shards > 1:
            raise UserError(
                f"minibatches={self.minibatches} does not divide the {size // self.shards} steps that each of "
                f"shards={self.shards} has of a rollout: set it to 1, for instance."
            )
        if size % self.minibatches:
            # Divisors come in pairs, and trying all numbers up to a large size would take minutes.
            small = [n for n in range(1, math.isqrt(size) + 1) if size % n == 0]
            divisors = sorted({*small, *(size // n for n in small)})
            near = sorted(sorted(divisors, key=lambda n: abs(n - self.minibatches))[:2])
            raise UserError(
                f"minibatches={self.minibatches} does not divide a rollout of num_envs * rollout_steps = {size} steps: "
                f"use {' or '.join(map(str, near))}."
            )
        if self.epochs * size > MOST_WHOLE:
            raise UserError(
                f"epochs * num_envs * rollout_steps = {self.epochs:,} * {size:,} = {self.epochs * size:,} steps are "
                f"more than the {MOST_WHOLE:,} that can be counted: make one of them smaller."
            )


class Sample(NamedTuple):
    """What a gradient step learns from, each field [B, ...]; `log_prob` and `value` are those of the rollout."""

    observation: Any
    action: Any
    log_prob: Any
    value: Any
    advantage: Any
    returns: Any

    def rows(self, indices: Any) -> Sample:
        """The rows of these indices, int32 [K]."""
        return Sample(*(tf.gather(field, indices) for field in self))


def clipped_policy_loss(log_prob: Any, old_log_prob: Any, advantage: Any, clip_range: Any) -> tuple[Any, Any, Any]:
    """(-E[min(r A, clip(r, 1 - eps, 1 + eps) A)], share of ratios outside the range, approximate KL); inputs [B].

    r is the ratio of the new probability to the old one. The KL divergence is estimated by E[(r - 1) - log r]
    (Schulman 2020, "Approximating KL divergence"), which is never negative.
    """
    log_ratio = log_prob - old_log_prob
    ratio = tf.exp(log_ratio)
    clipped = tf.clip_by_value(ratio, 1 - clip_range, 1 + clip_range)
    loss = -tf.reduce_mean(tf.minimum(ratio * advantage, clipped * advantage))
    outside = tf.reduce_mean(tf.cast(tf.abs(ratio - 1) > clip_range, tf.float32))
    return loss, outside, tf.reduce_mean((ratio - 1) - log_ratio)


def value_loss(value: Any, old_value: Any, returns: Any, clip_range: float | None) -> Any:
    """E[(R - V)^2], or, with a range, E[max of it and that of V clipped to within the range of the old V]; [B]."""
    squared = (returns - value) ** 2
    if clip_range is None:
        return tf.reduce_mean(squared)
    clipped = old_value + tf.clip_by_value(value - old_value, -clip_range, clip_range)
    return tf.reduce_mean(tf.maximum(squared, (returns - clipped) ** 2))


class PPO(A2C):
    """Proximal policy optimisation: several epochs on every rollout, the policy held near the one that made it."""

    Config = PPOConfig
    draws_for = ("order",)
    learns_stale = True

    def update(self, rows: Transitions) -> dict[str, Any]:
        """Epochs of gradient steps on L = L_clip + c_v L_value - c_e H over the rollout `rows`, fields [T, N, ...]."""
        config, everything = self.config, self._sample(rows)
        clip_range = config.clip_range(self.updates * self.step_quantum)
        order = self._order() if config.minibatches > 1 else None
        tally = loops.Tally()

        def going_on(i: Any, near: Any, _: Any) -> Any:
            return (i < config.epochs * config.minibatches) & near

        def step(i: Any, near: Any, sums: Any) -> Any:
            scalars = self._step(everything if order is None else everything.rows(tf.gather(order, i)), clip_range)
            if config.target_kl is not None:
                near = shards.mean([scalars["train/approx_kl"]])[0] <= 1.5 * config.target_kl
            return i + 1, near, sums + tally.of(scalars)

        begin = (tf.constant(0), tf.constant(True), tally.nothing())
        _, _, sums = shards.while_loop(going_on, step, begin, at_most=config.epochs * config.minibatches)
        variance = explained_variance(everything.value, everything.returns)
        return {**tally.mean_tensors(sums), "train/explained_variance": variance}

    def memory_bytes(self) -> dict[str, int]:
        """As every on-policy agent's, and the orders that steps are learned from in."""
        needs, config = super().memory_bytes(), self.config
        # Of every step of every epoch the key it is sorted by, its place, and a copy.
        order = 12 * config.epochs * self.step_quantum if config.minibatches > 1 else 0
        return {**needs, "rollout": needs["rollout"] + order}

    @property
    def steps_of_a_gradient(self) -> int:
        """Those of a minibatch."""
        return int(self.step_quantum // self.config.minibatches)

    def _step(self, batch: Sample, clip_range: Any) -> dict[str, Any]:
        """One gradient step on a minibatch, fields [B, ...]."""
        config = self.config
        advantage = normalized(batch.advantage) if config.normalize_advantages else batch.advantage
        with tf.GradientTape() as tape:
            parameters, value = self.network(batch.observation)
            log_prob = self.log_prob(parameters, batch.action)
            policy, outside, kl = clipped_policy_loss(log_prob, batch.log_prob, advantage, clip_range)
            squared = value_loss(value, batch.value, batch.returns, config.value_clip_range)
            entropy = tf.reduce_mean(self.head.entropy(parameters))
            loss = policy + config.value_weight * squared - config.entropy_weight * entropy
        norm = self.descend(tape, loss)
        return {
            "train/loss": loss,
            "train/policy_loss": policy,
            "train/value_loss": squared,
            "train/entropy_loss": -entropy,
            "train/approx_kl": kl,
            "train/clip_fraction": outside,
            "train/grad_norm": norm,
        }

    def _sample(self, rows: Transitions) -> Sample:
        """The whole rollout as one batch: advantages and old probabilities by the networks that made it."""
        config, acted = self.config, self.acted
        seen, following = (acted.normalized(o) for o in (rows.observation, rows.next_observation))
        parameters, value = acted.network(flat(seen))
        action, known = flat(rows.action), tf.reshape(value, rows.reward.shape)
        advantage = gae(
            self.normalized_rewards(rows),
            known,
            self.next_values(rows, following, known),
            rows.terminated,
            rows.truncated,
            discount=config.discount,
            gae_lambda=config.gae_lambda,
        )
        advantage = tf.reshape(advantage, (-1,))
        log_prob = acted.head.log_prob(parameters, action)
        return Sample(flat(self.normalized(rows.observation)), action, log_prob, value, advantage, advantage + value)

    def _order(self) -> Any:
        """Which steps each gradient step learns from: every epoch a permutation, int32 [epochs * minibatches, B]."""
        config = self.config
        size = self.shard_envs * config.rollout_steps
        keys = draws.uniform((config.epochs, size), self.seeds.draw("order", self.updates))
        return tf.reshape(tf.argsort(keys, -1), (config.epochs * config.minibatches, size // config.minibatches))
