"""Agents with networks of the house that learn from replayed experience."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from rlgen import networks, runtime
from rlgen.agents.computing import NetworkAgent, NetworkConfig
from rlgen.agents.replay_agent import ReplayAgent, ReplayConfig
from rlgen.config import option
from rlgen.networks import Activation


@dataclasses.dataclass(frozen=True, kw_only=True)
class OffPolicyConfig(ReplayConfig, NetworkConfig):
    """What the networks are made of, how experience is kept and how often it is learned from."""

    hidden_units: tuple[int, ...] = option((256, 256), "Units of the hidden layers.", at_least=1)
    activation: Activation = option("relu", "Between the layers.")


class OffPolicyAgent(ReplayAgent, NetworkAgent):
    """Base of agents with networks and a replay; a subclass says how it explores and what one update is.

    Attributes:
        learning_networks: how many networks about as large as the one that acts learn, itself counted.
        following_networks: how many follow them.
    """

    Config: ClassVar[type[OffPolicyConfig]] = OffPolicyConfig
    learning_networks: ClassVar[int] = 1
    following_networks: ClassVar[int] = 1

    def network_bytes(self) -> dict[str, int]:
        """Of networks as large as the one that acts."""
        return networks.memory.learning_bytes(
            self.inference_state().values(),
            examples=self.config.batch_size,
            learning=self.learning_networks,
            following=self.following_networks,
        )

    def options(self, purpose: str) -> networks.Options:
        """What a network is made of; its weights follow from the purpose."""
        config, seed = self.config, runtime.derive_seed(self.seed, purpose)
        return networks.Options(
            hidden_units=config.hidden_units, activation=config.activation, seed=seed, dtype=self.dtype
        )
