"""Environments on the nodes of a cluster, which Ray finds: slow ones step all at once, and while an agent learns."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import batch_space

from rlgen import cluster
from rlgen.envs.processes import Texts, make_alone
from rlgen.errors import UserError, first_line
from rlgen.watchdog import Broken

# How long an actor may take to be given a place and to make its environments.
PLACE_SECONDS = 120.0


class Actors(gym.vector.VectorEnv[Any, Any, Any]):
    """So many environments in Ray's actors, as many of these as the cluster has free CPUs; the i-th has the seed + i.

    Those of one actor step one after another.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, texts: Texts, num_envs: int) -> None:
        """Join the cluster that `RAY_ADDRESS` names or that runs here, or make one of this machine, and place them.

        Raises:
            UserError: there is no Ray, its nodes cannot train, or no CPU is free.
        """
        self.num_envs, self._undo = num_envs, contextlib.ExitStack()
        self._undo.enter_context(cluster.joined("ray", []))
        self._ray = cluster.imported()
        free = int(self._ray.available_resources().get("CPU", 0))
        if not free:
            self._undo.close()
            raise UserError(
                "env_processes=ray wants a CPU of the cluster for environments, and all are taken: wait for what "
                "runs there, add a node, or leave it out."
            )
        parts = np.array_split(np.arange(num_envs), min(free, num_envs))
        self._places = [slice(int(part[0]), int(part[-1]) + 1) for part in parts]
        actor = self._ray.remote(num_cpus=1, max_restarts=0)(Stepper)
        path = [place for place in sys.path if place]
        self._actors = [actor.remote(texts, len(part), str(Path.cwd()), path) for part in parts]
        self._stepping: list[Any] = []
        try:
            spaces = self._of_all([each.spaces.remote() for each in self._actors], timeout=PLACE_SECONDS)
        except BaseException:
            self.close()
            raise
        self.single_observation_space, self.single_action_space = spaces[0]
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        """As Gymnasium's."""
        seeds = [None if seed is None else seed + place.start for place in self._places]
        asked = [each.reset.remote(own) for each, own in zip(self._actors, seeds, strict=True)]
        return np.concatenate(self._of_all(asked)), {}

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Begin a step of all."""
        self._stepping = [
            each.step.remote(actions[place]) for each, place in zip(self._actors, self._places, strict=True)
        ]

    def step_wait(self) -> Any:
        """What the step that was begun gave.

        Raises:
            Broken: an actor is gone.
        """
        parts = self._of_all(self._stepping)
        seen, rewards, terminated, truncated = (np.concatenate(column) for column in list(zip(*parts, strict=True))[:4])
        finals = {
            place.start + i: final
            for place, part in zip(self._places, parts, strict=True)
            for i, final in part[4].items()
        }
        info: dict[str, Any] = {}
        if finals:
            info["final_obs"] = np.array([finals.get(i) for i in range(self.num_envs)], object)
            info["_final_obs"] = np.array([i in finals for i in range(self.num_envs)])
        return seen, rewards, terminated, truncated, info

    def step(self, actions: npt.NDArray[Any]) -> Any:
        """As Gymnasium's."""
        self.step_async(actions)
        return self.step_wait()

    def close_extras(self, **_: Any) -> None:
        """Let the actors go, and leave the cluster."""
        for each in self._actors:
            self._ray.kill(each)
        self._actors = []
        self._undo.close()

    def _of_all(self, asked: Sequence[Any], *, timeout: float | None = None) -> list[Any]:
        errors = self._ray.exceptions
        try:
            return list(self._ray.get(list(asked), timeout=timeout))
        except errors.GetTimeoutError as error:
            raise UserError(
                f"The cluster gave no place to environments in {PLACE_SECONDS:.0f} seconds: wait for what runs there, "
                "or add a node."
            ) from error
        except errors.RayTaskError as error:
            raise error.as_instanceof_cause() from error
        except errors.RayError as error:
            raise Broken(f"an actor with environments is gone: {first_line(error)}") from error


class Stepper:
    """The actor: some environments, stepped one after another."""

    def __init__(self, texts: Texts, count: int, directory: str, path: Sequence[str]) -> None:
        """Make them, where and as the one who asks works, as far as the node allows it."""
        sys.path += [place for place in path if place not in sys.path]
        if Path(directory).is_dir():
            os.chdir(directory)
        self._envs = SyncVectorEnv([lambda: make_alone(texts)] * count, autoreset_mode=AutoresetMode.SAME_STEP)

    def spaces(self) -> tuple[Any, Any]:
        """What is seen and what can be done."""
        return self._envs.single_observation_space, self._envs.single_action_space

    def reset(self, seed: int | None) -> npt.NDArray[Any]:
        """Begin new episodes."""
        return np.array(self._envs.reset(seed=seed)[0])

    def step(self, actions: npt.NDArray[Any]) -> tuple[Any, ...]:
        """Observations, rewards, both flags, and by its number the last observation of each that ended."""
        seen, rewards, terminated, truncated, info = self._envs.step(actions)
        finals = {int(i): info["final_obs"][i] for i in np.flatnonzero(info.get("_final_obs", []))}
        return np.array(seen), np.array(rewards), np.array(terminated), np.array(truncated), finals
