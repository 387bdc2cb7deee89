"""REINFORCE: whole episodes, and the gradient of the policy weighted by what followed each step.

Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement
learning".
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import tensorflow as tf

from rlgen import learning
from rlgen.agents.advantages import discounted_returns
from rlgen.agents.on_policy import OnPolicyAgent, OnPolicyConfig
from rlgen.agents.rollout import CompiledRollout, HostRollout
from rlgen.agents.rollout_agent import RolloutAgent
from rlgen.agents.trajectory import Episodes, Transitions, flat
from rlgen.config import load_presets, option
from rlgen.networks import Activation
from rlgen.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReinforceConfig(OnPolicyConfig):
    """Every update is made of one episode of each environment, played side by side and cut at `rollout_steps`."""

    presets = load_presets(Path(__file__).with_name("presets") / "reinforce.json")

    num_envs: int = option(
        10, "Episodes an update learns from, each in an environment of its own.", at_least=1, at_most=65_536
    )
    rollout_steps: int = option(
        200, "Steps of every environment before an update; a training episode is cut there.", at_least=1
    )
    hidden_units: tuple[int, ...] = option((32,), "Units of the hidden layers.", at_least=1)
    activation: Activation = option("tanh", "Between the layers.")
    learning_rate: Schedule = option(0.01, "Step size, clocked by environment steps.", above=0)
    normalize_returns: bool = option(
        True, "Give the returns of an update, less the baseline if there is one, mean 0 and deviation 1."
    )
    baseline: bool = option(False, "Subtract a learned value of the state from the returns.")
    max_grad_norm: float | None = option(None, "Gradients are scaled down to this global norm; none: never.", above=0)


def first_episodes(done: Any) -> Any:
    """Which steps belong to each environment's first episode, its last step included, bool [T, N]."""
    steps = done.shape[0]
    last = tf.where(tf.reduce_any(done, 0), tf.argmax(done, 0, output_type=tf.int32), steps)
    return tf.range(steps)[:, None] <= last


def mean_where(x: Any, mask: Any) -> Any:
    """The mean of `x` where `mask` holds."""
    return tf.reduce_sum(tf.where(mask, x, 0.0)) / tf.reduce_sum(tf.cast(mask, tf.float32))


def normalized_where(x: Any, mask: Any) -> Any:
    """`x` with mean 0 and standard deviation 1 over the entries where `mask` holds, and 0 elsewhere."""
    centred = x - mean_where(x, mask)
    return tf.where(mask, centred / (tf.sqrt(mean_where(centred**2, mask)) + 1e-8), 0.0)


class WholeEpisodes(RolloutAgent):
    """Of agents that learn from first episodes: all environments begin one with a rollout, and it is cut at the end."""

    def training_wrappers(self) -> tuple[str, ...]:
        """An episode that goes on must not reach into the next update."""
        return (f"time_limit:{self.config.rollout_steps}",)

    def begin_rollout(self, rollout: CompiledRollout, standing: Any, vector_steps: Any) -> Any:
        """At the beginning of new episodes."""
        return rollout.fresh(vector_steps)

    def begin_rollout_on_host(self, rollout: HostRollout) -> None:
        """The same."""
        rollout.restart()

    def counted(self, episodes: Episodes) -> Episodes:
        """The first of each environment: the later ones may not have come to their end."""
        return episodes._replace(done=episodes.done & first_episodes(episodes.done))


class Reinforce(WholeEpisodes, OnPolicyAgent):
    """REINFORCE: actions that were followed by more than usual become more probable.

    Every environment begins a new episode, and after `rollout_steps` the first episode of each is learned
    from, all together in one update. What an environment does after its first episode is left out.
    """

    Config = ReinforceConfig
    data_parallel = True
    default_steps = 300_000

    def update(self, rows: Transitions) -> dict[str, Any]:
        """One gradient step on -E[log pi(a|s) (G - b(s))] over the first episodes in `rows`, fields [T, N, ...]."""
        config = self.config
        mask = flat(first_episodes(rows.done))
        returns = flat(discounted_returns(rows.reward, rows.done, discount=config.discount))
        with tf.GradientTape() as tape:
            parameters, value = self.network(flat(self.normalized(rows.observation)))
            weight = returns - tf.stop_gradient(value) if config.baseline else returns
            if config.normalize_returns:
                weight = normalized_where(weight, mask)
            policy_loss = -mean_where(self.head.log_prob(parameters, flat(rows.action)) * weight, mask)
            entropy = mean_where(self.head.entropy(parameters), mask)
            loss, value_loss = policy_loss - config.entropy_weight * entropy, tf.constant(0.0)
            if config.baseline:
                # The two networks share nothing, so a weight between the losses would change nothing in Adam.
                value_loss = mean_where((returns - value) ** 2, mask)
                loss += value_loss
        norm = learning.descend(tape, loss, self.learned_variables(), self.optimizer, max_norm=config.max_grad_norm)
        return {
            "train/loss": loss,
            "train/policy_loss": policy_loss,
            "train/value_loss": value_loss,
            "train/entropy_loss": -entropy,
            "train/grad_norm": norm,
            "train/steps_per_update": tf.reduce_sum(tf.cast(mask, tf.float32)),
        }

    # ---- parts ----------------------------------------------------------------------------------------

    def network_arguments(self) -> dict[str, Any]:
        """As every on-policy agent's; without a baseline the value is one idle head on the policy's network."""
        return {**super().network_arguments(), "shared": not self.config.baseline}

    def learned_variables(self) -> list[Any]:
        """Without a baseline the value learns nothing."""
        if self.config.baseline:
            return super().learned_variables()
        return [*self.network.policy_variables, *self.head.variables]
