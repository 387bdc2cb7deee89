"""Environments nobody here wrote: every agent learns, is evaluated and acts in every one whose actions it serves."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import any_spaces
import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import rlgen
from rlgen import registry
from rlgen.errors import UserError

ALL = registry.available("agent")
# Some share with another all that has to do with environments, and the adopted are made of what somebody brings. Those
# that are left meet every kind of space; of Gymnasium's own environments one of each kind of observation.
ALIKE = ("tf_agents/adopted", "tf_agents/c51", "tf_agents/ddqn", "tf_agents/reinforce", "tf_agents/td3")
FEW = ("Blackjack-v1", "CartPole-v1", "Pendulum-v1", "Taxi-v4")
AGENTS = [plugin for plugin in ALL if not plugin.name.startswith(ALIKE)]


def ids(family: str) -> list[str]:
    """What Gymnasium has of a family, whichever versions it ships."""
    return [
        name for name, spec in gym.registry.items() if str(spec.entry_point).startswith(f"gymnasium.envs.{family}.")
    ]


def serving(names: list[str]) -> list[tuple[str, str]]:
    """Every environment with every agent that its actions suit."""
    able = [(p.name, name) for name in names for p in AGENTS if p.load().can_choose(actions(name))]
    return [(agent, name) for agent, name in able if name in FEW or not agent.startswith("tf_agents/")]


def actions(name: str) -> spaces.Space[Any]:
    env = gym.make(name)
    env.close()
    return env.action_space


def test_gymnasium_ships_what_is_promised() -> None:
    assert {"CartPole-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1"} <= {
        *ids("classic_control")
    }
    kinds = {name.rsplit("-v", 1)[0] for name in ids("toy_text")}
    assert {"Blackjack", "CliffWalking", "FrozenLake", "Taxi"} <= kinds


@pytest.mark.parametrize(("agent", "name"), serving([*ids("classic_control"), *ids("toy_text")]))
def test_classic_control_and_toy_text(agent: str, name: str, uncompiled: None) -> None:
    any_spaces.use(any_spaces.tiny(registry.load(agent), name))


@pytest.mark.parametrize("agent", [plugin.name for plugin in AGENTS])
@pytest.mark.parametrize(
    ("module", "extra", "names"),
    [
        ("Box2D", "box2d", ["LunarLander-v3", "BipedalWalker-v3"]),
        ("mujoco", "mujoco", ["InvertedPendulum-v5", "HalfCheetah-v5"]),
    ],
    ids=["box2d", "mujoco"],
)
def test_where_installed(agent: str, module: str, extra: str, names: list[str], uncompiled: None) -> None:
    pytest.importorskip(module, reason=f'not installed: pip install "gymnasium[{extra}]"')
    cls = registry.load(agent)
    for name in names:
        if cls.can_choose(actions(name)):
            any_spaces.use(any_spaces.tiny(cls, name))


# ---- spaces ---------------------------------------------------------------------------------------------

ODD = {
    "a choice that starts at -1": spaces.Discrete(3, start=-1),
    "choices that start anywhere": spaces.MultiDiscrete([2, 3], start=[1, -1]),
    "bounds that float32 rounds": spaces.Box(-0.1, 0.7, (2,), np.float64),
    "a bound on one side": spaces.Box(0, np.inf, (2,), np.float32),
    "whole numbers": spaces.Box(0, 9, (2,), np.uint8),
    "a matrix": spaces.Box(-1, 1, (2, 3), np.float32),
    "one number without an axis": spaces.Box(-1, 1, (), np.float32),
}


@pytest.mark.parametrize("agent", [plugin.name for plugin in AGENTS])
@pytest.mark.parametrize("space", [*any_spaces.ACTIONS.values(), *ODD.values()], ids=[*any_spaces.ACTIONS, *ODD])
def test_actions_lie_in_their_space_or_are_refused(agent: str, space: spaces.Space[Any], uncompiled: None) -> None:
    """The environment raises on an action outside its space."""
    cls = registry.load(agent)
    with any_spaces.registered("Example-v0", any_spaces.BOX, space) as name:
        if cls.can_choose(space):
            any_spaces.use(any_spaces.tiny(cls, name))
            return
        with pytest.raises(UserError) as refused:
            any_spaces.tiny(cls, name)
    able = [plugin.name for plugin in ALL if plugin.load().can_choose(space)]
    assert (f"Agents that can: {', '.join(able)}." if able else "No installed agent can.") in str(refused.value)


@pytest.mark.parametrize("agent", ["a2c", "dqn"])
@pytest.mark.parametrize("space", any_spaces.OBSERVATIONS.values(), ids=any_spaces.OBSERVATIONS)
def test_observations_are_learned_from_or_refused(agent: str, space: spaces.Space[Any], uncompiled: None) -> None:
    with any_spaces.registered("Example-v0", space, spaces.Discrete(2)) as name:
        if isinstance(space, (spaces.Sequence, spaces.Graph)):
            with pytest.raises(UserError, match="no fixed size"):
                any_spaces.tiny(registry.load(agent), name)
        else:
            any_spaces.use(any_spaces.tiny(registry.load(agent), name))


# ---- somebody's package ---------------------------------------------------------------------------------

PACKAGE = '''
import gymnasium as gym
import numpy as np

played = []


class Reach(gym.Env):
    """Two joints with bounds of their own are to reach a place."""

    observation_space = gym.spaces.Dict({
        "place": gym.spaces.Box(-1, 1, (2,), np.float32), "stage": gym.spaces.Discrete(3, start=1),
    })
    action_space = gym.spaces.Box(np.array([-0.1, 2.0]), np.array([0.7, 9.3]), dtype=np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.stage, self.place = 1, self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return {"place": self.place, "stage": self.stage}, {}

    def step(self, action):
        assert self.action_space.contains(action), action
        played.append(action.copy())
        self.stage += 1
        missed = np.square(self.place - action).sum()
        return {"place": self.place, "stage": min(self.stage, 3)}, -missed, self.stage > 4, False, {}


gym.register("Reach-v0", entry_point=Reach)
'''


@pytest.fixture
def robots(add_package: Callable[..., Path]) -> Iterator[str]:
    """The name of a package that registers `Reach-v0`."""
    add_package("robots", {}, PACKAGE)
    yield "robots"
    gym.registry.pop("Reach-v0", None)


def test_a_package_trains_and_evaluates_from_python(robots: str, in_empty_directory: Path) -> None:
    fields = any_spaces.tiny_fields(registry.load("sac"))
    run = rlgen.train("sac", env="robots:Reach-v0", steps=64, config=fields, run="run")
    assert (run.config.problem, run.config.engine) == ("robots:Reach-v0", "gymnasium")
    low, high = np.array([-0.1, 2.0]), np.array([0.7, 9.3])
    seen = (np.array(importlib.import_module(robots).played) - low) / (high - low)
    # All of the range is tried, in both joints.
    assert (seen.min(0) < 0.2).all() and (seen.max(0) > 0.8).all()
    again = rlgen.evaluate(run, episodes=2)
    assert again.episodes == 2
    assert again.scalars["eval/mean_ep_length"] == 4
    one = {"place": np.zeros(2, np.float32), "stage": 1}
    action = rlgen.load(run).act(one)
    assert (action.shape, action.dtype) == ((2,), np.float64)
    assert (low <= action).all() and (action <= high).all()


def test_a_package_trains_and_evaluates_from_the_command_line(
    robots: str, rlgen_command: Callable[..., Any], in_empty_directory: Path
) -> None:
    fields = [f"{key}={value[0] if isinstance(value, tuple) else value}" for key, value in any_spaces.TINY.items()]
    fields = [field for field in fields if field.split("=")[0] in any_spaces.tiny_fields(registry.load("reinforce"))]
    settings = [word for field in fields for word in ("--set", field)]
    trained = rlgen_command("train", "reinforce", "--env", "robots:Reach-v0", "--steps", 64, "--run", "run", *settings)
    assert trained.code == 0, trained.err
    judged = rlgen_command("evaluate", "run", "--episodes", 2, "--json")
    assert judged.code == 0, judged.err
    assert '"eval/mean_ep_length": 4.0' in judged.out


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("robotz:Reach-v0", ["needs the module 'robotz'", "Install its package", "imported by"]),
        ("robots:Reech-v0", ["no environment 'robots:Reech-v0'", "Did you mean 'Reach-v0'", "Write 'robots:' before"]),
        ("robots:", ["no environment 'robots:'"]),
        ("Reach-v0", ["no environment 'Reach-v0'"]),
    ],
)
def test_a_misspelt_package_or_id(
    robots: str, problem: str, words: list[str], rlgen_command: Callable[..., Any], in_empty_directory: Path
) -> None:
    refused = rlgen_command("train", "sac", "--env", problem)
    assert (refused.code, refused.out, list(in_empty_directory.iterdir())) == (2, "", [])
    assert "Traceback" not in refused.err
    for word in words:
        assert word in refused.err
