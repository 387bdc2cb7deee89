"""TF-Agents' deep Q-networks: DQN, Double DQN and C51.

Sources: Mnih et al. (2015), van Hasselt et al. (2016), Bellemare et al. (2017); the implementations are TF-Agents'.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import loops
from rlgen.agents.agent import Floats, Observations
from rlgen.agents.replay_agent import ReplayConfig
from rlgen.agents.tf_agents import library, made
from rlgen.agents.tf_agents.made import MadeConfig
from rlgen.agents.tf_agents.replayed import Replayed
from rlgen.agents.trajectory import Batch
from rlgen.config import option
from rlgen.errors import UserError
from rlgen.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class DQNConfig(ReplayConfig, MadeConfig):
    """A Q-network of dense layers, behind convolutions where there are pictures."""

    presets = made.PRESETS["dqn"]

    learning_rate: Schedule = option(2.3e-3, "Step size, clocked by environment steps.", above=0)
    epsilon: Schedule = option(
        "linear:start=1,end=0.04,over=8000",
        "Share of random actions, clocked by environment steps.",
        at_least=0,
        at_most=1,
    )
    target_update_every_updates: int = option(128, "Updates between changes of the target network.", at_least=1)
    target_update_rate: float = option(
        1.0, "How far the target moves towards the online network: 1 copies it.", above=0, at_most=1
    )
    loss: Literal["huber", "squared"] = option("huber", "Of a TD error.")
    max_grad_norm: float | None = option(10.0, "Each gradient is scaled down to this norm; none: never.", above=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DoubleDQNConfig(DQNConfig):
    """DQN's."""

    presets = made.PRESETS["ddqn"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class C51Config(DQNConfig):
    """DQN's, and the returns that are told apart; their loss is always the cross entropy."""

    presets = made.PRESETS["c51"]

    atoms: int = option(51, "Returns that are told apart.", at_least=2, at_most=1024)
    value_min: float = option(-20.0, "The lowest of them, of learned, that is scaled, rewards.")
    value_max: float = option(120.0, "The highest; beyond both, returns count as these.")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        if self.value_min >= self.value_max:
            raise UserError(f"value_min={self.value_min:g} is not below value_max={self.value_max:g}.")


class QLearner(Replayed):
    """Base of all three: epsilon-greedy on a network that values every action."""

    serves = (gym.spaces.Discrete,)
    wants = ""

    @abc.abstractmethod
    def q(self, observation: Any) -> Any:
        """Q, [N, A], for observations [N, *shape]; compiled code."""

    def how(self) -> dict[str, Any]:
        """The arguments that the constructors of all three know."""
        config = self.config
        return {
            "optimizer": made.optimizer(self, config.learning_rate),
            "epsilon_greedy": lambda: tf.cast(config.epsilon(self.clock), tf.float32),
            "target_update_tau": config.target_update_rate,
            "target_update_period": config.target_update_every_updates,
            "gamma": 1.0,
            "gradient_clipping": config.max_grad_norm,
            "train_step_counter": self.counter,
        }

    def seen(self, batch: Batch) -> dict[str, Any]:
        """How large values are: those of a network that diverges grow without end."""
        return {"train/q_mean": tf.reduce_mean(tf.reduce_max(self.q(batch.observation), -1))}

    def values(self, observations: Observations) -> Floats:
        """max_a Q(s, a), [N], in the environment's own units of reward."""
        highest = np.asarray(self._highest(tf.constant(observations)), np.float32)
        return highest / np.float32(self.config.reward_scale)

    def train(self, steps: int) -> dict[str, float]:
        """As every agent with a replay; and how much it still explores."""
        scalars = super().train(steps)
        epsilon = self.config.epsilon(int(scalars["work/env_steps"]))
        return {**scalars, "rollout/exploration_rate": float(epsilon)}

    @functools.cached_property
    def _highest(self) -> Any:
        return loops.program(lambda seen: tf.reduce_max(self.q(seen), -1), lengths_vary=True)


class DQN(QLearner):
    """Deep Q-network by TF-Agents: a value for every action, learned from replayed experience."""

    Config = DQNConfig
    has_td_errors = True
    # The name of TF-Agents' class.
    kind = "DqnAgent"

    def make_agent(self) -> Any:
        """An agent of the `kind`, with a `QNetwork`."""
        seen = self.time_step_spec.observation
        self.network = library.q_network.QNetwork(seen, self.action_spec, **made.layers(self))
        losses = {"huber": library.common.element_wise_huber_loss, "squared": library.common.element_wise_squared_loss}
        return getattr(library.dqn_agent, self.kind)(
            self.time_step_spec,
            self.action_spec,
            q_network=self.network,
            td_errors_loss_fn=losses[self.config.loss],
            **self.how(),
        )

    def scalars(self, info: Any) -> dict[str, Any]:
        """As of all, and how wrong the values are."""
        return {**super().scalars(info), "train/td_error": tf.reduce_mean(tf.abs(info.extra.td_error))}

    def q(self, observation: Any) -> Any:
        """What the network puts out."""
        return self.network(observation)[0]


class DoubleDQN(DQN):
    """Double DQN by TF-Agents: the online network chooses the next action, the target network values it."""

    Config = DoubleDQNConfig
    kind = "DdqnAgent"


class C51(QLearner):
    """C51 by TF-Agents: probabilities of fixed returns for every action."""

    Config = C51Config

    def make_agent(self) -> Any:
        """A `CategoricalDqnAgent` with a `CategoricalQNetwork`."""
        config, seen = self.config, self.time_step_spec.observation
        self.network = library.categorical_q_network.CategoricalQNetwork(
            seen, self.action_spec, num_atoms=config.atoms, **made.layers(self)
        )
        return library.categorical_dqn_agent.CategoricalDqnAgent(
            self.time_step_spec,
            self.action_spec,
            categorical_q_network=self.network,
            min_q_value=config.value_min,
            max_q_value=config.value_max,
            **self.how(),
        )

    def q(self, observation: Any) -> Any:
        """The expected return."""
        config = self.config
        returns = tf.linspace(config.value_min, config.value_max, config.atoms)
        return tf.linalg.matvec(tf.nn.softmax(self.network(observation)[0]), tf.cast(returns, tf.float32))
