"""A configuration of the DQN family that learns in a moment."""

from __future__ import annotations

from typing import Any

SMALL: dict[str, Any] = {
    "num_envs": 4,
    "hidden_units": (16,),
    "batch_size": 16,
    "replay_capacity": 512,
    "learning_starts_env_steps": 32,
    "train_every_env_steps": 16,
    "updates_per_train": 4,
    "target_update_every_updates": 8,
}
