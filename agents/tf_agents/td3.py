"""TF-Agents' twin delayed deep deterministic policy gradient.

Source: Fujimoto, van Hoof and Meger (2018), "Addressing function approximation error in actor-critic methods"; the
implementation is TF-Agents'.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from rlgen.agents.tf_agents import library, made
from rlgen.agents.tf_agents.actor_critic import ActorCritic, ActorCriticConfig, critic
from rlgen.config import option
from rlgen.schedules import Schedule
from rlgen.values import MOST_STEPS


@dataclasses.dataclass(frozen=True, kw_only=True)
class TD3Config(ActorCriticConfig):
    """One update after each environment step. Noise is in the environment's units, as TF-Agents has it."""

    presets = made.PRESETS["td3"]

    learning_starts_env_steps: int = option(
        1_000, "Environment steps with uniform actions, before the first update.", at_least=0, at_most=MOST_STEPS
    )
    actor_learning_rate: Schedule = option(1e-3, "Step size of the policy, clocked by environment steps.", above=0)
    critic_learning_rate: Schedule = option(1e-3, "Step size of both critics, clocked by environment steps.", above=0)
    policy_delay_updates: int = option(2, "Critic updates for one of the policy and of all targets.", at_least=1)
    exploration_noise_std: float = option(
        0.1, "Of the noise on actions when exploring, in the environment's units.", at_least=0
    )
    target_noise_std: float = option(
        0.2, "Of the noise on the target policy's actions, in the environment's units.", at_least=0
    )
    target_noise_clip: float = option(0.5, "That noise is clipped to this, in the same units.", above=0)


class TD3(ActorCritic):
    """Twin delayed DDPG by TF-Agents: a deterministic policy that waits for two critics that check each other."""

    Config = TD3Config

    def make_agent(self) -> Any:
        """A `Td3Agent`."""
        config, seen = self.config, self.time_step_spec.observation
        actor = library.ddpg_actor.ActorNetwork(seen, self.action_spec, fc_layer_params=made.hidden_units(self))
        return library.td3_agent.Td3Agent(
            self.time_step_spec,
            self.action_spec,
            actor_network=actor,
            critic_network=critic(self),
            actor_optimizer=made.optimizer(self, config.actor_learning_rate),
            critic_optimizer=made.optimizer(self, config.critic_learning_rate),
            exploration_noise_std=config.exploration_noise_std,
            target_update_tau=config.target_update_rate,
            target_update_period=config.policy_delay_updates,
            actor_update_period=config.policy_delay_updates,
            gamma=1.0,
            target_policy_noise=config.target_noise_std,
            target_policy_noise_clip=config.target_noise_clip,
            gradient_clipping=config.max_grad_norm,
            train_step_counter=self.counter,
        )
