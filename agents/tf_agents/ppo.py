"""TF-Agents' proximal policy optimisation.

Source: Schulman et al. (2017), "Proximal policy optimization algorithms"; the implementation is TF-Agents'.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import tensorflow as tf

from rlgen.agents.rollout_agent import RolloutConfig
from rlgen.agents.tf_agents import library, made
from rlgen.agents.tf_agents.made import MadeConfig
from rlgen.agents.tf_agents.rolled import Rolled, turned
from rlgen.agents.trajectory import Transitions
from rlgen.config import option
from rlgen.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class PPOConfig(RolloutConfig, MadeConfig):
    """How often a rollout is learned from, and how far the policy may go."""

    presets = made.PRESETS["ppo"]

    hidden_units: tuple[int, ...] = option((64, 64), "Units of the hidden layers.", at_least=1)
    rollout_steps: int = option(32, "Steps of every environment before an update.", at_least=2)
    learning_rate: Schedule = option(1e-3, "Step size, clocked by environment steps.", above=0)
    epochs: int = option(10, "Gradient steps on every rollout, each on all of it.", at_least=1, at_most=100)
    gae_lambda: float = option(0.95, "lambda of the advantages.", at_least=0, at_most=1)
    clip_range: float = option(0.2, "epsilon: how far a probability's ratio to its old one counts.", above=0)
    entropy_weight: float = option(0.0, "Weight of the entropy bonus.", at_least=0)
    value_weight: float = option(0.5, "Weight of the value's loss.", above=0)
    max_grad_norm: float | None = option(0.5, "Gradients are scaled down to this global norm; none: never.", above=0)
    normalize_observations: bool = option(False, "Take off the running mean, divide by the running deviation.")


class PPORollouts(Rolled):
    """Base of agents that are `PPOAgent`s.

    An episode that a time limit ends is worth what is expected from its last state on, as everywhere else here;
    TF-Agents counts nothing for it. Where the agent divides rewards by their deviation it stays as it is.
    """

    def experience(self, rows: Transitions) -> Any:
        """As the base says, [N, T + 1, ...]: the last step is there for its value alone."""
        if self.agent._reward_normalizer is None:
            rows = rows._replace(reward=rows.reward + self._beyond_time_limits(rows))
        longer = closed(super().experience(rows), turned(rows.next_observation))
        return with_policy_info(self.agent.collect_policy, longer)

    def _beyond_time_limits(self, rows: Transitions) -> Any:
        """gamma * V(s') where an episode was truncated, [T, N], and 0 elsewhere."""
        policy = self.agent.collect_policy
        flat = tf.reshape(rows.next_observation, (-1, *self.observation.shape))
        value, _ = policy.apply_value_network(flat, self.time_step(flat).step_type, training=False)
        expected = self.agent._discount_factor * tf.reshape(value, rows.reward.shape)
        return tf.where(rows.truncated & ~rows.terminated, tf.stop_gradient(expected), 0.0)


class PPO(PPORollouts):
    """Proximal policy optimisation by TF-Agents: several steps on every rollout, none of them far."""

    Config = PPOConfig
    default_steps = 200_000

    def make_agent(self) -> Any:
        """A `PPOAgent` that clips, with neither of its penalties for going far, and whose last advantage is mended."""
        config, seen = self.config, self.time_step_spec.observation
        actor = library.actor_distribution_network.ActorDistributionNetwork(
            seen, self.action_spec, activation_fn=tf.keras.activations.tanh, **made.layers(self)
        )
        self.value_network = library.value_network.ValueNetwork(
            seen, activation_fn=tf.keras.activations.tanh, **made.layers(self)
        )
        return _agent_class()(
            self.time_step_spec,
            self.action_spec,
            optimizer=made.optimizer(self, config.learning_rate),
            actor_net=actor,
            value_net=self.value_network,
            importance_ratio_clipping=config.clip_range,
            lambda_value=config.gae_lambda,
            discount_factor=config.discount,
            entropy_regularization=config.entropy_weight,
            value_pred_loss_coef=config.value_weight,
            num_epochs=config.epochs,
            use_gae=True,
            use_td_lambda_return=True,
            # It would divide what is expected after a time limit as if it were one reward.
            normalize_rewards=False,
            normalize_observations=config.normalize_observations,
            kl_cutoff_factor=0.0,
            initial_adaptive_kl_beta=0.0,
            gradient_clipping=config.max_grad_norm,
            train_step_counter=self.counter,
        )


@functools.cache
def _agent_class() -> Any:
    """`PPOAgent`, whose last advantage looks ahead to the value of the state after it; TF-Agents takes that before."""

    class Agent(library.ppo_agent.PPOAgent):
        def compute_advantages(self, rewards: Any, returns: Any, discounts: Any, value_preds: Any) -> Any:
            return library.value_ops.generalized_advantage_estimation(
                values=value_preds[:, :-1],
                final_value=value_preds[:, -1],
                rewards=rewards,
                discounts=discounts,
                td_lambda=self._lambda,
                time_major=False,
            )

    return Agent


def closed(trajectory: Any, successors: Any) -> Any:
    """A trajectory [N, T, ...] and one step more, in the last of the states that followed, [N, T, ...]."""
    longer = tf.nest.map_structure(lambda x: tf.concat([x, x[:, -1:]], 1), trajectory)
    seen = tf.concat([trajectory.observation, successors[:, -1:]], 1)
    # Never the end of an episode, for its step type would shut the value of the one before it out.
    step_type = tf.concat([trajectory.step_type, trajectory.step_type[:, :1]], 1)
    return longer.replace(observation=seen, step_type=step_type)


def with_policy_info(policy: Any, trajectory: Any) -> Any:
    """A trajectory [N, T, ...] with what a collecting policy says of its steps: weights have not changed since."""
    size = trajectory.reward.shape[:2]
    steps = tf.nest.map_structure(
        lambda x: tf.reshape(x, (-1, *x.shape[2:])),
        library.time_steps.TimeStep(
            trajectory.step_type, trajectory.reward, trajectory.discount, trajectory.observation
        ),
    )
    info = policy.distribution(steps).info
    return trajectory.replace(policy_info=tf.nest.map_structure(lambda x: tf.reshape(x, (*size, *x.shape[1:])), info))
