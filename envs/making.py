"""How environments are made: one to look at, many at once to learn in, some to be judged in, each in its wrappers.

Agents ask here and know no wrapper. `randomize`, `noisy_reward` and others that are for training alone are left out
where an agent is judged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import gymnasium as gym

from rlgen import brought
from rlgen.environment import CompiledEnv, Wrapper
from rlgen.envs.contract import Contract
from rlgen.envs.gymnasium import spec_of
from rlgen.envs.host import HostEnvs, Judging, OfVector, SideBySide, Step
from rlgen.envs.probing import probe
from rlgen.envs.processes import vector_of_processes
from rlgen.errors import UserError
from rlgen.sources import EnvironmentSource, lookup, wrapper
from rlgen.spec import Stack

__all__ = ["Environments", "HostEnvs", "Step"]

T = TypeVar("T")
ProcessesOn = Literal["machine", "ray"]

JUDGED_AT_ONCE = 64  # More would make no step cheaper, and an environment may be large.


class Environments:
    """An environment by its id, in its wrappers.

    Attributes:
        engine: where training steps it, "compiled" or "gymnasium".
        alone: whether there is a single environment, in which an agent learns and is judged.
        observation_space: what an agent is shown, before flattening.
        action_space: what it may do.
        observation: shape and type of what reaches its network.
        contract: what every one of them is held to.
        about: what a score depends on beside the environment's name; empty where it is nothing.
    """

    def __init__(
        self,
        env_id: str,
        *,
        wrappers: Sequence[str] = (),
        training_wrappers: Sequence[str] = (),
        engine: str = "auto",
        able: Sequence[str] = ("compiled", "gymnasium"),
        processes: ProcessesOn | None = None,
    ) -> None:
        """Look everything up and make one environment to see its spaces.

        Args:
            env_id: of Gymnasium or a plug-in.
            wrappers: each `name:<main argument>?key=value&key=value`, from the inside out.
            training_wrappers: more of them, outside of those, for training alone.
            engine: "auto", "compiled" or "gymnasium".
            able: the engines the algorithm can learn on.
            processes: where each that is learned in has a process of its own; None: it has none.

        Raises:
            UserError: no such environment or wrapper, one that cannot be made, or an engine that it does not have.
        """
        self._texts, self._processes = (env_id, tuple(wrappers), tuple(training_wrappers)), processes
        self._source, self.contract = lookup(env_id), Contract()
        self.alone, self.about = self._source.alone, self._source.about
        self._learned_in: list[HostEnvs] = []
        self._judged_in: list[gym.Env[Any, Any]] = []
        made = [wrapper(text) for text in wrappers]
        self._judging = [each for each in made if not each.training_only]
        self._training = trained_in(made, training_wrappers)
        self._host_only = [text for text, each in zip(wrappers, made, strict=True) if not self._wraps_compiled(each)]
        self.engine = self._source.choose_engine(engine, able, self._host_only)
        if processes:
            self._check_processes()
        env = self.judged()
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.reward_threshold = env.spec.reward_threshold if env.spec else None
        self.contract.close(env)
        self.observation = spec_of(self.observation_space)
        if self.engine == "compiled":
            self.compiled()  # Arguments that do not fit the environment are refused here.
        elif self._training != self._judging:
            self.contract.close(self._learned())

    @property
    def stack(self) -> Stack | None:
        """What observations are stacked of where agents learn; None: of nothing, or nobody knows."""
        stack = self._source.stack
        for each in self._training:
            stack = stack if each.shows_the_same else each.stack
        return stack if self.observation.picture else None

    def probe(self, *, seed: int) -> None:
        """Step one at random for a moment and hold it against Gymnasium's contract.

        Raises:
            EnvironmentFault: it breaks it.
        """
        probe(self.judged, seed=seed, contract=self.contract)

    def judged(self, **options: Any) -> gym.Env[Any, Any]:
        """One environment to be judged in or to be filmed; `options` are those of `gymnasium.make`."""
        return self._made(lambda: self._wrapped(self._source.make(**options), self._judging))

    def judging(self, *, num_envs: int) -> Judging:
        """So many to be judged in, at most, the same every time; of a single one training loses its place."""
        for envs in self._learned_in if self.alone else ():
            envs.lost = True
        wanted = 1 if self.alone else min(num_envs, JUDGED_AT_ONCE)
        self._judged_in += [self.judged() for _ in range(wanted - len(self._judged_in))]
        return Judging(self._judged_in[:wanted], contract=self.contract)

    def close(self) -> None:
        """Close what agents are judged in and learn in; what is asked for again is made again."""
        while self._judged_in:
            self.contract.close(self._judged_in.pop())
        for envs in self._learned_in:
            envs.close()
        self.contract.begin()

    def training(self, *, num_envs: int, seed: int) -> HostEnvs:
        """So many Gymnasium environments to learn in.

        Raises:
            UserError: there is a single one, and more were asked for.
        """
        if self.alone and num_envs > 1:
            raise UserError(
                f"num_envs={num_envs}: '{self._source.id}' was brought as a single environment. Set num_envs=1, or "
                "bring its class or a function that makes one."
            )
        if self._processes is not None:
            envs: HostEnvs = self._of_vector(lambda: self._vector_elsewhere(num_envs), seed)
        elif (make_vector := self._source.make_vector) is not None and not self._training:
            envs = self._of_vector(lambda: make_vector(num_envs), seed)
        else:
            envs = SideBySide(self._learned, num_envs=num_envs, seed=seed, contract=self.contract)
        self._learned_in.append(envs)
        return envs

    def compiled(self) -> CompiledEnv:
        """The compiled environment to learn in."""
        env = self._source.compiled
        assert env is not None, "choose_engine has seen to it"
        for each in self._training:
            wrapped = each.on_compiled(env)
            assert wrapped is not None, "choose_engine has seen to it"
            env = wrapped
        return env

    def _learned(self) -> gym.Env[Any, Any]:
        return self._made(lambda: self._wrapped(self._source.make_learned(), self._training))

    def _of_vector(self, make: Callable[[], gym.vector.VectorEnv[Any, Any, Any]], seed: int) -> OfVector:
        return OfVector(lambda: self._made(make), seed=seed, contract=self.contract)

    def _vector_elsewhere(self, num_envs: int) -> gym.vector.VectorEnv[Any, Any, Any]:
        """So many in other processes, here or on a cluster."""
        if self._processes == "machine":
            return vector_of_processes(self._texts, num_envs)
        from rlgen.envs.actors import Actors

        return Actors(self._texts, num_envs)

    def _check_processes(self) -> None:
        """Refuse what has no place in another process."""
        if self.engine == "compiled":
            raise UserError(
                f"env_processes=true is for Gymnasium environments, and '{self._source.id}' is compiled: give --engine "
                "gymnasium, or leave env_processes out."
            )
        env_id, *wrappers = self._texts
        own = [text for text in (env_id, *itertools.chain(*wrappers)) if text.startswith(brought.MARK)]
        if own:
            raise UserError(
                f"'{own[0].removeprefix(brought.MARK)}' is an object of this program, and env_processes=true makes "
                "environments in others: write it into a module, and give package.module:name."
            )

    def _made(self, make: Callable[[], T]) -> T:
        """What a constructor makes."""
        return self.contract.call("construction", lambda _: make())

    def _wraps_compiled(self, each: Wrapper) -> bool:
        return self._source.compiled is not None and each.on_compiled(self._source.compiled) is not None

    def _wrapped(self, env: gym.Env[Any, Any], wrappers: Sequence[Wrapper]) -> gym.Env[Any, Any]:
        return wrapped(env, wrappers, self._source)


def trained_in(made: Sequence[Wrapper], training_wrappers: Sequence[str]) -> list[Wrapper]:
    """The wrappers of an environment that is learned in, those that go inside of others first."""
    return sorted([*made, *(wrapper(text) for text in training_wrappers)], key=lambda each: not each.innermost)


def wrapped(env: gym.Env[Any, Any], wrappers: Sequence[Wrapper], source: EnvironmentSource) -> gym.Env[Any, Any]:
    """An environment in its wrappers."""
    for each in wrappers:
        env = each.on_host(env, source.compiled)
    return env
