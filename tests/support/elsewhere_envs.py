"""Environments in other processes, held against the same ones side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlgen.envs.host import OfVector

# Its ice is slippery, and it has no compiled counterpart: a process of it needs no TensorFlow.
LAKE = "FrozenLake-v1"
WRAPPERS = ("time_limit:7", "clip_reward")


def assert_step_alike(apart: Any, together: Any) -> None:
    """Three lakes in `WRAPPERS` give the same in other processes as in this one, for thirty steps."""
    generator = np.random.default_rng(0)
    assert isinstance(apart, OfVector)
    np.testing.assert_array_equal(apart.observation, together.observation)
    ends = 0
    for _ in range(30):
        actions = generator.integers(0, 4, 3)
        apart.begin(actions)
        one, other = apart.finish(), together.step(actions)
        for mine, theirs in zip(one[:5], other[:5], strict=True):
            np.testing.assert_array_equal(mine, theirs)
        ends += int((one.terminated | one.truncated).sum())
    assert ends >= 12, "episodes of seven steps end, and the next begin"
