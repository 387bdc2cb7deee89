"""Rainbow: DQN with six improvements at once. Source: Hessel et al. (2018)."""

from __future__ import annotations

import dataclasses

from rlgen.agents.distributions import Distribution
from rlgen.agents.dqn import DQN, PRESETS, DQNConfig
from rlgen.agents.q_network import Dueling
from rlgen.config import another_default
from rlgen.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class RainbowConfig(DQNConfig):
    """DQN's, with double learning, dueling streams, 3-step returns, priorities, noise and C51's distributions on."""

    presets = {**PRESETS["rainbow"]}

    double: bool = another_default(DQNConfig, "double", True)
    dueling: Dueling = another_default(DQNConfig, "dueling", "mean")
    n_step: int = another_default(DQNConfig, "n_step", 3)
    priority_exponent: float = another_default(DQNConfig, "priority_exponent", 0.5)
    noisy: bool = another_default(DQNConfig, "noisy", True)
    # With the paper's .5 CartPole takes 45,000 environment steps to the first 500, with .1 about 20,000.
    noisy_sigma: float = another_default(DQNConfig, "noisy_sigma", 0.1)
    epsilon: Schedule = another_default(DQNConfig, "epsilon", 0.0)
    distribution: Distribution = another_default(DQNConfig, "distribution", "categorical")


class Rainbow(DQN):
    """Rainbow: DQN with double learning, dueling, n-step returns, priorities, noise and distributions at once."""

    Config = RainbowConfig
