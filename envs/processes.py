"""Environments in processes of their own: slow ones step all at once, and while an agent learns."""

from __future__ import annotations

import functools
from typing import Any

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

from rlgen.watchdog import Broken

# An environment's name, its wrappers, and those for training alone.
Texts = tuple[str, tuple[str, ...], tuple[str, ...]]


class Processes(AsyncVectorEnv):
    """Gymnasium's, which says in words that a process is gone."""

    def step_wait(self, timeout: float | None = None) -> Any:
        """As the base says.

        Raises:
            Broken: the process of an environment has ended.
        """
        try:
            return super().step_wait(timeout)
        except (EOFError, ConnectionError) as error:
            raise Broken(
                "the process of an environment has ended: something has killed it, or memory ran out."
            ) from error


def vector_of_processes(texts: Texts, num_envs: int) -> Processes:
    """So many environments, each in a process; what they show is an array, and the i-th has the seed + i.

    Processes are started anew (`spawn`): one that was copied from a program with TensorFlow's threads may stand still.
    """
    make = functools.partial(make_alone, texts)
    # The spaces are those of `make` here; nothing more of it is used.
    return Processes([make] * num_envs, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)


def make_alone(texts: Texts) -> gym.Env[Any, Any]:
    """One to learn in, as an array is seen of it; in a process that knows nothing but the names."""
    from rlgen.envs.making import trained_in, wrapped
    from rlgen.sources import lookup, wrapper

    env_id, wrappers, training_wrappers = texts
    source = lookup(env_id)
    env = wrapped(source.make_learned(), trained_in([wrapper(text) for text in wrappers], training_wrappers), source)
    if isinstance(env.observation_space, gym.spaces.Box):
        return env
    return gym.wrappers.FlattenObservation(env)
