"""Every preset of every agent: it builds, learns, and reports finite numbers; and what recipes promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlgen import registry
from rlgen.agents.books import BookDQN
from rlgen.agents.replay_agent import ReplayConfig

ALL = [
    (plugin.name, preset)
    for plugin in registry.available("agent")
    if plugin.source.startswith("rlgen ")
    for preset in plugin.load().Config.presets
]
# For pictures; those of the papers fill a machine, and are built in test_dqn.py and test_rainbow.py.
PAPERS = ("mnih-2015", "van-hasselt-2016", "wang-2016", "bellemare-2017", "dabney-2018", "hessel-2018")
# Which environment takes a preset of games by itself.
GAMES = {"Atari": "PongNoFrameskip-v4", "MinAtar": "minatar:MinAtar/Breakout-v1"}
PRESETS = [(name, preset) for name, preset in ALL if preset not in (*GAMES, "book-hands-on-ml-breakout", *PAPERS)]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_learns(name: str, preset: str, uncompiled: None) -> None:
    cls = registry.load(name, ("agent",))
    # What is not named after its environment is from a book or a post, and they all use CartPole.
    problem = preset if any(plugin.name == preset for plugin in registry.available("env")) else "CartPole-v0"
    # Step by step, so long rollouts and many minibatches would take a minute.
    few: dict[str, float] = {"rollout_steps": 16}
    if issubclass(cls.Config, ReplayConfig):
        by_episodes = getattr(cls.Config.build(preset=preset), "train_at_episode_end", False)
        few = {"learning_starts_env_steps": 1 if by_episodes else 62, "updates_per_train": 1}
    few |= {name: count for name, count in (("epochs", 2), ("minibatches", 4)) if hasattr(cls.Config, name)}
    trained = cls(problem=problem, config=cls.Config.build(few, preset=preset), seed=0, engine="compiled")
    block = getattr(trained.config, "train_every_env_steps", trained.step_quantum)
    scalars = trained.train(-(-64 // block) * block)
    assert scalars["work/updates"] >= 1
    assert all(np.isfinite(value) for value in scalars.values()), scalars


@pytest.mark.parametrize(("name", "games"), [(name, preset) for name, preset in ALL if preset in GAMES])
def test_presets_of_games_are_taken_by_themselves_and_learn(name: str, games: str, uncompiled: None) -> None:
    cls = registry.load(name, ("agent",))
    few: dict[str, Any] = {"num_envs": 2, "hidden_units": (8,)}
    if issubclass(cls.Config, ReplayConfig):
        few |= {"replay_capacity": 200, "learning_starts_env_steps": 32, "batch_size": 4}
    else:
        few |= {"rollout_steps": 8}
    preset = cls.Config.preset_for(GAMES[games])
    assert preset == games
    # MinAtar's own package need not be installed: any picture will do.
    trained = cls(problem="PongNoFrameskip-v4?size=36", config=cls.Config.build(few, preset=preset), seed=0)
    scalars = trained.train(48)
    assert scalars["work/updates"] >= 1
    assert all(np.isfinite(value) for value in scalars.values()), scalars
    trained.close()


@pytest.mark.parametrize(("name", "preset"), ALL)
def test_a_preset_says_what_it_is(name: str, preset: str) -> None:
    about = registry.load(name, ("agent",)).Config.presets[preset]["about"]
    assert about.endswith(".")
    if preset.startswith(("book-", "post-")):
        assert "CartPole" in about or "Breakout" in about, "where it was printed"


def test_the_recipes_differ_as_their_sources_do() -> None:
    def differing(first: str, second: str) -> set[str]:
        one, other = (BookDQN.Config.build(preset=preset).to_dict() for preset in (first, second))
        return {name for name in one if one[name] != other[name]}

    book = "book-hands-on-ml"
    assert differing(book, f"{book}-fixed-targets") == {"target_update_every_updates"}
    assert differing(f"{book}-fixed-targets", f"{book}-double") == {"double"}
    assert differing(book, f"{book}-dueling") == {"dueling", "linear_streams"}
    book = "book-mastering-tensorflow"
    assert differing(book, f"{book}-double") == {"double"}
    assert differing(book, f"{book}-dueling") == {"dueling", "linear_streams"}
    assert differing("post-double-q-baseline", "post-double-q") == {"double", "target_update_rate"}
