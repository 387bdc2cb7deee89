"""What the networks of TF-Agents are made of, by what an agent sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from rlgen.agents.tf_agents.bridged import Bridged

# Of Mnih et al. (2015): filters, size and stride.
NATURE = ((32, (8, 8), 4), (64, (4, 4), 2), (64, (3, 3), 1))


def of(agent: Bridged) -> dict[str, Any]:
    """Arguments that its networks know: dense layers, for pictures behind those convolutions.

    Keras gives weights without a seed the numbers of Python's generator, which an agent's seed decides.
    """
    dense = {"fc_layer_params": agent.config.hidden_units}
    if not agent.observation.picture:
        return dense
    scaled = tf.keras.layers.Lambda(lambda picture: tf.cast(picture, tf.float32) / 255.0)
    return {**dense, "preprocessing_layers": scaled, "conv_layer_params": NATURE}
