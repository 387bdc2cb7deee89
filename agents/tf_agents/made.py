"""Agents of TF-Agents that are made here, from a configuration: their networks and their optimizers."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tensorflow as tf

from rlgen import runtime
from rlgen.agents.agent import AgentConfig
from rlgen.config import load_presets, option
from rlgen.networks import SMALLEST_NATURE_PIXELS
from rlgen.schedules import Schedule

if TYPE_CHECKING:
    from rlgen.agents.tf_agents.bridged import Bridged

PRESETS = load_presets(Path(__file__).parents[1] / "presets" / "tf_agents.json")
# Of Mnih et al. (2015), and of Young and Tian (2019) for pictures of a few pixels: filters, size and stride.
NATURE = ((32, (8, 8), 4), (64, (4, 4), 2), (64, (3, 3), 1))
MINATAR = ((16, (3, 3), 1),)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MadeConfig(AgentConfig):
    """What the networks are made of, and what steps them: layers and optimizers of Keras 2."""

    hidden_units: tuple[int, ...] = option((256, 256), "Units of the hidden layers.", at_least=1)
    optimizer: Literal["adam", "rmsprop", "rmsprop_centered"] = option(
        "adam", "What steps the weights; rmsprop_centered with a decay of .95, as in Mnih et al. (2015)."
    )
    optimizer_epsilon: float = option(1e-7, "What it adds to the root of the mean square gradient.", above=0)
    max_grad_norm: float | None = option(None, "Each gradient is scaled down to this norm; none: never.", above=0)


def layers(agent: Bridged) -> dict[str, Any]:
    """Arguments that TF-Agents' networks know: dense layers, for pictures behind convolutions."""
    dense = {"fc_layer_params": hidden_units(agent)}
    if not agent.observation.picture:
        return dense
    most = 255.0 if agent.observation.dtype == "uint8" else 1.0
    scaled = tf.keras.layers.Lambda(lambda picture: tf.cast(picture, tf.float32) / most)
    side = min(agent.observation.shape[:2])
    convolutions = NATURE if side >= SMALLEST_NATURE_PIXELS else MINATAR if side >= 3 else None
    return {**dense, "preprocessing_layers": scaled, "conv_layer_params": convolutions}


def hidden_units(agent: Bridged) -> tuple[int, ...]:
    """The configuration's, which fit into memory: Keras 2 would ask for all of it.

    Raises:
        UserError: they do not.
    """
    units: tuple[int, ...] = agent.config.hidden_units
    inputs = [] if agent.observation.picture else [agent.observation.size]
    numbers = sum(before * after for before, after in itertools.pairwise([*inputs, *units]))
    # Weights, their copy in a target network, and two moments of each.
    runtime.require_memory({"networks": 4 * 4 * numbers}, advice="Make hidden_units smaller")
    return units


def optimizer(agent: Bridged, learning_rate: Schedule) -> Any:
    """Of the configuration's kind; its step size follows a schedule by the environment steps."""
    kept = tf.keras.optimizers.legacy
    kinds = {
        "adam": kept.Adam,
        "rmsprop": kept.RMSprop,
        "rmsprop_centered": functools.partial(kept.RMSprop, rho=0.95, centered=True),
    }
    rate = learning_rate(0) if learning_rate.constant else lambda: learning_rate(agent.clock)
    return kinds[agent.config.optimizer](rate, epsilon=agent.config.optimizer_epsilon)
