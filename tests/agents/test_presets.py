"""Every preset of every agent: it builds, learns, and reports finite numbers; and what recipes promise."""

from __future__ import annotations

import numpy as np
import pytest

from rlgen import registry
from rlgen.agents.dqn import DQN, DoubleDQN, DuelingDQN
from rlgen.agents.off_policy import OffPolicyConfig

PRESETS = [
    (plugin.name, preset)
    for plugin in registry.available("agent")
    if plugin.source.startswith("rlgen ")
    for preset in plugin.load().Config.presets
]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_learns(name: str, preset: str, uncompiled: None) -> None:
    cls = registry.load(name, ("agent",))
    # What is not named after its environment is from a book or a post, and they all use CartPole.
    problem = preset if any(plugin.name == preset for plugin in registry.available("env")) else "CartPole-v0"
    few = {}
    if issubclass(cls.Config, OffPolicyConfig):
        by_episodes = cls.Config.build(preset=preset).train_at_episode_end
        few = {"learning_starts_env_steps": 1 if by_episodes else 50, "updates_per_train": 1}
    trained = cls(problem=problem, config=cls.Config.build(few, preset=preset), seed=0, engine="compiled")
    block = getattr(trained.config, "train_every_env_steps", trained.step_quantum)
    scalars = trained.train(-(-64 // block) * block)
    assert scalars["counters/updates"] >= 1
    assert all(np.isfinite(value) for value in scalars.values()), scalars


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_says_what_it_is(name: str, preset: str) -> None:
    about = registry.load(name, ("agent",)).Config.presets[preset]["about"]
    assert about.endswith(".")
    if preset.startswith(("book-", "post-")):
        assert "CartPole" in about, "where it was printed"


def test_the_recipes_differ_as_their_sources_do() -> None:
    def differing(first: tuple[type[DQN], str], second: tuple[type[DQN], str]) -> set[str]:
        one, other = (cls.Config.build(preset=preset).to_dict() for cls, preset in (first, second))
        return {name for name in one if one[name] != other[name]}

    assert differing((DQN, "book-hands-on-ml"), (DQN, "book-hands-on-ml-fixed-targets")) == {
        "target_update_every_updates"
    }
    assert differing((DQN, "book-hands-on-ml-fixed-targets"), (DoubleDQN, "book-hands-on-ml")) == {"double"}
    assert differing((DQN, "book-hands-on-ml"), (DuelingDQN, "book-hands-on-ml")) == {"dueling"}
    assert differing((DQN, "book-mastering-tensorflow"), (DoubleDQN, "book-mastering-tensorflow")) == {"double"}
    assert differing((DQN, "book-mastering-tensorflow"), (DuelingDQN, "book-mastering-tensorflow")) == {"dueling"}
    assert differing((DQN, "post-double-q"), (DoubleDQN, "post-double-q")) == {"double", "target_update_rate"}
