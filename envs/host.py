"""The host engine: any Gymnasium environment, many at once, with the contract checked at every step.

Whatever comes from an environment is copied at once into an array of rlgen's own: environments may return one array
that they change in place, and infos that nobody could merge.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from rlgen.envs.contract import FLAGS, NUMBERS, Contract, Sight, finite, five, flag, number, pair
from rlgen.envs.gymnasium import Array, to_space
from rlgen.errors import UserError
from rlgen.watchdog import Broken, Call

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


# Infos of a vector environment that learns from something else than is reported; nobody else's infos are called so.
SCORE, OVER = "rlgen.score", "rlgen.over"


class Step(NamedTuple):
    """What one step of N environments gave; at an episode's end the two observations differ.

    Attributes:
        reward: float32 [N].
        terminated: bool [N]; the task itself ended.
        truncated: bool [N]; the time ran out.
        final_observation: [N, *shape], the true successor of the state acted in.
        observation: [N, *shape], what to act on next: the first of a new episode where one ended.
        score: float32 [N], the reward as it is to be reported; None: it is `reward`.
        over: bool [N], where an episode ended as it is to be reported; None: where one terminated or was truncated.
    """

    reward: Floats
    terminated: Flags
    truncated: Flags
    final_observation: Array
    observation: Array
    score: Floats | None = None
    over: Flags | None = None


class HostEnvs(abc.ABC):
    """N copies of an environment, stepped together; every array that they hand out is a new one.

    An episode that ends is followed by the first observation of the next one in the same step, so every
    step of every copy is a real transition: there is no filler to be stored by mistake.

    Attributes:
        num_envs: N.
        observation: what to act on, [N, *shape].
        lost: whether somebody else has used or closed the environments since, so that `reset` has to come next.
    """

    num_envs: int
    observation: Array
    lost: bool = False

    @abc.abstractmethod
    def reset(self, *, seed: int) -> None:
        """Start new episodes, in new environments after `close`; `observation` is then what to act on first.

        Raises:
            EnvironmentFault: an environment raised, or returned something else than Gymnasium's contract allows.
        """

    @abc.abstractmethod
    def step(self, actions: Array) -> Step:
        """One step of every copy; `actions` [N] or [N, ...], discrete ones counted from 0.

        Raises:
            EnvironmentFault: as `reset`; the message has the number of the step.
        """

    def begin(self, actions: Array) -> None:
        """Begin a step; environments that step elsewhere do so while other work is done. `finish` comes next."""
        self._begun = actions

    def finish(self) -> Step:
        """What the step that was begun gave; arguments and errors are those of `step`."""
        return self.step(self._begun)

    @abc.abstractmethod
    def close(self) -> None:
        """Close every copy; what comes after begins in new ones."""


class SideBySide(HostEnvs):
    """Environments stepped one after another."""

    def __init__(
        self,
        make: Callable[[], gym.Env[Any, Any]],
        *,
        num_envs: int,
        seed: int,
        contract: Contract | None = None,
    ) -> None:
        """Start the first episodes of so many environments that `make` makes."""
        self._make, self.num_envs, self._envs, self._steps = make, num_envs, list[gym.Env[Any, Any]](), 0
        self._contract = contract or Contract()
        self.reset(seed=seed)

    def reset(self, *, seed: int) -> None:
        """As the base says; the i-th environment gets the seed + i."""
        if not self._envs:
            self._envs = [self._make() for _ in range(self.num_envs)]
            self._sight, self._space = Sight(self._envs[0].observation_space), self._envs[0].action_space
        self.observation, self.lost = self._sight.empty(self.num_envs), False
        everywhere = range(self.num_envs)
        self._contract.call("reset", begun, self._envs, everywhere, self._sight, self.observation, seed)
        self._contract.checked(self.observation, self._sight, "reset")

    def step(self, actions: Array) -> Step:
        """As the base says."""
        self._steps += 1
        where = f"step {self._steps}"
        taken = to_space(self._space, actions)
        final, reward, terminated, truncated = stepped(self._envs, taken, self._sight, self._contract, where)
        done = terminated | truncated
        self.observation = final
        if done.any():
            self.observation = final.copy()
            ended = np.flatnonzero(done)
            self._contract.call(f"the reset after {where}", begun, self._envs, ended, self._sight, self.observation)
            self._contract.checked(self.observation, self._sight, where)
        return Step(reward, terminated, truncated, final, self.observation)

    def close(self) -> None:
        """As the base says."""
        while self._envs:
            self._contract.close(self._envs.pop())
        self.lost = True


class OfVector(HostEnvs):
    """A vector environment of Gymnasium's, for those that step many at once faster than one after another."""

    def __init__(
        self, make: Callable[[], gym.vector.VectorEnv[Any, Any, Any]], *, seed: int, contract: Contract | None = None
    ) -> None:
        """Start the first episodes.

        Args:
            make: makes a vector environment whose observations are arrays.
            seed: of the first episodes.
            contract: what it is held to.

        Raises:
            UserError: the vector environment resets in the step after an episode's end.
        """
        self._make, self._envs, self._steps = make, make(), 0
        self._contract = contract or Contract()
        mode = self._envs.metadata.get("autoreset_mode", AutoresetMode.SAME_STEP)
        if mode != AutoresetMode.SAME_STEP:
            raise UserError(
                f"The vector environment {type(self._envs).__name__} resets by {mode}; rlgen wants the step in which "
                "an episode ends to begin the next one: make it with autoreset_mode=AutoresetMode.SAME_STEP."
            )
        self.num_envs, self._closed = self._envs.num_envs, False
        self._sight = Sight(self._envs.single_observation_space)
        self.reset(seed=seed)

    def reset(self, *, seed: int) -> None:
        """As the base says."""
        if self._closed:
            self._envs, self._closed = self._make(), False
        observation = self._contract.call("reset", lambda _: self._taken(pair(self._envs.reset(seed=seed))))
        self.observation, self.lost = self._contract.checked(observation, self._sight, "reset"), False

    def step(self, actions: Array) -> Step:
        """As the base says."""
        self.begin(actions)
        return self.finish()

    def begin(self, actions: Array) -> None:
        """As the base says."""
        self._steps += 1
        self._taking = to_space(self._envs.single_action_space, actions)
        if (step_async := getattr(self._envs, "step_async", None)) is not None:
            self._contract.call(f"step {self._steps}", lambda _: step_async(self._taking))

    def finish(self) -> Step:
        """As the base says."""
        where = f"step {self._steps}"
        step = self._contract.call(where, self._stepped)
        finite(step.reward, where)
        self.observation = self._contract.checked(step.observation, self._sight, where)
        if step.final_observation is not step.observation:
            self._contract.checked(step.final_observation, self._sight, where)
        return step

    def close(self) -> None:
        """As the base says."""
        self._contract.close(self._envs)
        self._closed = self.lost = True

    def _stepped(self, call: Call) -> Step:
        waiting = getattr(self._envs, "step_wait", None)
        returned = self._envs.step(self._taking) if waiting is None else waiting()
        five(returned)
        seen, reward, terminated, truncated, info = returned
        observation = final = self._taken(seen)
        if "final_obs" in info:
            final = final.copy()
            for i in np.flatnonzero(info["_final_obs"]):
                final[i] = self._sight(info["final_obs"][i])
        rewards = self._column("the rewards", reward, "biuf").astype(np.float32)
        flags = [
            self._column(*about, "b").copy() for about in (("'terminated'", terminated), ("'truncated'", truncated))
        ]
        score, over = (None if (found := info.get(name)) is None else np.array(found) for name in (SCORE, OVER))
        return Step(rewards, flags[0], flags[1], final, observation, score, over)

    def _taken(self, observation: Any) -> Array:
        """Observations as an array of rlgen's own."""
        array, shape = np.array(observation, self._sight.spec.dtype), (self.num_envs, *self._sight.shape)
        if array.shape != shape:
            raise Broken(f"the observations have the shape {array.shape}; their space says {shape}.")
        return array.reshape(-1, *self._sight.spec.shape)

    def _column(self, name: str, values: Any, kinds: str) -> npt.NDArray[Any]:
        """One value of each environment."""
        array = np.asarray(values)
        if array.shape != (self.num_envs,) or array.dtype.kind not in kinds:
            what = "True or False" if kinds == "b" else "a number"
            raise Broken(f"{name} of {self.num_envs} environments are {values!r}; Gymnasium wants {what} of each.")
        return array


class Judging:
    """Environments to be judged in, of which those whose episodes are over rest."""

    def __init__(self, envs: Sequence[gym.Env[Any, Any]], *, contract: Contract | None = None) -> None:
        """Take environments whose episodes have not begun."""
        self._envs, self.num_envs, self._steps = envs, len(envs), 0
        self._sight, self._space = Sight(envs[0].observation_space), envs[0].action_space
        self._contract = contract or Contract()

    def reset(self, i: int, *, seed: int) -> Array:
        """Begin an episode of the i-th; the first observation, [*shape].

        Raises:
            EnvironmentFault: it raised, or returned something else than Gymnasium's contract allows.
        """
        seen = self._sight.empty(1)
        self._contract.call("reset", begun, self._envs[i : i + 1], (0,), self._sight, seen, seed)
        return self._contract.checked(seen, self._sight, "reset")[0]

    def step(self, which: Sequence[int], actions: Array) -> tuple[Array, Floats, Flags, Flags]:
        """One step of K of them: observation [K, *shape], reward, terminated and truncated [K].

        Args:
            which: the environments.
            actions: [K, ...], discrete ones counted from 0.

        Raises:
            EnvironmentFault: as `reset`.
        """
        self._steps += 1
        envs = [self._envs[i] for i in which]
        return stepped(envs, to_space(self._space, actions), self._sight, self._contract, f"step {self._steps}")


def begun(
    call: Call,
    envs: Sequence[gym.Env[Any, Any]],
    which: Iterable[int],
    look: Callable[[Any], Any],
    observations: Array,
    seed: int | None = None,
) -> None:
    """Begin an episode of these, the i-th with the seed + i, and put what is seen first into its row."""
    for i in which:
        call.at = i
        observations[i] = look(pair(envs[i].reset(seed=None if seed is None else seed + i)))


def stepped(
    envs: Sequence[gym.Env[Any, Any]],
    actions: Iterable[Any],
    sight: Sight,
    contract: Contract,
    where: str,
    *,
    closely: bool = False,
) -> tuple[Array, Floats, Flags, Flags]:
    """One step of each environment: observation [N, *shape], reward, terminated and truncated [N], in new arrays.

    Args:
        envs: N.
        actions: of their space.
        sight: of their observations.
        contract: what they are held to.
        where: for messages.
        closely: whether to take a closer look at the observations.

    Raises:
        EnvironmentFault: one raised, does not return, or returned something else than Gymnasium's contract allows.
    """
    look = sight.closely if closely else sight
    seen, rewards, terminated, truncated = contract.call(where, _step_each, envs, actions, sight, look)
    return contract.checked(seen, sight, where), finite(rewards, where), terminated, truncated


def _step_each(
    call: Call, envs: Sequence[gym.Env[Any, Any]], actions: Iterable[Any], sight: Sight, look: Callable[[Any], Any]
) -> tuple[Array, npt.NDArray[np.float64], Flags, Flags]:
    count = len(envs)
    observations, rewards = sight.empty(count), np.zeros(count)
    terminated, truncated = np.zeros(count, bool), np.zeros(count, bool)
    for i, (env, action) in enumerate(zip(envs, actions, strict=True)):
        call.at = i
        returned: Any = env.step(action)
        if returned.__class__ is not tuple or len(returned) != 5:
            five(returned)
        observation, reward, ended, cut, _ = returned
        if reward.__class__ is not float and reward.__class__ not in NUMBERS:
            reward = number(reward)
        if ended.__class__ not in FLAGS or cut.__class__ not in FLAGS:
            ended, cut = flag("terminated", ended), flag("truncated", cut)
        observations[i] = look(observation)
        rewards[i], terminated[i], truncated[i] = reward, ended, cut
    return observations, rewards, terminated, truncated
