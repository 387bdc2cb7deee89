"""TF-Agents' soft actor-critic.

Source: Haarnoja et al. (2018), "Soft actor-critic algorithms and applications"; the implementation is TF-Agents'.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import tensorflow as tf

from rlgen.agents.tf_agents import library, made
from rlgen.agents.tf_agents.actor_critic import ActorCritic, ActorCriticConfig, critic
from rlgen.agents.trajectory import Batch
from rlgen.config import option
from rlgen.schedules import Schedule
from rlgen.values import MOST_STEPS


@dataclasses.dataclass(frozen=True, kw_only=True)
class SACConfig(ActorCriticConfig):
    """One update after every environment step; the temperature is learned, from 1."""

    presets = made.PRESETS["sac"]

    learning_starts_env_steps: int = option(
        128, "Environment steps with uniform actions, before the first update.", at_least=0, at_most=MOST_STEPS
    )
    actor_learning_rate: Schedule = option(3e-4, "Step size of the policy, clocked by environment steps.", above=0)
    critic_learning_rate: Schedule = option(3e-4, "Step size of both critics, clocked by environment steps.", above=0)
    temperature_learning_rate: Schedule = option(
        3e-4, "Step size of log temperature, clocked by environment steps.", above=0
    )
    target_entropy_per_number: float = option(
        -1.0, "What the temperature aims at, in nats for each number in an action; TF-Agents' own default is -.5."
    )


class SAC(ActorCritic):
    """Soft actor-critic by TF-Agents: a random policy that is paid for being random, and two critics."""

    Config = SACConfig

    def make_agent(self) -> Any:
        """A `SacAgent` whose policy is a normal distribution behind tanh."""
        config, seen = self.config, self.time_step_spec.observation
        actor = library.actor_distribution_network.ActorDistributionNetwork(
            seen,
            self.action_spec,
            fc_layer_params=made.hidden_units(self),
            continuous_projection_net=library.tanh_normal.TanhNormalProjectionNetwork,
        )
        return library.sac_agent.SacAgent(
            self.time_step_spec,
            self.action_spec,
            critic_network=critic(self),
            actor_network=actor,
            actor_optimizer=made.optimizer(self, config.actor_learning_rate),
            critic_optimizer=made.optimizer(self, config.critic_learning_rate),
            alpha_optimizer=made.optimizer(self, config.temperature_learning_rate),
            target_update_tau=config.target_update_rate,
            gamma=1.0,
            target_entropy=config.target_entropy_per_number * math.prod(self.action_space.shape or (1,)),
            gradient_clipping=config.max_grad_norm,
            train_step_counter=self.counter,
        )

    def seen(self, batch: Batch) -> dict[str, Any]:
        """The temperature."""
        return {"train/ent_coef": tf.exp(self.agent._log_alpha)}
