"""Environments that break a promise each, for tests: `awkward_envs:<Name>-v0`, `awkward_envs:Lies?how=...&at=...`."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np


class Sound(gym.Env[Any, Any]):
    """Keeps every promise; the ones below each break one, at the step `at`."""

    observation_space: gym.Space[Any] = gym.spaces.Box(-1, 1, (3,), np.float32)
    action_space: gym.Space[Any] = gym.spaces.Discrete(2)
    at = 5

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.observe(), {}

    def observe(self) -> Any:
        return self.np_random.uniform(-1, 1, 3).astype(np.float32)

    def step(self, action: Any) -> Any:
        self.steps += 1
        returned = (self.observe(), 1.0, False, self.steps >= 200, {})
        return self.wrong(*returned) if self.steps == self.at else returned

    def wrong(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: Any) -> Any:
        return observation, reward, terminated, truncated, info


class NanObservation(Sound):
    def wrong(self, observation: Any, *rest: Any) -> Any:
        return observation * np.nan, *rest


class NanObservationLate(NanObservation):
    at = 100


class InfiniteReward(Sound):
    def wrong(self, observation: Any, reward: Any, *rest: Any) -> Any:
        return observation, np.inf, *rest


class TextReward(Sound):
    def wrong(self, observation: Any, reward: Any, *rest: Any) -> Any:
        return observation, "much", *rest


class WrongShape(Sound):
    def wrong(self, observation: Any, *rest: Any) -> Any:
        return np.zeros(4, np.float32), *rest


class FourValues(Sound):
    def wrong(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: Any) -> Any:
        return observation, reward, terminated, info


class NumberForFlag(Sound):
    def wrong(self, observation: Any, reward: Any, terminated: Any, *rest: Any) -> Any:
        return observation, reward, 7, *rest


class Raises(Sound):
    def wrong(self, *returned: Any) -> Any:
        raise RuntimeError("out of coffee")


class ResetAlone(Sound):
    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(seed=seed)[0]


class CannotBeMade(Sound):
    def __init__(self, **options: Any) -> None:
        raise ValueError("no licence found")


class Endless(Sound):
    """Observations without a fixed size."""

    observation_space = gym.spaces.Sequence(gym.spaces.Discrete(3))

    def observe(self) -> Any:
        return (0, 1)


class Exits(Sound):
    """Leaves the program where it is told to."""

    def __init__(self, where: str = "step", at: int = 5) -> None:
        self.where, self.at = where, at
        self.leave("construction")

    def leave(self, where: str) -> None:
        if where == self.where:
            sys.exit(0)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.leave("reset")
        return super().reset(seed=seed)

    def wrong(self, *returned: Any) -> Any:
        self.leave("step")
        return returned

    def close(self) -> None:
        self.leave("close")
        if self.where == "closing":
            raise RuntimeError("the door is stuck")


LIES: dict[str, Callable[..., Any]] = {
    "text": lambda seen, reward, *rest: (seen, "1.0", *rest),
    "several": lambda seen, reward, *rest: (seen, np.ones(2), *rest),
    "none": lambda seen, reward, *rest: (seen, None, *rest),
    "word": lambda seen, reward, terminated, *rest: (seen, reward, "no", *rest),
    "number": lambda seen, reward, terminated, truncated, info: (seen, reward, False, 0, info),
    "four": lambda seen, reward, terminated, truncated, info: (seen, reward, terminated, info),
    "nothing": lambda *returned: None,
    "outside": lambda seen, *rest: (seen + np.float32([0, 0, 8]), *rest),
}


class Lies(Sound):
    """Returns what it should not, as `how` says, in the step `at` of an episode."""

    def __init__(self, how: str, at: int = 5) -> None:
        self.how, self.at = how, at

    def wrong(self, *returned: Any) -> Any:
        return LIES[self.how](*returned)


def spin() -> None:
    while True:
        pass


def lock_twice(library: Any) -> None:
    """Wait in C for oneself; no signal wakes one from this, as it would from C's sleep."""
    mutex = ctypes.create_string_buffer(128)
    for _ in range(2):
        library.pthread_mutex_lock(mutex)


# "held" holds Python's lock meanwhile, as most extensions do, so that no other thread runs either.
HANGS: dict[str, Callable[[], Any]] = {
    "python": spin,
    "sleep": lambda: time.sleep(600),
    "c": lambda: lock_twice(ctypes.CDLL(None)),
    "held": lambda: lock_twice(ctypes.PyDLL(None)),
}


class Hangs(Sound):
    """Does not return, as `how` says, from the step `at` of an episode, or from `where` else."""

    def __init__(self, how: str = "python", at: int = 100, where: str = "step") -> None:
        self.how, self.at, self.where = how, at, where
        self.hang("construction")

    def hang(self, where: str) -> None:
        if where == self.where:
            print("hanging", file=sys.stderr, flush=True)
            HANGS[self.how]()

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.hang("reset")
        return super().reset(seed=seed)

    def wrong(self, *returned: Any) -> Any:
        self.hang("step")
        return returned

    def close(self) -> None:
        self.hang("close")


BROKEN = [kind for kind in Sound.__subclasses__() if kind not in (Exits, Lies, Hangs)]
for kind in (Sound, *BROKEN, NanObservationLate):
    gym.register(f"{kind.__name__}-v0", kind, disable_env_checker=True)
