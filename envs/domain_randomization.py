"""Physical parameters drawn anew for every episode, on both engines: what works in all of them may work in reality.

Source: Peng, Andrychowicz, Zaremba and Abbeel (2018), "Sim-to-real transfer of robotic control with dynamics
randomization".
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlgen import draws
from rlgen.environment import CompiledEnv, CompiledWrapper, Wrapper
from rlgen.errors import UserError, nearest

Ranges = Mapping[str, tuple[float, float]]


class Randomize(Wrapper):
    """Draw physical parameters anew for every training episode: `randomize?gravity=8:12&length=0.5`."""

    training_only = shows_the_same = True
    innermost = True

    def __init__(self, **ranges: str) -> None:
        """Read the ranges, low:high each; one number is a constant.

        Raises:
            UserError: a range of another form, or none at all.
        """
        if not ranges:
            raise UserError("randomize wants parameters and their ranges: randomize?gravity=8:12&length=0.4:0.6.")
        self.ranges = {name: parse_range(name, text) for name, text in ranges.items()}

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """By the attributes of the environment."""
        return DomainRandomization(env, ranges=self.ranges, compiled=compiled)

    def on_compiled(self, env: CompiledEnv) -> CompiledEnv:
        """By further columns of the state."""
        return CompiledDomainRandomization(env, ranges=self.ranges)


def parse_range(name: str, text: str) -> tuple[float, float]:
    """`"8:12"` as (8, 12), and one number as a range that holds nothing else.

    Raises:
        UserError: another form, or ends that are the wrong way round.
    """
    low, colon, high = text.partition(":")
    try:
        ends = float(low), float(high if colon else low)
    except ValueError:
        raise UserError(f"'{name}={text}' is not name=low:high. Write, for example, gravity=8:12.") from None
    _check_ends(name, ends)
    return ends


def varied(env: CompiledEnv, values: Mapping[str, Any]) -> CompiledEnv:
    """The environment with other physics: numbers, or tensors [N] with one for every copy."""
    other = copy.copy(env)
    for name, value in values.items():
        setattr(other, name, value)
    return other


class DomainRandomization(gym.Wrapper[Any, Any, Any, Any]):
    """A Gymnasium environment whose parameters are drawn uniformly at every reset.

    They are attributes of the unwrapped environment, set before it is reset. The draws follow from the
    environment's seed but take nothing from its own stream, so its first states stay what they were.
    """

    def __init__(self, env: gym.Env[Any, Any], *, ranges: Ranges, compiled: CompiledEnv | None = None) -> None:
        """Check the ranges.

        Args:
            env: the environment.
            ranges: parameter to (low, high); both ends the same: a constant.
            compiled: its counterpart, which says what may vary and what follows from that. Without one any attribute
                that holds a float may vary, and it is up to the environment to read it again.

        Raises:
            UserError: an unknown parameter or an impossible range.
        """
        super().__init__(env)
        inner: Any = env.unwrapped
        names = compiled.physics if compiled else [name for name, value in vars(inner).items() if type(value) is float]
        _check(ranges, {name: getattr(inner, name) for name in names}, str(env.spec.id if env.spec else inner))
        self.ranges, self.compiled = dict(ranges), compiled
        self._generator: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Draw, set, then reset the environment."""
        if seed is not None:
            self._generator = gym.utils.seeding.np_random(seed)[0].spawn(1)[0]
        elif self._generator is None:
            self._generator = self.np_random.spawn(1)[0]
        values = {name: float(self._generator.uniform(*ends)) for name, ends in self.ranges.items()}
        if self.compiled:
            other = varied(self.compiled, values)
            values |= {name: getattr(other, name) for name in other.derived}
        inner: Any = self.unwrapped
        for name, value in values.items():
            setattr(inner, name, value)
        return self.env.reset(seed=seed, options=options)


class CompiledDomainRandomization(CompiledWrapper):
    """The compiled counterpart of `DomainRandomization`.

    What is drawn travels as further columns of the state, so that a reset draws anew; it is not observed.
    A range of one number is a constant, which the compiler folds.
    """

    def __init__(self, env: CompiledEnv, *, ranges: Ranges) -> None:
        """Check the ranges.

        Args:
            env: the environment itself, not a wrapper: wrappers go around this one.
            ranges: parameter to (low, high).

        Raises:
            UserError: an unknown parameter or an impossible range.
        """
        _check(ranges, {name: getattr(env, name) for name in env.physics}, env.gymnasium_id)
        super().__init__(varied(env, {name: low for name, (low, high) in ranges.items() if low == high}))
        self.ranges = {name: (low, high) for name, (low, high) in ranges.items() if low < high}

    def reset(self, num_envs: int, seed: Any) -> Any:
        """First states and, after their columns, what was drawn, in the order of `ranges`."""
        # A draw of its own leaves the first states what they are without this wrapper.
        share = draws.uniform((num_envs, len(self.ranges)), seed + tf.constant([1, 0]))
        low, high = np.array([*self.ranges.values()], np.float32).reshape(-1, 2).T
        return tf.concat([self.env.reset(num_envs, seed), low + share * (high - low)], -1)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """The environment's step under each copy's own physics."""
        state, drawn = self._split(state)
        env = varied(self.env, dict(zip(self.ranges, tf.unstack(drawn, axis=-1), strict=True)))
        state, reward, terminated = env.step(state, action, seed)
        return tf.concat([state, drawn], -1), reward, terminated

    def observe(self, state: Any) -> Any:
        """As the environment inside."""
        return self.env.observe(self._split(state)[0])

    def _split(self, state: Any) -> tuple[Any, Any]:
        own = state.shape[-1] - len(self.ranges)
        return state[:, :own], state[:, own:]


def _check(ranges: Ranges, defaults: Mapping[str, float], env_id: str) -> None:
    for name, ends in ranges.items():
        if name not in defaults:
            allowed = f"It has: {', '.join(defaults)}." if defaults else "It names none that may vary."
            raise UserError(f"'{env_id}' has no parameter '{name}'.{nearest(name, defaults)} {allowed}")
        _check_ends(name, ends)
        if any(end * defaults[name] < 0 for end in ends):
            raise UserError(
                f"{name}={ends[0]:g}:{ends[1]:g} changes the sign of '{name}': in '{env_id}' it is {defaults[name]:g}."
            )


def _check_ends(name: str, ends: tuple[float, float]) -> None:
    if not (all(map(math.isfinite, ends)) and ends[0] <= ends[1]):
        raise UserError(f"{name}={ends[0]:g}:{ends[1]:g} is no range: write the smaller number first, both finite.")
