"""Every agent learns from pictures: four pixels, of which the bright one says what pays; in bfloat16 too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import any_spaces
import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf
from bright_pixel import LENGTH, BrightPixel
from gymnasium import spaces

import rlgen
from rlgen import half_precision, networks, planning, registry, reuse
from rlgen.errors import UserError

ONLY = {"hidden_units": (64,), "discount": 0.5, "precision": "float32"}
OFF_POLICY = {
    "batch_size": 32,
    "replay_capacity": 2048,
    "learning_starts_env_steps": 64,
    "train_every_env_steps": 32,
    "updates_per_train": 16,
}
Q = {**OFF_POLICY, "learning_rate": 2e-3, "target_update_every_updates": 16, "epsilon": 0.2}
ACTOR_CRITIC = {
    **OFF_POLICY,
    "hidden_units": (64, 64),
    "num_envs": 4,
    "actor_learning_rate": 1e-3,
    "critic_learning_rate": 3e-3,
    "target_update_rate": 0.05,
}
# How many steps are enough with every one of five seeds.
LEARNED: dict[str, tuple[int, dict[str, Any]]] = {
    "dqn": (1024, Q),
    "double_dqn": (1024, Q),
    "dueling_dqn": (1024, Q),
    "a2c": (4096, {"learning_rate": 5e-3}),
    "ppo": (4096, {"learning_rate": 2e-3, "rollout_steps": 32}),
    "discrete_sac": (1024, {**ACTOR_CRITIC, "temperature": 0.05}),
    "sac": (1024, {**ACTOR_CRITIC, "temperature": 0.05}),
    "td3": (1280, ACTOR_CRITIC),
}
# Of those whose actions are places nobody hits the middle.
GOOD = 0.85 * LENGTH


def pixel_agent(name: str, seed: int = 0, **changes: Any) -> Any:
    cls, places = registry.load(name), not registry.load(name).can_choose(spaces.Discrete(2))
    problem = f"bright_pixel:BrightPixel?places={str(places).lower()}"
    config = cls.Config.build({**ONLY, **LEARNED[name][1], **changes})
    return cls(problem=problem, config=config, seed=seed, engine="gymnasium")


@pytest.mark.parametrize(
    ("name", "precision"), [*((name, "float32") for name in LEARNED), ("dqn", "bfloat16"), ("a2c", "bfloat16")]
)
def test_four_pixels(name: str, precision: str) -> None:
    agent = pixel_agent(name, precision=precision)
    agent.train(LEARNED[name][0])
    assert agent.evaluate(episodes=20, seed=0, split="test").scalars["eval/mean_reward"] > GOOD
    agent.close()


def test_only_the_last_layer_and_what_is_stored_are_float32() -> None:
    agent = pixel_agent("dueling_dqn", precision="bfloat16")
    assert agent.compute.precision == "bfloat16" and not agent.compute.xla
    kinds = {type(layer).__name__: layer.compute_dtype for layer in agent.online.body.layers if layer.weights}
    assert kinds["Conv2D"] == "bfloat16"
    picture = np.full((3, 2, 2, 1), 255, np.uint8)
    assert agent.online.body(picture).dtype == tf.bfloat16
    assert agent.online(picture).dtype == tf.float32 and agent.policy(picture).shape == (3,)
    assert agent.features(picture).dtype == np.float32
    assert {str(variable.dtype) for variable in agent.online.variables} == {"float32"}
    exact = pixel_agent("dueling_dqn")
    np.testing.assert_allclose(agent.online(picture), exact.online(picture), atol=0.02)
    assert (agent.online(picture).numpy() != exact.online(picture).numpy()).any()


@pytest.mark.parametrize("network", ["auto", "dense", "small_cnn"])
def test_by_itself_bfloat16_is_for_convolutions_alone(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_precision, "pays", lambda: True)
    agent = pixel_agent("a2c", network=network, precision="auto")
    expected = "float32" if network == "dense" else "bfloat16"
    assert agent.compute.precision == expected and agent.chosen() == {"precision": expected}
    assert networks.has_convolutions([agent.network.policy_body]) == (network != "dense")
    assert pixel_agent("a2c").chosen() == {}, "nothing was left open"


def test_a_run_keeps_the_precision_that_it_began_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(half_precision, "pays", lambda: True)
    asked: dict[str, Any] = {"env": BrightPixel, "run": tmp_path / "run"}
    fields = {**any_spaces.tiny_fields(registry.load("dqn")), "trainer.evaluation_episodes": 1}
    run = rlgen.train("dqn", steps=16, config=fields, **asked)
    assert (run.config.config["precision"], run.config.about["chosen"]) == ("auto", {"precision": "bfloat16"})
    reuse.forget()
    monkeypatch.setattr(half_precision, "pays", lambda: False)
    assert rlgen.load(run).compute.precision == "bfloat16"
    again = rlgen.train("dqn", steps=32, resume=True, **asked)
    assert again.steps == 32 and again.config.about == run.config.about
    with pytest.raises(UserError, match="precision: the run has 'auto', you asked for 'float32'"):
        rlgen.train("dqn", steps=48, resume=True, config={"precision": "float32"}, **asked)
    assert planning.plan("dqn", env=BrightPixel, config=fields).config.about["chosen"] == {"precision": "float32"}


def observed(space: spaces.Space[Any], name: str = "dqn") -> Any:
    cls = registry.load(name)
    with any_spaces.registered("Shown-v0", space, spaces.Discrete(2)) as problem:
        return any_spaces.tiny(cls, problem, precision="float32")


def test_a_grey_picture_without_an_axis_of_channels_gets_one(uncompiled: None) -> None:
    space = spaces.Box(0, 255, (6, 5), np.uint8)
    with any_spaces.registered("Grey-v0", space, spaces.Discrete(2)) as problem:
        agent = any_spaces.tiny(registry.load("dqn"), problem, precision="float32")
        assert (agent.observation.shape, agent.observation.dtype) == ((6, 5, 1), "uint8")
        assert networks.has_convolutions([agent.online.body])
        any_spaces.use(agent)
        batch = np.stack([space.sample() for _ in range(3)])
        np.testing.assert_array_equal(agent.act(batch), [agent.act(one) for one in batch])
        stacked = any_spaces.tiny(registry.load("dqn"), problem, precision="float32", wrappers=("frame_stack:4",))
        assert stacked.observation.shape == (6, 5, 4)


@pytest.mark.parametrize(
    ("shape", "told"), [((3, 16, 16), True), ((1, 8, 8), True), ((16, 16, 3), False), ((4, 4, 4), False)]
)
def test_channels_that_come_first_are_remarked_on(shape: tuple[int, ...], told: bool) -> None:
    remarks = observed(spaces.Box(0, 255, shape, np.uint8)).remarks()
    assert [f"shows uint8 [{', '.join(map(str, shape))}]" in said for said in remarks] == [True] * told
    assert all("--wrapper 'picture?channels=first'" in said for said in remarks)


class ChannelsFirst(gym.Env[Any, Any]):
    """Three channels of 40 x 44 pixels; the reward is the mean of the first one in its upper half."""

    observation_space = spaces.Box(0, 255, (3, 40, 44), np.uint8)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(self.observation_space.shape, np.uint8), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        picture = np.zeros(self.observation_space.shape, np.uint8)
        picture[0, :20] = 200
        return picture, 0.0, self.steps == 4, False, {}


def test_a_wrapper_turns_them_round_for_training_evaluation_and_acting() -> None:
    cls = registry.load("a2c")
    fields = {**any_spaces.tiny_fields(cls), "wrappers": ("picture:38x36?channels=first", "frame_stack:2")}
    config = cls.Config.build({**fields, "precision": "float32"})
    agent = cls(problem=f"{__name__}:ChannelsFirst", config=config, seed=0, engine="gymnasium")
    assert agent.observation.shape == (38, 36, 6) and agent.remarks() == ()
    assert networks.fitting("auto", agent.observation) == "nature_cnn"
    agent.train(16)
    agent.evaluate(episodes=1, seed=0, split="test")
    assert agent.act(np.zeros((38, 36, 6), np.uint8)) in (0, 1)
    agent.close()
