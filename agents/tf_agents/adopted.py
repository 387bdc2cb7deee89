"""Agents of TF-Agents that somebody else has built: they learn here as those that are made here do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from rlgen import brought, importing, sources
from rlgen.agents.agent import AgentConfig
from rlgen.agents.replay_agent import ReplayConfig
from rlgen.agents.rollout_agent import RolloutConfig
from rlgen.agents.tf_agents import library
from rlgen.agents.tf_agents.bridged import Bridged, specifications
from rlgen.agents.tf_agents.ppo import PPORollouts
from rlgen.agents.tf_agents.reinforce import EpisodeRollouts
from rlgen.agents.tf_agents.replayed import Replayed
from rlgen.agents.trajectory import Batch
from rlgen.config import option
from rlgen.envs.making import Environments
from rlgen.errors import UserError

# By which of these an agent learns here, and what it is called; those that come first are asked first.
NAMES = {
    "PPOAgent": "tf_agents/adopted_ppo",
    "ReinforceAgent": "tf_agents/adopted_reinforce",
    "TFAgent": "tf_agents/adopted",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdoptedConfig(AgentConfig):
    """Which agent it is; all about its networks, its optimizers and its own discount is said where it is built."""

    agent: str = option(
        "", "Function, package.module:name, of TF-Agents' specifications of a time step and an action that builds it."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdoptedReplayConfig(ReplayConfig, AdoptedConfig):
    """Which agent it is, how experience is kept and how often it is learned from."""

    def check(self) -> None:
        """Refuse what would count twice."""
        super().check()
        if self.n_step != 1 or not self.discount:
            raise UserError(
                "An agent that was built elsewhere discounts by itself, one step at a time: leave n_step at 1, and let "
                "discount be what it discounts by, above 0, for evaluations."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdoptedRolloutConfig(RolloutConfig, AdoptedConfig):
    """Which agent it is, and how experience is collected."""


class _Adopted(Bridged):
    """What agents share that are looked up, not made."""

    kind: str

    def make_agent(self) -> Any:
        """What the configuration names: an agent, or a function that builds one."""
        if not self.config.agent:
            raise UserError("Say which agent: --set agent=package.module:function, or rlgen.agents.tf_agents.adopt.")
        agent = _built(self.config.agent, self.time_step_spec, self.action_spec)
        name = name_of(agent)
        if name != NAMES[self.kind]:
            raise UserError(f"{self.config.agent} is a {type(agent).__name__}: that is `{name}` here, so train that.")
        self._refuse_other_specs(agent)
        return agent

    def _refuse_other_specs(self, agent: Any) -> None:
        """Raise `UserError` where an agent was built for another environment."""
        for what, own, wanted in (
            ("observations", agent.time_step_spec.observation, self.time_step_spec.observation),
            ("actions", agent.action_spec, self.action_spec),
        ):
            same = getattr(own, "shape", None) == wanted.shape and own.dtype.is_floating == wanted.dtype.is_floating
            bounds = [(spec.minimum, spec.maximum) for spec in (own, wanted)] if same and what == "actions" else []
            if not same or (bounds and any((a != b).any() for a, b in zip(*bounds, strict=True))):
                raise UserError(
                    f"{self.config.agent} was built for {what} {own}, and '{self.problem}' has {wanted}. A function of "
                    "both specifications fits any environment."
                )


class Adopted(_Adopted, Replayed):
    """An agent built with TF-Agents that learns from two steps at a time (DQN, SAC, TD3, DDPG ...), on our replay."""

    Config = AdoptedReplayConfig
    kind = "TFAgent"

    def discount(self, batch: Batch) -> Any:
        """Whether the episode goes on: the agent has a gamma of its own."""
        return tf.cast(batch.discount > 0, tf.float32)


class AdoptedPPO(_Adopted, PPORollouts):
    """A `PPOAgent` built with TF-Agents, on our rollouts."""

    Config = AdoptedRolloutConfig
    kind = "PPOAgent"


class AdoptedReinforce(_Adopted, EpisodeRollouts):
    """A `ReinforceAgent` built with TF-Agents, on first episodes of our rollouts."""

    Config = AdoptedRolloutConfig
    kind = "ReinforceAgent"


def _built(name: str, time_step_spec: Any, action_spec: Any) -> Any:
    value = brought.find(name)
    if value is None:
        value = importing.load("agent", name)
    if isinstance(value, library.tf_agent.TFAgent) or not callable(value):
        return value
    try:
        return value(time_step_spec, action_spec)
    except UserError:
        raise
    except Exception as error:  # Somebody's function may raise anything.
        raise UserError(f"{name} could not build an agent: {type(error).__name__}: {error}") from error


def name_of(agent: Any) -> str:
    """The algorithm that an agent of TF-Agents is here.

    Raises:
        UserError: it is none, or one that learns in a way that is not served.
    """
    parents = [parent.__name__ for parent in type(agent).__mro__]
    name = next((name for kind, name in NAMES.items() if kind in parents), None)
    if name is None:
        raise UserError(f"A {type(agent).__name__} is no agent of TF-Agents (a tf_agents.agents.TFAgent).")
    if name == NAMES["TFAgent"] and agent.train_sequence_length != 2:
        raise UserError(
            f"{type(agent).__name__} learns from {agent.train_sequence_length or 'whole'} steps at a time. Agents that "
            "learn from two are served, n_step_update=1 and no recurrent network among them, and ReinforceAgent and "
            "PPOAgent."
        )
    if name == NAMES["PPOAgent"] and not agent._compute_value_and_advantage_in_train:
        raise UserError("Build the PPOAgent with compute_value_and_advantage_in_train=True.")
    return name


def adopt(agent: Any, *, env: Any, config: Mapping[str, Any] | None = None, **how: Any) -> dict[str, Any]:
    """What `rlgen.train` and `rlgen.make` are to be told of an agent of TF-Agents.

        rlgen.train(**adopt(agent, env="CartPole-v1"), steps=50_000)

    Args:
        agent: a `TFAgent`, which is known in this process alone, or a function of TF-Agents' specifications of a time
            step and an action that builds one; of a module, it serves the command line and other processes as well.
        env: what it learns in, as `rlgen.train` takes it.
        config: fields of `tf_agents/adopted`, or of what it is here.
        how: whatever else `rlgen.train` can be told.

    Raises:
        UserError: it is no agent, one that is not served, or built for another environment.
    """
    known = brought.bring(agent, called=type(agent).__name__)
    wrappers = [each if isinstance(each, str) else brought.bring(each) for each in how.get("wrappers") or ()]
    environments = Environments(sources.name_of(env, how.get("env_config")), wrappers=wrappers)
    name = name_of(_built(known, *specifications(environments)))
    environments.close()
    return {"name": name, "env": env, "config": {**(config or {}), "agent": known}, **how}
