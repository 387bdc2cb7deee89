"""What the on-policy agents share, on Gymnasium's engine: numbers and several choices at once are learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from rlgen import registry

BOX = spaces.Box(np.float32([-2, 0]), np.float32([2, 1]))
CHOICES = spaces.MultiDiscrete([2, 2], start=[0, 5])


class Echo(gym.Env):
    """Show two numbers in [-1, 1]; say them, as shares of the bounds, or say whether they are positive."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)

    def __init__(self, actions: spaces.Space[Any]) -> None:
        self.action_space = actions

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.show(), {}

    def show(self) -> Any:
        self.shown = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return self.shown

    def right(self, shown: Any) -> Any:
        """The actions to be learned for what is shown, [..., 2]."""
        if isinstance(self.action_space, spaces.Box):
            low, high = self.action_space.low, self.action_space.high
            return low + (high - low) * (shown + 1) / 2
        return self.action_space.start + (shown > 0)

    def step(self, action: Any) -> Any:
        missed = np.abs(action - self.right(self.shown)).sum()
        self.steps += 1
        return self.show(), -float(missed), False, self.steps >= 8, {}


@pytest.fixture
def echo(request: pytest.FixtureRequest) -> Iterator[Echo]:
    def make() -> Echo:
        return Echo(request.param)

    registry.register("env", "Echo-v0")(make)
    yield make()
    registry.unregister("env", "Echo-v0")


@pytest.mark.parametrize("echo", [BOX, CHOICES], ids=["numbers", "choices"], indirect=True)
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("a2c", {"num_envs": 16, "rollout_steps": 8}),
        ("reinforce", {"num_envs": 16, "rollout_steps": 8, "baseline": True}),
    ],
)
def test_an_identity_environment_is_learned_in_seconds(name: str, fields: dict[str, Any], echo: Echo) -> None:
    cls = registry.load(name)
    small = {"hidden_units": (16,), "learning_rate": 0.02, "discount": 0.0, "initial_log_std": -1.0}
    trained = cls(problem="Echo-v0", config=cls.Config.build({**small, **fields}), seed=0)
    trained.train(128 * 100)
    shown = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
    missed = np.abs(trained.act(shown) - echo.right(shown)).mean()
    assert missed < 0.15, "0.4 to 1 is chance"
    trained.close()


def test_it_can_be_judged_by_the_actions_that_it_draws() -> None:
    cls = registry.load("a2c", ("agent",))
    agents = [
        cls(problem="CartPole-v1", config=cls.Config(evaluation_actions=how), seed=0) for how in ("best", "drawn")
    ]
    seen = np.zeros((500, 4), np.float32)
    best, drawn = (agent.judged_policy(seed=3)(seen) for agent in agents)
    # A policy that has learned nothing is nearly uniform.
    assert len(set(best.tolist())) == 1 and 0.4 < drawn.mean() < 0.6
    np.testing.assert_array_equal(drawn, agents[1].judged_policy(seed=3)(seen))
    assert (drawn != agents[1].judged_policy(seed=4)(seen)).any()
