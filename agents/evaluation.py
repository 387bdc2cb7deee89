"""Playing to be judged: whole episodes, and what they say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rlgen.envs.host import Judging
from rlgen.errors import EnvironmentFault
from rlgen.metrics.overestimation import overestimation

MOST_STATES = 1000  # That are kept to be looked at.
LONGEST_EPISODE_STEPS = 200_000  # Twice the longest of the Arcade Learning Environment's.


class Played(NamedTuple):
    """N episodes, over the T steps of the longest.

    Attributes:
        rewards: [T, N], 0 after the episode's end.
        values: what was expected in each state, [T, N]; None where the agent cannot say.
        observations: those of the first `MOST_STATES` steps, whichever episodes they are of, [S, *shape].
        actions: what was done there, [S, ...].
        alive: bool [T, N], whether the episode was still going on.
        ended_by_time: bool [N], whether it was truncated.
    """

    rewards: npt.NDArray[Any]
    values: npt.NDArray[Any] | None
    alive: npt.NDArray[np.bool_]
    ended_by_time: npt.NDArray[np.bool_]
    observations: npt.NDArray[Any]
    actions: npt.NDArray[Any]


def play(
    envs: Judging, policy: Callable[[Any], Any], values: Callable[[Any], Any], *, episodes: int, seed: int
) -> Played:
    """Play so many episodes to their ends, each begun with a seed of its own, so that short ones count no more.

    Environments play side by side; one that has finished begins the next episode, or rests when there is none.

    Raises:
        EnvironmentFault: an episode does not end.
    """
    rewards: list[list[float]] = [[] for _ in range(episodes)]
    expected: list[list[float]] = [[] for _ in range(episodes)]
    ended_by_time = np.zeros(episodes, bool)
    waiting = iter(range(episodes))
    first = itertools.islice(waiting, envs.num_envs)
    met: list[npt.NDArray[Any]] = []
    done: list[npt.NDArray[Any]] = []
    states = 0
    playing = [(i, episode, envs.reset(i, seed=seed + episode)) for i, episode in enumerate(first)]
    while playing:
        which, running, seen = zip(*playing, strict=True)
        observations = np.stack(seen)
        value, actions = values(observations), policy(observations)
        if states < MOST_STATES:
            met.append(observations)
            done.append(np.asarray(actions))
            states += len(observations)
        following, reward, terminated, truncated = envs.step(which, actions)
        playing = []
        for k, (i, episode) in enumerate(zip(which, running, strict=True)):
            rewards[episode].append(reward[k])
            if value is not None:
                expected[episode].append(value[k])
            if not terminated[k] and not truncated[k]:
                playing.append((i, episode, following[k]))
                _check_length(rewards[episode])
                continue
            ended_by_time[episode] = truncated[k] and not terminated[k]
            if (new := next(waiting, None)) is not None:
                playing.append((i, new, envs.reset(i, seed=seed + new)))
    lengths = np.array([len(row) for row in rewards])
    alive = np.arange(lengths.max())[:, None] < lengths
    known = _columns(expected, alive) if expected[0] else None
    observed, acted = (np.concatenate(parts)[:MOST_STATES] for parts in (met, done))
    return Played(_columns(rewards, alive), known, alive, ended_by_time, observed, acted)


def _check_length(rewards: Sequence[float]) -> None:
    if len(rewards) >= LONGEST_EPISODE_STEPS:
        raise EnvironmentFault(
            f"An episode has not ended after {len(rewards):,} steps. Give it a time limit: "
            "--set wrappers=time_limit:1000, for instance."
        )


def _columns(rows: Sequence[Sequence[float]], alive: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Numbers of each episode as columns, [T, N], 0 where it was over."""
    columns = np.zeros(alive.shape)
    columns.T[alive.T] = np.concatenate(rows)
    return columns


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


def distributions(played: Played) -> dict[str, npt.NDArray[Any]]:
    """Returns, values and actions, by TensorBoard name."""
    found = {"eval/returns": played.rewards.sum(0), "eval/actions": played.actions}
    return found if played.values is None else {**found, "eval/values": played.values[played.alive]}
