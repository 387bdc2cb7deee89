"""Evaluation, acting and filming: what every agent shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import rlgen
from rlgen import register
from rlgen.agents.dqn import DQN
from rlgen.errors import EnvironmentFault, UnknownName, UserError
from rlgen.registry import unregister


class Lengths(gym.Env):
    """Episodes of 1, 2, 3, ... steps, by the seed; +1 a step. Observes a dictionary."""

    observation_space = spaces.Dict({"left": spaces.Box(0, 100, (1,), np.float32), "kind": spaces.Discrete(3)})
    action_space = spaces.Discrete(2)
    made = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        if seed is not None:
            type(self).made += 1
            self.left = type(self).made
        else:
            self.left = 1000
        return self._observe(), {}

    def step(self, action: Any) -> Any:
        self.left -= 1
        return self._observe(), 1.0, self.left <= 0, False, {}

    def _observe(self) -> dict[str, Any]:
        return {"left": np.full(1, min(self.left, 100), np.float32), "kind": 1}


@pytest.fixture
def lengths() -> Any:
    register("env", "Lengths-v0")(Lengths)
    yield DQN(problem="Lengths-v0", config=DQN.Config(hidden_units=(4,)), seed=0)
    unregister("env", "Lengths-v0")


def test_each_environment_plays_exactly_one_episode(lengths: DQN) -> None:
    Lengths.made = 0
    scalars = lengths.evaluate(episodes=4, seed=0, split="test").scalars
    # 1, 2, 3 and 4 steps; counting episodes as they come in would take four of the first.
    assert scalars["eval/mean_reward"] == 2.5
    assert scalars["eval/mean_ep_length"] == 2.5
    assert (scalars["eval/min_reward"], scalars["eval/max_reward"]) == (1, 4)
    assert scalars["eval/std_reward"] == pytest.approx(np.std([1, 2, 3, 4]))


class Server(Lengths):
    """Cannot be used any more once it is closed, and knows how often it was made and stepped."""

    constructed = stepped = 0

    def __init__(self) -> None:
        type(self).constructed += 1
        self.closed = False

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        assert not self.closed, "not connected"
        return super().reset(seed=seed)

    def step(self, action: Any) -> Any:
        assert not self.closed, "not connected"
        assert self.left > 0, "the episode is over"
        type(self).stepped += 1
        return super().step(action)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def server() -> Any:
    register("env", "Server-v0")(Server)
    Server.made = Server.constructed = Server.stepped = 0
    yield "Server-v0"
    unregister("env", "Server-v0")


def test_environments_are_kept_and_rest_when_their_episode_is_over(server: str) -> None:
    agent = DQN(problem=server, config=DQN.Config(hidden_units=(4,)), seed=0)
    looked_at = Server.constructed
    assert agent.evaluate(episodes=3, seed=0, split="test").scalars["eval/mean_ep_length"] == 2
    assert Server.stepped == 1 + 2 + 3
    agent.evaluate(episodes=3, seed=0, split="validation")
    assert Server.constructed == looked_at + 3
    agent.close()
    agent.evaluate(episodes=1, seed=0, split="test")
    assert Server.constructed == looked_at + 4, "closed ones are made again"


def test_more_episodes_than_environments_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = DQN(problem="CartPole-v1", config=DQN.Config(hidden_units=(4,)), seed=0)
    together = agent.evaluate(episodes=5, seed=3, split="test").scalars
    monkeypatch.setattr("rlgen.envs.making.JUDGED_AT_ONCE", 2)
    assert agent.evaluate(episodes=5, seed=3, split="test").scalars == pytest.approx(together)


@pytest.mark.parametrize("name", ["dqn", "a2c"])
def test_closed_environments_are_never_used_again(name: str, server: str, tmp_path: Path) -> None:
    config = {"hidden_units": (4,), "num_envs": 2, "trainer.evaluation_episodes": 1}
    for seed in (1, 2):
        rlgen.train(name, env=server, steps=128, seed=seed, run=tmp_path / str(seed), config=config)


def test_an_episode_that_does_not_end_is_no_endless_loop(lengths: DQN, monkeypatch: pytest.MonkeyPatch) -> None:
    Lengths.made = 10
    monkeypatch.setattr("rlgen.agents.evaluation.LONGEST_EPISODE_STEPS", 5)
    with pytest.raises(
        EnvironmentFault, match="has not ended after 5 steps. Give it a time limit: --set wrappers=time_limit"
    ):
        lengths.evaluate(episodes=2, seed=0, split="test")


def test_dictionaries_are_observed(lengths: DQN) -> None:
    one = {"left": np.ones(1, np.float32), "kind": 2}
    many = {"left": np.ones((5, 1), np.float32), "kind": np.array([0, 1, 2, 0, 1])}
    assert lengths.engine == "gymnasium"
    assert lengths.observation.shape == (4,)
    assert lengths.act(many).shape == (5,)
    assert lengths.act(many)[2] == lengths.act(one)


def test_the_same_evaluation_twice_and_another_seed() -> None:
    agent = DQN(problem="CartPole-v1", config=DQN.Config(hidden_units=(4,)), seed=0)
    first, second = (agent.evaluate(episodes=3, seed=5, split="test") for _ in range(2))
    other = agent.evaluate(episodes=3, seed=6, split="test")
    assert first.scalars == second.scalars
    assert first.scalars != other.scalars
    assert first.episodes == 3


def test_a_film_has_a_frame_for_every_state() -> None:
    agent = DQN(problem="CartPole-v1", config=DQN.Config(hidden_units=(4,)), seed=0)
    frames = list(agent.frames(seed=1))
    assert agent.frames_per_second == 50
    assert len(frames) >= 9
    assert all(frame.shape == (400, 600, 3) and frame.dtype == np.uint8 for frame in frames)
    assert not np.array_equal(frames[0], frames[-1])


def test_unknown_environments_name_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'CartPole-v1'"):
        DQN(problem="CartPol-v1", config=DQN.Config(), seed=0)


def test_a_compiled_engine_where_there_is_none() -> None:
    with pytest.raises(UserError, match="no compiled counterpart; use --engine gymnasium"):
        DQN(problem="FrozenLake-v1", config=DQN.Config(), seed=0, engine="compiled")
    assert DQN(problem="FrozenLake-v1", config=DQN.Config(), seed=0).engine == "gymnasium"


def test_an_agent_for_the_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DQN, "engines", ("gymnasium",))
    assert DQN(problem="CartPole-v1", config=DQN.Config(), seed=0).engine == "gymnasium"
    with pytest.raises(UserError, match="use --engine gymnasium"):
        DQN(problem="CartPole-v1", config=DQN.Config(), seed=0, engine="compiled")


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_a_time_limit_on_top_of_the_environments_own(engine: str) -> None:
    small = {"hidden_units": (4,), "train_every_env_steps": 16, "wrappers": ("time_limit:5",)}
    agent = DQN(problem="CartPole-v1", config=DQN.Config.build(small), seed=0, engine=engine)
    assert agent.train(160)["rollout/ep_len_mean"] == 5
    assert agent.evaluate(episodes=3, seed=0, split="test").scalars["eval/max_reward"] == 5
    assert sum(1 for _ in agent.frames(seed=0)) == 6
    agent.close()


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_randomised_physics(engine: str) -> None:
    small = {"hidden_units": (4,), "train_every_env_steps": 16, "learning_starts_env_steps": 0}
    config = DQN.Config.build({**small, "wrappers": ("randomize?length=0.4:0.6&gravity=8:12",)})
    agent = DQN(problem="CartPole-v1", config=config, seed=0, engine=engine)
    assert agent.train(64)["work/env_steps"] == 64
    with pytest.raises(UserError, match="Did you mean 'length'"):
        wrong = DQN.Config.build({"wrappers": ("randomize?lenght=1:2",)})
        DQN(problem="CartPole-v1", config=wrong, seed=0, engine=engine)
    with pytest.raises(UserError, match="is no range"):
        wrong = DQN.Config.build({"wrappers": ("randomize?length=2:1",)})
        DQN(problem="CartPole-v1", config=wrong, seed=0, engine=engine)
