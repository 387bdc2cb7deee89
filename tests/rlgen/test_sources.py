import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from awkward_envs import Sound
from gymnasium.envs.registration import EnvSpec

from rlgen import brought, importing, registry, sources
from rlgen.environment import CompiledEnv
from rlgen.errors import UnknownName, UserError


def test_a_compiled_environment_is_one_of_gymnasiums_too() -> None:
    source = sources.lookup("CartPole-v1")
    assert isinstance(source.compiled, CompiledEnv)
    assert source.make().spec.id == "CartPole-v1"
    assert [source.choose_engine(engine) for engine in ("auto", "compiled", "gymnasium")] == [
        "compiled",
        "compiled",
        "gymnasium",
    ]


def test_any_id_gymnasium_knows() -> None:
    source = sources.lookup("FrozenLake-v1")
    assert source.compiled is None
    assert source.choose_engine("auto") == "gymnasium"
    with pytest.raises(UserError, match="'FrozenLake-v1' has no compiled counterpart; use --engine gymnasium"):
        source.choose_engine("compiled")
    with pytest.raises(UserError, match="no engine 'gymnasum'. Did you mean 'gymnasium'"):
        source.choose_engine("gymnasum")


def test_an_id_in_a_module_of_its_own() -> None:
    env = sources.lookup("awkward_envs:Sound-v0").make()
    assert env.spec.id == "Sound-v0"


def test_an_environment_registered_in_code(clean_registry: None) -> None:
    @registry.register("env", "mine/Sound-v3")
    def make(**options: Any) -> gym.Env[Any, Any]:
        """Mine."""
        return gym.make("CartPole-v1", max_episode_steps=3, **options)

    source = sources.lookup("mine/Sound-v3")
    assert source.compiled is None
    assert source.make(render_mode="rgb_array").render_mode == "rgb_array"


def test_unknown_ids_teach() -> None:
    with pytest.raises(UnknownName, match="no environment 'CartPol-v1'. Did you mean .*'CartPole-v1'.*rlgen list"):
        sources.lookup("CartPol-v1")
    with pytest.raises(UnknownName, match="no environment 'CartPole-v9'"):
        sources.lookup("CartPole-v9")
    with pytest.raises(UserError, match="needs the module 'no_such_module', which cannot be imported"):
        sources.lookup("no_such_module:Thing-v0")


WAITING = """
import gymnasium as gym

calls = []

def register_envs():
    calls.append(1)
    gym.register("Waiting/Pole-v3", entry_point="gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=7)
"""


@pytest.mark.parametrize("name", ["Waiting/Pole-v3", "waiting:Waiting/Pole-v3"])
def test_a_package_that_waits_to_be_asked_for_its_ids(
    name: str, add_package: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = add_package("waiting", {}, WAITING)
    group = f"[{importing.ENVIRONMENTS_GROUP}]\nWaiting = waiting:register_envs\nOther = no_such_module:register\n"
    (place / "waiting-1.2.dist-info" / "entry_points.txt").write_text(group)
    monkeypatch.setitem(gym.registry, "Waiting/Pole-v3", None)
    del gym.registry["Waiting/Pole-v3"]  # As it will be after the test.
    assert sources.lookup(name).make().spec.max_episode_steps == 7
    assert sources.lookup(name).make().spec.id == "Waiting/Pole-v3"
    assert importlib.import_module("waiting").calls == [1], "once is enough"
    with pytest.raises(UnknownName, match="no environment 'Waiting/Pol-v3'. Did you mean 'Waiting/Pole-v3'"):
        sources.lookup("Waiting/Pol-v3")


def test_a_module_that_breaks(add_package: Callable[..., Path]) -> None:
    add_package("breaks", {}, "raise RuntimeError('out of coffee')")
    with pytest.raises(UserError, match="'breaks', which cannot be imported: RuntimeError: out of coffee"):
        sources.lookup("breaks:Thing-v0")


def test_a_constructor_that_breaks(clean_registry: None) -> None:
    with pytest.raises(UserError, match="CannotBeMade-v0' could not be made: ValueError: no licence found"):
        sources.lookup("awkward_envs:CannotBeMade-v0").make()

    @registry.register("env", "Broken-v0")
    def make(**options: Any) -> gym.Env[Any, Any]:
        raise RuntimeError("out of coffee")

    with pytest.raises(UserError, match="'Broken-v0' could not be made: RuntimeError: out of coffee"):
        sources.lookup("Broken-v0").make()


# ---- what is brought --------------------------------------------------------------------------------------


class Slippery(Sound):
    """An environment with arguments."""

    def __init__(self, slope: float, *, name: str = "hill", sizes: tuple[int, ...] = (1, 2)) -> None:
        self.slope, self.name, self.sizes = slope, name, sizes


def test_arguments_of_an_id() -> None:
    name = sources.name_of("FrozenLake-v1", {"is_slippery": False, "map_name": "8x8", "desc": ["SF", "FG"]})
    assert name == 'FrozenLake-v1?is_slippery=false&map_name=8x8&desc=["SF", "FG"]'
    env = sources.lookup(name).make().unwrapped
    assert env.observation_space.n == 4, "desc goes before map_name"
    assert env.P[0][1] == [(1.0, 2, 0, False)], "nobody slips"
    assert sources.lookup("CliffWalking-v1?max_episode_steps=7").make().spec.max_episode_steps == 7
    with pytest.raises(
        UserError, match="'FrozenLake-v1' has no argument 'slippery'. Did you mean 'is_slippery'.*desc="
    ):
        sources.lookup("FrozenLake-v1?slippery=false")


def test_a_compiled_environment_with_arguments_is_gymnasiums() -> None:
    source = sources.lookup("CartPole-v1?sutton_barto_reward=true")
    assert source.compiled is None
    env = source.make()
    env.reset(seed=0)
    assert env.step(0)[1] == 0.0, "Sutton and Barto's reward is 0 until the pole falls"


def test_a_class_goes_by_its_place() -> None:
    name = sources.name_of(Slippery, {"slope": 2, "name": "7", "sizes": (3, 4)})
    assert name == f'{__name__}:Slippery?slope=2&name="7"&sizes=[3, 4]'
    env = sources.lookup(name).make(render_mode="rgb_array")
    assert (env.slope, env.name, list(env.sizes)) == (2, "7", [3, 4])
    with pytest.raises(UserError, match="lacks slope. Write .*Slippery.slope=&name=hill"):
        sources.lookup(f"{__name__}:Slippery")
    with pytest.raises(UserError, match="not be imported|no environment"):
        sources.lookup(f"{__name__}:Slipery")


def test_what_cannot_be_imported_is_known_here() -> None:
    made = []

    def make(size: int = 3) -> gym.Env[Any, Any]:
        made.append(size)
        return Sound()

    name = sources.name_of(make, {"size": 5})
    assert name == "@make?size=5"
    assert isinstance(sources.lookup(name).make(), Sound) and made == [5]
    assert sources.name_of(make) == "@make", "the same object has one name"
    assert sources.name_of(lambda: Sound()).startswith("@lambda")
    with pytest.raises(UserError, match="'@other' was an object of the program that made the run: bring it again"):
        sources.lookup("@other")
    with pytest.raises(UserError, match="'@.*' makes a int, which is no subclass of gymnasium.Env"):
        sources.lookup(sources.name_of(lambda: 3)).make()
    with pytest.raises(UserError, match="x=<object .* so a run cannot keep it. Bring a function"):
        sources.name_of(Slippery, {"x": object()})


def test_an_environment_is_used_as_it_is() -> None:
    env = Sound()
    source = sources.lookup(sources.name_of(env))
    assert source.alone and source.id == "@Sound"
    assert source.make().unwrapped is env and source.make(render_mode="rgb_array").unwrapped is env
    with pytest.raises(UserError, match="is made already, and takes no arguments: bring its class"):
        sources.lookup("@Sound?at=3")


def test_a_specification() -> None:
    assert sources.name_of(gym.spec("FrozenLake-v1")) == "FrozenLake-v1"
    own = gym.make("FrozenLake-v1", is_slippery=False, max_episode_steps=9).spec
    assert sources.name_of(own) == "FrozenLake-v1?is_slippery=false&max_episode_steps=9"
    nobodys = EnvSpec("Nobodys-v0", entry_point=Sound, max_episode_steps=4)
    name = sources.name_of(nobodys)
    assert name == "@Nobodys-v0" and sources.lookup(name).make().spec.max_episode_steps == 4


def test_what_is_no_environment() -> None:
    with pytest.raises(UserError, match="env=3 is no environment: it has no reset, step, observation_space"):
        sources.name_of(3)
    with pytest.raises(UserError, match="SyncVectorEnv is many environments at once"):
        sources.name_of(gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync"))


def test_what_rlgen_depends_on_is_imported() -> None:
    assert sources.lookup("ALE/Pong-v5").make().spec.id == "ALE/Pong-v5"


def test_wrappers_that_are_brought() -> None:
    def doubled(env: gym.Env[Any, Any], factor: float = 2.0) -> gym.Env[Any, Any]:
        return gym.wrappers.TransformReward(env, lambda reward: factor * reward)

    for name, reward in ((brought.bring(doubled), 2), (brought.bring(doubled) + "?factor=3", 3)):
        env = sources.wrapper(name).on_host(Sound(), None)
        env.reset(seed=0)
        assert env.step(0)[1] == reward
