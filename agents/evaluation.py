"""Playing to be judged: whole episodes, one for each environment, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen.envs.gymnasium import HostEnvs
from rlgen.errors import EnvironmentFault
from rlgen.metrics.overestimation import overestimation

LONGEST_EPISODE_STEPS = 200_000  # Twice the longest of the Arcade Learning Environment's.


class Played(NamedTuple):
    """One episode of each of N environments, over the T steps of the longest.

    Attributes:
        rewards: [T, N], 0 after the episode's end.
        values: what was expected in each state, [T, N]; None where the agent cannot say.
        alive: bool [T, N], whether the episode was still going on.
        ended_by_time: bool [N], whether it was truncated.
    """

    rewards: npt.NDArray[Any]
    values: npt.NDArray[Any] | None
    alive: npt.NDArray[np.bool_]
    ended_by_time: npt.NDArray[np.bool_]


def play(envs: HostEnvs, policy: Callable[[Any], Any], values: Callable[[Any], Any]) -> Played:
    """Play every environment to the end of its first episode, so that short episodes count no more than long ones.

    Raises:
        EnvironmentFault: one does not end.
    """
    alive, ended_by_time = np.ones(envs.num_envs, bool), np.zeros(envs.num_envs, bool)
    rows: list[tuple[Any, Any, Any]] = []
    while alive.any():
        observation = envs.observation.copy()
        expected, step = values(observation), envs.step(policy(observation))
        rows.append((np.where(alive, step.reward, 0.0), expected, alive.copy()))
        ended_by_time |= alive & step.truncated & ~step.terminated
        alive &= ~(step.terminated | step.truncated)
        if len(rows) >= LONGEST_EPISODE_STEPS:
            raise EnvironmentFault(
                f"An episode has not ended after {len(rows):,} steps. Give it a time limit: "
                "--set wrappers=time_limit:1000, for instance."
            )
    rewards, expected, lived = zip(*rows, strict=True)
    known = None if expected[0] is None else np.array(expected)
    return Played(np.array(rewards), known, np.array(lived), ended_by_time)


def joined(parts: Sequence[Played]) -> Played:
    """What was played one after another as if it had been side by side."""
    longest = max(len(part.rewards) for part in parts)
    rewards, values, alive = (
        None if column[0] is None else np.concatenate([_padded(x, longest) for x in column], axis=1)
        for column in zip(*(part[:3] for part in parts), strict=True)
    )
    assert rewards is not None and alive is not None
    return Played(rewards, values, alive, np.concatenate([part.ended_by_time for part in parts]))


def _padded(x: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    return np.concatenate([x, np.zeros((length - len(x), *x.shape[1:]), x.dtype)])


def scalars(played: Played, *, discount: float) -> dict[str, float]:
    """Returns and lengths, and how much too high the values were, by TensorBoard name."""
    returns, lengths = played.rewards.sum(0), played.alive.sum(0)
    found = {
        "eval/mean_reward": returns.mean(),
        "eval/std_reward": returns.std(),
        "eval/min_reward": returns.min(),
        "eval/max_reward": returns.max(),
        "eval/mean_ep_length": lengths.mean(),
    }
    if played.values is not None:
        bias = overestimation(played.values, played.rewards, played.alive, played.ended_by_time, discount=discount)
        if bias is not None:
            found["eval/overestimation"] = bias
    return {name: float(value) for name, value in found.items()}
