from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from rlgen import registry
from rlgen.environment import CompiledEnv, lookup
from rlgen.errors import UnknownName, UserError


def test_a_compiled_environment_is_one_of_gymnasiums_too() -> None:
    source = lookup("CartPole-v1")
    assert isinstance(source.compiled, CompiledEnv)
    assert source.make().spec.id == "CartPole-v1"
    assert [source.choose_engine(engine) for engine in ("auto", "compiled", "gymnasium")] == [
        "compiled",
        "compiled",
        "gymnasium",
    ]


def test_any_id_gymnasium_knows() -> None:
    source = lookup("FrozenLake-v1")
    assert source.compiled is None
    assert source.choose_engine("auto") == "gymnasium"
    with pytest.raises(UserError, match="'FrozenLake-v1' has no compiled counterpart; use --engine gymnasium"):
        source.choose_engine("compiled")
    with pytest.raises(UserError, match="no engine 'gymnasum'. Did you mean 'gymnasium'"):
        source.choose_engine("gymnasum")


def test_an_id_in_a_module_of_its_own() -> None:
    env = lookup("awkward_envs:Sound-v0").make()
    assert env.spec.id == "Sound-v0"


def test_an_environment_registered_in_code(clean_registry: None) -> None:
    @registry.register("env", "mine/Sound-v3")
    def make(**options: Any) -> gym.Env[Any, Any]:
        """Mine."""
        return gym.make("CartPole-v1", max_episode_steps=3, **options)

    source = lookup("mine/Sound-v3")
    assert source.compiled is None
    assert source.make(render_mode="rgb_array").render_mode == "rgb_array"


def test_unknown_ids_teach() -> None:
    with pytest.raises(UnknownName, match="no environment 'CartPol-v1'. Did you mean .*'CartPole-v1'.*rlgen list"):
        lookup("CartPol-v1")
    with pytest.raises(UnknownName, match="no environment 'CartPole-v9'"):
        lookup("CartPole-v9")
    with pytest.raises(UserError, match="needs the module 'no_such_module', which cannot be imported"):
        lookup("no_such_module:Thing-v0")


def test_a_module_that_breaks(add_package: Callable[..., Path]) -> None:
    add_package("breaks", {}, "raise RuntimeError('out of coffee')")
    with pytest.raises(UserError, match="'breaks', which cannot be imported: RuntimeError: out of coffee"):
        lookup("breaks:Thing-v0")


def test_a_constructor_that_breaks(clean_registry: None) -> None:
    with pytest.raises(UserError, match="CannotBeMade-v0' could not be made: ValueError: no licence found"):
        lookup("awkward_envs:CannotBeMade-v0").make()

    @registry.register("env", "Broken-v0")
    def make(**options: Any) -> gym.Env[Any, Any]:
        raise RuntimeError("out of coffee")

    with pytest.raises(UserError, match="'Broken-v0' could not be made: RuntimeError: out of coffee"):
        lookup("Broken-v0").make()
