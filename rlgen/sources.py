"""What the name of an environment or of a wrapper stands for: a plug-in, an id of Gymnasium's, a class, an object.

An environment is written `Id-v0?key=value&key=value`, the arguments being those of its constructor; a wrapper
`name:<main argument>?key=value`. Instead of a name there may stand `package.module:Class`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec, load_env_creator

from rlgen import brought, importing, registry
from rlgen.arguments import Named
from rlgen.config import coerce
from rlgen.environment import CompiledEnv, Prepared, Wrapper
from rlgen.errors import UnknownName, UserError, nearest
from rlgen.spec import Stack
from rlgen.watchdog import PASSING, described

ENGINES = ("auto", "compiled", "gymnasium")
# What `gymnasium.make` takes beside the constructor's own arguments.
LIMIT = "max_episode_steps"
# Ids that only their package registers, by what they begin with; rlgen depends on it.
REGISTERED_BY = {"ALE/": "ale_py"}
# What such a parameter of a wrapper's says is a place for files.
PLACES = ("folder", "path", "file", "dir")
METHODS = ("reset", "step", "observation_space", "action_space")


@dataclass(frozen=True)
class EnvironmentSource:
    """What a name stands for: how to make it on the host and, where it exists, its compiled counterpart.

    Attributes:
        id: as it was asked for.
        make: one environment, from the keyword arguments of `gymnasium.make`.
        compiled: the counterpart, or None.
        make_vector: so many at once, where the environment brings a vector environment of its own.
        alone: there is a single one, which was brought as it is: `make` always gives the same.
        prepared: makes those that are learned in, where they are others than those that are judged in.
    """

    id: str
    make: Callable[..., gym.Env[Any, Any]]
    compiled: CompiledEnv | None
    make_vector: Callable[[int], gym.vector.VectorEnv[Any, Any, Any]] | None = None
    alone: bool = False
    prepared: Prepared | None = None

    @property
    def stack(self) -> Stack | None:
        """What its observations are stacked of, where it says so."""
        return None if self.prepared is None else self.prepared.stack

    @property
    def about(self) -> str:
        """What a score depends on beside the name; empty where it is nothing."""
        return "" if self.prepared is None else self.prepared.about

    def make_learned(self) -> gym.Env[Any, Any]:
        """One to learn in."""
        return self.make() if self.prepared is None else self.prepared.learned()

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


class Lent(gym.Wrapper[Any, Any, Any, Any]):
    """An environment that somebody else made, and will close."""

    def close(self) -> None:
        """Nothing: it may be used again."""


def name_of(env: Any, arguments: Mapping[str, Any] | None = None, *, name: str | None = None) -> str:
    """The text by which a run keeps an environment.

    Args:
        env: an id, a class or function that makes environments, an `EnvSpec`, or an environment.
        arguments: of its constructor.
        name: what a run calls it that is used again.

    Raises:
        UserError: it is none of these, or an argument that no text can stand for.
    """
    own: dict[str, Any] = {}
    if isinstance(env, str):
        text = env
    elif isinstance(env, EnvSpec) and name is None:
        text, own = _of_spec(env)
    else:
        _check_object(env)
        # Its own class says more of an environment than the wrappers around it.
        called = type(env.unwrapped).__name__ if isinstance(env, gym.Env) else None
        text = brought.bring(env, called=called, name=name)
    return brought.with_arguments(text, {**own, **(arguments or {})}, what="environment")


def lookup(env_id: str) -> EnvironmentSource:
    """The environment behind a name: a plug-in's, any id Gymnasium knows (`package:Id-v0` too), or a class's.

    Raises:
        UnknownName: neither rlgen's plug-ins nor Gymnasium know it.
        UserError: it is known but cannot be imported or made, or does not take its arguments.
    """
    name, _, query = env_id.partition("?")
    named = dataclasses.replace(Named.parse(f"environment?{query}"), name=name)
    value = brought.find(name)
    if value is None and any(plugin.name == name for plugin in registry.available("env")):
        value = registry.load(name, ("env",))
        if isinstance(value, type) and issubclass(value, CompiledEnv):
            compiled = value()
            make = _gymnasium_maker(compiled.gymnasium_id, named)
            # Arguments are of Gymnasium's constructor.
            return EnvironmentSource(env_id, make, None if named.options else compiled)
    if value is None and (prepared := _of_family(env_id, named)) is not None:
        make = _teaching(env_id, prepared.judged)
        return EnvironmentSource(env_id, make, None, make_vector=prepared.many, prepared=prepared)
    if value is None:
        value = _attribute(env_id)
    if value is None:
        return EnvironmentSource(env_id, _gymnasium_maker(name, named), None)
    if isinstance(value, gym.Env):
        if named.options:
            raise UserError(f"'{name}' is made already, and takes no arguments: bring its class instead.")
        return EnvironmentSource(env_id, lambda **_: Lent(value), None, alone=True)
    if isinstance(value, EnvSpec):
        return EnvironmentSource(env_id, _teaching(env_id, functools.partial(gym.make, value)), None)
    own_vector = None if named.options else getattr(value, "make_vector", None)
    return EnvironmentSource(env_id, _maker(env_id, named, value), None, own_vector)


def wrapper(text: str) -> Wrapper:
    """The wrapper that `name:<main argument>?key=value&key=value` stands for.

    A name is that of a plug-in, of a class in `gymnasium.wrappers`, or `package.module:Class`; any function of an
    environment that returns one will do.

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
    if (object_brought := brought.find(target)) is not None:
        return dataclasses.replace(Named.parse(f"wrapper?{query}"), name=target), object_brought
    if any(plugin.name == name for plugin in registry.available("wrapper")):
        return Named.parse(text), registry.load(name, ("wrapper",))
    try:
        found = getattr(gym.wrappers, name, None)
    except Exception as error:  # Some of Gymnasium's want a package that is not installed.
        raise UserError(f"The wrapper '{name}' could not be imported: {type(error).__name__}: {error}") from error
    if isinstance(found, type) and issubclass(found, gym.Wrapper):
        if _writes(found):
            importing.ask(text)
        return Named.parse(text), found
    if attribute.replace(".", "").isidentifier():
        return Named.parse(f"{attribute}?{query}"), importing.load("wrapper", text)
    wanted = Named.parse(text).name
    known = [*(plugin.name for plugin in registry.available("wrapper")), *gym.wrappers.__all__]
    raise UnknownName(
        f"There is no wrapper '{wanted}'.{nearest(wanted, known)} `rlgen list --kind wrapper` shows rlgen's own; the "
        "classes of gymnasium.wrappers go by their names, any other as package.module:Class."
    )


def _writes(cls: type[gym.Wrapper[Any, Any, Any, Any]]) -> bool:
    """Whether one of Gymnasium's wrappers is told a place to write to."""
    return any(place in name for name in inspect.signature(cls).parameters for place in PLACES)


class _Foreign(Wrapper):
    """A wrapper that knows nothing of rlgen."""

    def __init__(self, named: Named, value: Callable[..., Any]) -> None:
        self._named, self._value = named, value

    def on_host(self, env: gym.Env[Any, Any], compiled: CompiledEnv | None) -> gym.Env[Any, Any]:
        try:
            made: gym.Env[Any, Any] = self._named.build(self._value, env, what="wrapper")
        except PASSING:
            raise
        except BaseException as error:  # A stranger's wrapper may raise anything.
            raise UserError(
                f"The wrapper '{self._named.name}' does not go around this environment: {type(error).__name__}: {error}"
            ) from error
        return made


# ---- environments that are brought ------------------------------------------------------------------------


def _check_object(env: Any) -> None:
    """Raise `UserError` where an object is nothing that environments can be made of."""
    if isinstance(env, gym.vector.VectorEnv):
        raise UserError(
            f"{type(env).__name__} is many environments at once, and rlgen puts them side by side itself: bring the "
            "class of one, or a function that makes one."
        )
    if isinstance(env, (gym.Env, EnvSpec)) or callable(env):
        return
    lacking = [method for method in METHODS if not hasattr(env, method)]
    what = f"it has no {', '.join(lacking)}" if lacking else "it is no subclass of gymnasium.Env"
    raise UserError(
        f"env={env!r} is no environment: {what}. Give an id, a subclass of gymnasium.Env, a function that makes one, "
        "an EnvSpec, or an environment."
    )


def _of_spec(spec: EnvSpec) -> tuple[str, dict[str, Any]]:
    """The id and arguments that a specification stands for; where it is not a registered one, a name for the object."""
    registered = gym.registry.get(spec.id)
    if registered is None or registered.entry_point != spec.entry_point or spec.additional_wrappers:
        return brought.bring(spec, called=spec.id), {}
    own = {key: value for key, value in spec.kwargs.items() if registered.kwargs.get(key) != value}
    if spec.max_episode_steps not in (None, registered.max_episode_steps):
        own[LIMIT] = spec.max_episode_steps
    return spec.id, own


# ---- making -----------------------------------------------------------------------------------------------


def _attribute(env_id: str) -> Any | None:
    """What `package.module:name` stands for; None where it is an id that the module registers, or no such thing."""
    module, _, attribute = env_id.partition("?")[0].rpartition(":")
    if not module:
        return None
    found: Any = importing.module("env", module, text=env_id)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    return found if callable(found) else None


def _of_family(env_id: str, named: Named) -> Prepared | None:
    """What a family of environments offers under the name, if one of them knows it."""
    for family in registry.available("env_family"):
        try:
            find = family.load()
        except UserError:  # One that is broken must not hide what the others, and Gymnasium, know.
            continue
        if (member := find(named.name)) is not None:
            prepared: Prepared = member(**named.values(member, what="environment", main=False))
            return prepared
    return None


def _maker(env_id: str, named: Named, make: Callable[..., Any]) -> Callable[..., gym.Env[Any, Any]]:
    """A class or function as a maker of environments with these arguments, which it has to take."""
    arguments = named.values(make, what="environment", main=False)
    parameters = inspect.signature(make).parameters.values()
    any_name = any(p.kind == p.VAR_KEYWORD for p in parameters)
    names = {p.name for p in parameters}

    def made(**options: Any) -> gym.Env[Any, Any]:
        usable = {key: value for key, value in options.items() if any_name or key in names}
        env = make(**{**arguments, **usable})
        if not isinstance(env, gym.Env):
            raise UserError(f"'{env_id}' makes a {type(env).__name__}, which is no subclass of gymnasium.Env.")
        return env

    return _teaching(env_id, made)


def _gymnasium_maker(env_id: str, named: Named) -> Callable[..., gym.Env[Any, Any]]:
    """A function that makes the environment, after checking that Gymnasium knows the id."""
    module, _, name = env_id.rpartition(":")
    if owner := next((owner for start, owner in REGISTERED_BY.items() if name.startswith(start)), None):
        importing.module("env", owner, text=env_id)
    try:
        spec = _registered(module, name, env_id)
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

    return _teaching(env_id, functools.partial(gym.make, name, **_gymnasium_arguments(spec, named)))


def _registered(module: str, name: str, env_id: str) -> EnvSpec:
    """What Gymnasium knows of an id, once those packages have registered theirs that wait to be asked.

    They name a function for it among the entry points of a group of Gymnasium's, under the namespace of their ids
    (`MinAtar/...`); since its version 1.0 Gymnasium itself asks nobody.

    Raises:
        gymnasium.error.Error: nobody has registered it.
    """
    with contextlib.suppress(gym.error.Error):
        return gym.spec(name)
    for point in metadata.entry_points(group=importing.ENVIRONMENTS_GROUP):
        of_module = bool(module) and f"{point.module}.".startswith(f"{module}.")
        if of_module or name.startswith(f"{point.name}/"):
            owner = importing.module("env", point.module, text=env_id)
            _teaching(env_id, getattr(owner, point.attr))()
    return gym.spec(name)


def _gymnasium_arguments(spec: EnvSpec, named: Named) -> dict[str, Any]:
    """Arguments for `gymnasium.make`, each known to the constructor behind the id."""
    own, limit = named.without((LIMIT,))
    arguments = {key: coerce(key, text, int) for key, text in limit.items()}
    if own.options:
        creator = spec.entry_point if callable(spec.entry_point) else load_env_creator(str(spec.entry_point))
        known = functools.partial(creator, **spec.kwargs)
        arguments |= own.values(known, what="environment", also=(LIMIT,), main=False)
    return arguments


def _teaching(env_id: str, make: Callable[..., gym.Env[Any, Any]]) -> Callable[..., gym.Env[Any, Any]]:
    """`make`, with whatever the environment's constructor raises as a user's mistake."""

    def made(**options: Any) -> gym.Env[Any, Any]:
        try:
            return make(**options)
        except PASSING:
            raise
        except BaseException as error:  # It may wish to leave the program, too.
            raise UserError(f"'{env_id}' could not be made: {described(error)}: {error}") from error

    return made
