"""TF-Agents' REINFORCE.

Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning";
the implementation is TF-Agents'.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from rlgen.agents.reinforce import WholeEpisodes, first_episodes, normalized_where
from rlgen.agents.rollout_agent import RolloutConfig
from rlgen.agents.tf_agents import library, made
from rlgen.agents.tf_agents.made import MadeConfig
from rlgen.agents.tf_agents.rolled import Rolled, turned
from rlgen.agents.trajectory import Transitions
from rlgen.config import option
from rlgen.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReinforceConfig(RolloutConfig, MadeConfig):
    """Every update is made of one episode of each environment, played side by side and cut at `rollout_steps`."""

    presets = made.PRESETS["reinforce"]

    num_envs: int = option(
        10, "Episodes an update learns from, each in an environment of its own.", at_least=1, at_most=65_536
    )
    rollout_steps: int = option(
        200, "Steps of every environment before an update; a training episode is cut there.", at_least=1
    )
    hidden_units: tuple[int, ...] = option((32,), "Units of the hidden layers.", at_least=1)
    learning_rate: Schedule = option(0.01, "Step size, clocked by environment steps.", above=0)
    normalize_returns: bool = option(
        True, "Give the returns of an update, less the baseline if there is one, mean 0 and deviation 1."
    )
    baseline: bool = option(False, "Subtract a learned value of the state from the returns.")
    value_weight: float = option(0.2, "Weight of the baseline's loss.", above=0)
    entropy_weight: float = option(0.0, "Weight of the entropy bonus.", at_least=0)


class EpisodeRollouts(WholeEpisodes, Rolled):
    """Base of agents that are `ReinforceAgent`s: they learn from the first episode of each environment.

    Attributes:
        first: which steps of the rollout those are, [N, T].
    """

    first: Any = None

    def experience(self, rows: Transitions) -> Any:
        """As the base says, without the ends that follow the first of each environment: all behind it is left out."""
        first = first_episodes(rows.done)
        self.first = turned(first)
        return super().experience(rows._replace(terminated=rows.terminated & first, truncated=rows.truncated & first))


class Reinforce(EpisodeRollouts):
    """REINFORCE by TF-Agents: actions that were followed by more than usual become more probable."""

    Config = ReinforceConfig
    default_steps = 300_000

    def make_agent(self) -> Any:
        """A `ReinforceAgent`."""
        config, seen = self.config, self.time_step_spec.observation
        networks = library.actor_distribution_network, library.value_network
        return library.reinforce_agent.ReinforceAgent(
            self.time_step_spec,
            self.action_spec,
            actor_network=networks[0].ActorDistributionNetwork(seen, self.action_spec, **made.layers(self)),
            optimizer=made.optimizer(self, config.learning_rate),
            value_network=networks[1].ValueNetwork(seen, **made.layers(self)) if config.baseline else None,
            value_estimation_loss_coef=config.value_weight,
            advantage_fn=self._advantage,
            gamma=config.discount,
            # TF-Agents would normalise over what follows a first episode as well: `_advantage` knows better.
            normalize_returns=False,
            gradient_clipping=config.max_grad_norm,
            entropy_regularization=config.entropy_weight or None,
            train_step_counter=self.counter,
        )

    def _advantage(self, returns: Any, values: Any) -> Any:
        """Returns less values, [N, T], normalised over the first episodes."""
        advantage = returns if values is None else returns - tf.stop_gradient(values)
        return normalized_where(advantage, self.first) if self.config.normalize_returns else advantage
