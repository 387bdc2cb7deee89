"""How the networks of an agent compute: in which precision, and whether XLA compiles them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

from rlgen import loops, networks
from rlgen.agents.agent import Agent, AgentConfig
from rlgen.config import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkConfig(AgentConfig):
    """What every agent with networks can be told."""

    served_with: ClassVar[Mapping[str, Any]] = {"precision": "float32"}

    network: str = option("auto", "What the networks are made of; auto: dense layers, or convolutions for pictures.")
    precision: loops.Precision = option(
        "auto",
        "Type that layers compute in, but for the last one and those of a network of your own; auto: bfloat16 for "
        "convolutions where the processor is faster with it.",
    )


class NetworkAgent(Agent):
    """Base of agents with networks."""

    Config: ClassVar[type[NetworkConfig]] = NetworkConfig

    @functools.cached_property
    def compute(self) -> loops.Compute:
        """How they compute, by what their bodies are made of."""
        if self._own:
            return loops.choose(
                convolutional=networks.has_convolutions(self.inference_state().values()), precision="float32"
            )
        body = networks.body(self.config.network, self.observation, networks.Options(hidden_units=()))
        return loops.choose(convolutional=networks.has_convolutions([body]), precision=self.config.precision)

    @property
    def dtype(self) -> str:
        """Keras' dtype policy for layers."""
        return "float32" if self._own else self.compute.dtype

    @property
    def _own(self) -> bool:
        """Whether a function of a user's own makes them: once, and in the type that it says."""
        return networks.own.find(self.config.network) is not None

    def chosen(self) -> Mapping[str, Any]:
        """The precision, where the configuration leaves it open."""
        return loops.chosen(self.compute, self.config.precision)
