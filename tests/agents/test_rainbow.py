"""Rainbow, and its pieces as switches of DQN: each with every other, on both engines."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from any_spaces import registered, tiny, use
from gymnasium import spaces
from identity import Identity

from rlgen import state
from rlgen.agents.dqn import DQN
from rlgen.agents.rainbow import Rainbow
from rlgen.envs.making import Environments
from rlgen.errors import UserError
from rlgen.testing import check_plugin

SMALL: dict[str, Any] = {
    "num_envs": 4,
    "hidden_units": (8,),
    "batch_size": 4,
    "atoms": 5,
    "replay_capacity": 256,
    "learning_starts_env_steps": 4,
    "train_every_env_steps": 4,
    "updates_per_train": 1,
    "target_update_every_updates": 1,
}


def test_rainbow_is_all_six() -> None:
    config = Rainbow.Config()
    assert (config.double, config.dueling, config.n_step, config.priority_exponent) == (True, "mean", 3, 0.5)
    assert (config.noisy, config.epsilon(0)) == (True, 0)
    assert (config.distribution, config.atoms) == ("categorical", 51)
    # It is made of switches alone.
    assert [row["name"] for row in Rainbow.Config.describe()] == [row["name"] for row in DQN.Config.describe()]


@pytest.mark.parametrize(
    ("noisy", "distribution"), list(itertools.product([False, True], ["none", "categorical", "quantile"]))
)
def test_every_combination_of_switches(noisy: bool, distribution: str, uncompiled: None) -> None:
    others = {"double": [False, True], "dueling": ["none", "mean", "max"]}
    for number, values in enumerate(itertools.product(*others.values())):
        changes = {**SMALL, **dict(zip(others, values, strict=True)), "noisy": noisy, "distribution": distribution}
        # These change with the number of the combination, so that each goes with each of the others somewhere.
        changes |= {"n_step": 1 + number % 4, "priority_exponent": 0.5 * (number % 2), "epsilon": 0.0 if noisy else 0.5}
        engine = ["compiled", "gymnasium"][number // 2 % 2]
        trained = DQN(problem="CartPole-v1", config=DQN.Config.build(changes), seed=0, engine=engine)
        before = trained.online.get_weights()
        scalars = trained.train(4)
        assert (scalars["work/env_steps"], scalars["work/updates"]) == (4, 1)
        assert all(np.isfinite(value) for value in scalars.values()), changes
        assert ("train/noise_sigma" in scalars) == noisy
        moved = [(a != b).any() for a, b in zip(before, trained.online.get_weights(), strict=True)]
        assert any(moved), changes
        x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
        q = trained.returns.mean(trained.online(x)).numpy()
        assert q.shape == (6, 2)
        np.testing.assert_array_equal(trained.policy(x), q.argmax(-1))
        np.testing.assert_allclose(trained.values(x), q.max(-1), rtol=1e-4, atol=1e-4)
        trained.close()


LEARNERS = {
    "rainbow": {"value_min": 0.0, "value_max": 2.0, "atoms": 11},
    "quantiles": {"distribution": "quantile", "atoms": 8, "noisy": False, "epsilon": 0.5},
}


@pytest.mark.parametrize("changes", LEARNERS.values(), ids=LEARNERS)
def test_an_identity_environment_is_learned_in_seconds(changes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environments, "compiled", lambda self: Identity())
    some = {"discount": 0.0, "n_step": 1, "hidden_units": (16,), "batch_size": 16, "learning_rate": 5e-3}
    often = {"num_envs": 4, "train_every_env_steps": 64, "updates_per_train": 32, "learning_starts_env_steps": 64}
    config = Rainbow.Config.build({**some, **often, "replay_capacity": 2048, **changes})
    trained = Rainbow(problem="CartPole-v1", config=config, seed=0, engine="compiled")
    trained.train(4096)
    q = trained.returns.mean(trained.online.on_host(np.eye(4, dtype=np.float32)))
    np.testing.assert_allclose(q, [[1, 0], [0, 1], [1, 0], [0, 1]], atol=0.25)


@pytest.mark.usefixtures("undrawn")
def test_rainbow_keeps_the_contract(uncompiled: None) -> None:
    small = {**SMALL, "train_every_env_steps": 8, "learning_starts_env_steps": 16}
    check_plugin("rainbow", steps=64, config=small, engine="compiled")


def test_rainbow_sees_pictures(uncompiled: None) -> None:
    with registered("Seen-v0", spaces.Box(0, 255, (40, 40, 3), np.uint8), spaces.Discrete(3)) as problem:
        trained = tiny(Rainbow, problem, atoms=5)
        # Convolutions have no noise; every dense layer's two weights have.
        dense = [layer for layer in trained.online._flatten_layers() if type(layer).__name__ == "Dense"]
        assert len(trained.online.sigmas) == 2 * len(dense)
        use(trained)


def test_priorities_are_the_divergence(uncompiled: None) -> None:
    config = Rainbow.Config.build({**SMALL, "replay_capacity": 32, "learning_starts_env_steps": 16})
    trained = Rainbow(problem="CartPole-v1", config=config, seed=0, engine="compiled")
    scalars = trained.train(16)
    tree = state.read(trained.state())["replay/tree"]
    leaves = tree[32:]
    changed = leaves[(leaves > 0) & (leaves != 1)]
    # Of 4 draws of 16, to the power of .5, weighted alike.
    assert 1 <= len(changed) <= 4
    assert changed.min() ** 2 - 1e-5 <= scalars["train/loss"] <= changed.max() ** 2 + 1e-5


@pytest.mark.parametrize(
    ("cls", "preset", "expected"),
    [
        (
            Rainbow,
            "hessel-2018",
            {"learning_rate": 6.25e-5, "optimizer_epsilon": 1.5e-4, "noisy_sigma": 0.5},
        ),
        (DQN, "bellemare-2017", {"distribution": "categorical", "atoms": 51, "optimizer_epsilon": 0.01 / 32}),
        (DQN, "dabney-2018", {"distribution": "quantile", "atoms": 200, "learning_rate": 5e-5}),
    ],
)
def test_the_papers_settings(cls, preset, expected) -> None:
    config = cls.Config.build(preset=preset)
    assert (config.network, config.replay_capacity, config.batch_size) == ("nature_cnn", 1_000_000, 32)
    assert config.train_every_env_steps == 4 and config.updates_per_train == 1
    assert {name: config.to_dict()[name] for name in expected} == expected
    # 4 frames are a step, 4 steps an update.
    frames = {"hessel-2018": 32_000}.get(preset, 40_000)
    assert config.target_update_every_updates == frames / 4 / 4


def test_noise_does_not_go_with_random_actions() -> None:
    with pytest.raises(UserError, match="set epsilon=0 too"):
        Rainbow.Config.build({"epsilon": "linear:start=1,end=0.04,over=8000"})
    assert not Rainbow.Config.build({"noisy": False, "epsilon": 0.1}).noisy
