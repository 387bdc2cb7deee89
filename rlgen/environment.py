"""The contract of an environment, and how an id becomes one.

Two engines run environments. The compiled one needs the environment as pure TensorFlow functions
(`CompiledEnv`) and steps thousands at once inside the training program. The host one steps any Gymnasium
environment in Python. Evaluation and recording always use Gymnasium's own environment.
"""

from __future__ import annotations

import abc
import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium as gym

from rlgen import registry
from rlgen.arguments import Named
from rlgen.errors import UnknownName, UserError, nearest

ENGINES = ("auto", "compiled", "gymnasium")


class CompiledEnv(abc.ABC):
    """An environment as pure functions of tensors, over a batch of N copies.

    Time limits and resets are not its business: the engine counts steps, truncates at `max_episode_steps`
    and resets what has ended.

    Attributes:
        gymnasium_id: the same environment in Gymnasium, where it is evaluated and filmed.
        observation_space: as Gymnasium describes it.
        action_space: as Gymnasium describes it.
        max_episode_steps: the time limit in environment steps.
        physics: names of attributes that `step` reads and that may be varied (`rlgen.envs.domain_randomization`):
            a number each, or a tensor [N] with one for every copy. Gymnasium's environment calls them the same.
        derived: names of attributes that follow from those and that Gymnasium's environment keeps too.
    """

    gymnasium_id: str
    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    max_episode_steps: int
    physics: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()

    @abc.abstractmethod
    def reset(self, num_envs: int, seed: Any) -> Any:
        """First states, float32 [N, S], from a stateless seed, int32 [2]."""

    @abc.abstractmethod
    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """One step: state [N, S], action [N] or [N, A] and a stateless seed, int32 [2], to
        (next state [N, S], reward float32 [N], terminated bool [N]).
        """

    def observe(self, state: Any) -> Any:
        """Observations, float32 [N, ...], of states [N, S]; by default the state itself."""
        return state


class CompiledWrapper(CompiledEnv):
    """A compiled environment around another, the same in everything that a subclass does not override."""

    def __init__(self, env: CompiledEnv) -> None:
        self.env = env
        self.gymnasium_id, self.max_episode_steps = env.gymnasium_id, env.max_episode_steps
        self.observation_space, self.action_space = env.observation_space, env.action_space

    def reset(self, num_envs: int, seed: Any) -> Any:
        """As the environment inside."""
        return self.env.reset(num_envs, seed)

    def step(self, state: Any, action: Any, seed: Any) -> tuple[Any, Any, Any]:
        """As the environment inside."""
        return self.env.step(state, action, seed)

    def observe(self, state: Any) -> Any:
        """As the environment inside."""
        return self.env.observe(state)


class Wrapper(abc.ABC):
    """A wrapper by name, on either engine; made with its arguments, keyword-only, the main one first.

    Attributes:
        training_only: left out where the agent is judged and filmed.
        innermost: goes directly around the environment, wherever it stands in the list.
    """

    training_only: ClassVar[bool] = False
    innermost: ClassVar[bool] = False

    @abc.abstractmethod
    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        """The Gymnasium environment, wrapped; `compiled` is its compiled counterpart, where it has one."""

    def on_compiled(self, env: CompiledEnv) -> CompiledEnv | None:
        """The compiled environment, wrapped; None: this wrapper exists for Gymnasium alone."""
        return None


@dataclass(frozen=True)
class EnvironmentSource:
    """What an id stands for: how to make it on the host and, where it exists, its compiled counterpart.

    Attributes:
        id: as it was asked for.
        make: one environment, from the keyword arguments of `gymnasium.make`.
        compiled: the counterpart, or None.
        make_vector: so many at once, where the environment brings a vector environment of its own.
    """

    id: str
    make: Callable[..., gym.Env[Any, Any]]
    compiled: CompiledEnv | None
    make_vector: Callable[[int], gym.vector.VectorEnv[Any, Any, Any]] | None = None

    def choose_engine(
        self, engine: str, able: Sequence[str] = ("compiled", "gymnasium"), host_only: Sequence[str] = ()
    ) -> str:
        """`engine` with "auto" decided: compiled where environment, algorithm and wrappers can.

        Args:
            engine: what was asked for.
            able: the engines the algorithm can learn on.
            host_only: wrappers that exist for Gymnasium alone.

        Raises:
            UserError: an unknown engine, or one that the environment or the algorithm does not have.
        """
        if engine not in ENGINES:
            raise UserError(f"There is no engine '{engine}'.{nearest(engine, ENGINES)} Engines: {', '.join(ENGINES)}.")
        if engine == "auto":
            return "compiled" if self.compiled and "compiled" in able and not host_only else "gymnasium"
        if engine not in able:
            raise UserError(
                f"This algorithm cannot learn on the {engine} engine; use --engine {able[0]}, or leave it out."
            )
        if engine == "compiled" and self.compiled is None:
            raise UserError(
                f"'{self.id}' has no compiled counterpart; use --engine gymnasium, or leave the engine out. "
                "`rlgen list --kind env` shows the compiled environments."
            )
        if engine == "compiled" and host_only:
            raise UserError(
                f"{' and '.join(repr(name) for name in host_only)} cannot wrap a compiled environment; use --engine "
                "gymnasium, or leave the engine out."
            )
        return engine


def lookup(env_id: str) -> EnvironmentSource:
    """The environment behind an id: a plug-in's name, or any id Gymnasium knows (`package:Id-v0` too).

    Raises:
        UnknownName: neither rlgen's plug-ins nor Gymnasium know it.
        UserError: it is known but cannot be imported or made.
    """
    if any(plugin.name == env_id for plugin in registry.available("env")):
        value = registry.load(env_id, ("env",))
        if isinstance(value, type) and issubclass(value, CompiledEnv):
            compiled = value()
            return EnvironmentSource(env_id, _gymnasium_maker(compiled.gymnasium_id), compiled)
        own_vector = getattr(value, "make_vector", None)
        return EnvironmentSource(env_id, _teaching(env_id, value), None, own_vector)
    return EnvironmentSource(env_id, _gymnasium_maker(env_id), None)


def wrapper(text: str) -> Wrapper:
    """The wrapper that `name:<main argument>?key=value&key=value` stands for.

    A name is that of a plug-in, of a class in `gymnasium.wrappers`, or `package.module:Class`.

    Raises:
        UnknownName: nobody knows it.
        UserError: it does not take these arguments.
    """
    named, value = _found(text)
    if isinstance(value, type) and issubclass(value, Wrapper):
        made: Wrapper = named.build(value, what="wrapper")
        return made
    return _Foreign(named, value)


def _found(text: str) -> tuple[Named, Any]:
    """What a wrapper's text names, with its arguments: a plug-in, a class of Gymnasium's, or one of a module."""
    target, _, query = text.partition("?")
    name, _, attribute = target.partition(":")
    if any(plugin.name == name for plugin in registry.available("wrapper")):
        return Named.parse(text), registry.load(name, ("wrapper",))
    try:
        found = getattr(gym.wrappers, name, None)
    except Exception as error:  # Some of Gymnasium's want a package that is not installed.
        raise UserError(f"The wrapper '{name}' could not be imported: {type(error).__name__}: {error}") from error
    if isinstance(found, type) and issubclass(found, gym.Wrapper):
        return Named.parse(text), found
    if attribute.isidentifier():
        value = registry.Plugin("wrapper", attribute, f"module {name}", target).load()
        return Named.parse(f"{attribute}?{query}"), value
    wanted = Named.parse(text).name
    known = [*(plugin.name for plugin in registry.available("wrapper")), *gym.wrappers.__all__]
    raise UnknownName(
        f"There is no wrapper '{wanted}'.{nearest(wanted, known)} `rlgen list --kind wrapper` shows rlgen's own; the "
        "classes of gymnasium.wrappers go by their names, any other as package.module:Class."
    )


class _Foreign(Wrapper):
    """A wrapper that knows nothing of rlgen."""

    def __init__(self, named: Named, value: Callable[..., Any]) -> None:
        self._named, self._value = named, value

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        try:
            made: gym.Env[Any, Any] = self._named.build(self._value, env, what="wrapper")
        except UserError:
            raise
        except Exception as error:  # A stranger's wrapper may raise anything.
            raise UserError(
                f"The wrapper '{self._named.name}' does not go around this environment: {type(error).__name__}: {error}"
            ) from error
        return made


def _gymnasium_maker(env_id: str) -> Callable[..., gym.Env[Any, Any]]:
    """A function that makes the environment, after checking that Gymnasium knows the id."""
    module, _, name = env_id.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
    except (Exception, SystemExit) as error:  # A stranger's module may raise anything when it is imported.
        missing = isinstance(error, ModuleNotFoundError) and error.name == module
        advice = ". Install its package; before the colon stands the name that it is imported by." if missing else ""
        raise UserError(
            f"'{env_id}' needs the module '{module}', which cannot be imported: {type(error).__name__}: {error}{advice}"
        ) from error
    try:
        gym.spec(name)
    except (gym.error.Error, ImportError) as error:
        known = {*gym.registry, *(plugin.name for plugin in registry.available("env"))}
        hint = nearest(name, known)
        if hint and module:
            hint += f" Write '{module}:' before it."
        hint = hint or f" {error}"
        raise UnknownName(
            f"There is no environment '{env_id}'.{hint} `rlgen list --kind env` shows rlgen's own, "
            "`python -c 'import gymnasium; gymnasium.pprint_registry()'` Gymnasium's."
        ) from None

    return _teaching(env_id, functools.partial(gym.make, name))


def _teaching(env_id: str, make: Callable[..., gym.Env[Any, Any]]) -> Callable[..., gym.Env[Any, Any]]:
    """`make`, with whatever the environment's constructor raises as a user's mistake."""

    def made(**options: Any) -> gym.Env[Any, Any]:
        try:
            return make(**options)
        except Exception as error:
            raise UserError(f"'{env_id}' could not be made: {type(error).__name__}: {error}") from error

    return made
