"""Rollouts that are collected while the one before is learned from, by agents that know which policy acted.

For environments that step elsewhere: their processes work while the learner's cores do.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from rlgen import state
from rlgen.agents.action_heads import ActionHead
from rlgen.agents.actor_critic import ActorCritic
from rlgen.agents.normalizer import RunningMoments
from rlgen.agents.rollout import HostRollout


class Actor:
    """What chooses actions: networks, a head and what observations are normalised by, an agent's own or copies.

    Attributes:
        network: policy and value.
        head: from what the policy's network puts out to actions.
        observations: what they are normalised by.
    """

    def __init__(
        self, network: ActorCritic, head: ActionHead, observations: RunningMoments, *, normalize: bool
    ) -> None:
        """Take them; `normalize`: whether observations are normalised at all."""
        self.network, self.head, self.observations, self._normalize = network, head, observations, normalize

    def follow(self, other: Actor) -> None:
        """Become what another one is."""
        for mine, theirs in zip(self._variables, other._variables, strict=True):
            mine.assign(theirs)
        state.touch()

    def normalized(self, observation: Any) -> Any:
        """Observations as the networks see them."""
        return self.observations.normalize(observation) if self._normalize else observation

    def parameters_on_host(self, observations: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Of the policy, float32 [N, outputs], for observations [N, *shape]."""
        seen = self.observations.numpy_normalize(observations) if self._normalize else observations
        return self.network.policy_on_host(seen)

    @property
    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self.head.variables, *self.observations.state().values()]


class Ahead:
    """Collects the next rollout in a thread; one that environments began anew after is thrown away."""

    def __init__(self, rollout: HostRollout, steps: int) -> None:
        """Collect so many steps of each environment at a time."""
        self._rollout, self._steps = rollout, steps
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rlgen-rollout")
        self._coming: Future[Any] | None = None

    def begin(self) -> None:
        """Begin to collect."""
        self._coming = self._thread.submit(self._rollout.collect, self._steps)

    def take(self) -> Any:
        """The rollout that was begun; None where there is none, or none that goes on from where environments stand."""
        coming, self._coming = self._coming, None
        if coming is None:
            return None
        found = coming.result()
        return None if self._rollout.restarted else found

    def settle(self) -> None:
        """Wait until nothing is under way; what was collected waits."""
        if self._coming is not None:
            self._coming.exception()
