"""What TF-Agents' agents for continuous actions share: a policy, critics of observation and action, moving targets."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium as gym

from rlgen.agents.replay_agent import ReplayConfig
from rlgen.agents.tf_agents import library, made
from rlgen.agents.tf_agents.made import MadeConfig
from rlgen.agents.tf_agents.replayed import Replayed
from rlgen.config import option
from rlgen.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActorCriticConfig(ReplayConfig, MadeConfig):
    """One update after every environment step."""

    num_envs: int = option(1, "Environments stepped together.", at_least=1, at_most=65_536)
    batch_size: int = option(256, "Transitions in an update.", at_least=1)
    train_every_env_steps: int = option(1, "Environment steps between blocks of updates.", at_least=1)
    updates_per_train: int = option(1, "Updates in a block.", at_least=1)
    target_update_rate: float = option(0.005, "tau: how far the targets move per update.", above=0, at_most=1)


class ActorCritic(Replayed):
    """Base of agents for `Box` actions that have bounds, of dense layers."""

    serves = (gym.spaces.Box,)
    default_problem = "Pendulum-v1"
    default_steps = 20_000

    def __init__(self, *, problem: str, config: Any, seed: int, engine: str = "auto") -> None:
        super().__init__(problem=problem, config=config, seed=seed, engine=engine)
        if self.observation.picture:
            raise UserError(
                f"'{problem}' shows pictures, and the networks of {type(self).__name__} by TF-Agents are dense: bring "
                "an agent with networks for them (rlgen.agents.tf_agents.adopt), or take `sac`."
            )


def critic(agent: Replayed) -> Any:
    """Observation and action to Q(s, a)."""
    seen = agent.time_step_spec.observation
    return library.ddpg_critic.CriticNetwork((seen, agent.action_spec), joint_fc_layer_params=made.hidden_units(agent))
