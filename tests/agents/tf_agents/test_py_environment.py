"""A Gymnasium environment as TF-Agents sees one."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from rlgen.agents.tf_agents import GymnasiumPyEnvironment
from rlgen.errors import UserError


class Ending(gym.Env):  # type: ignore[type-arg]
    """One step, which ends as the action says: 5 goes on, 6 is a termination, 7 a truncation."""

    observation_space = gym.spaces.Dict(
        {"place": gym.spaces.Box(-1, 1, (2,), np.float32), "flags": gym.spaces.Tuple([gym.spaces.MultiBinary(3)])}
    )
    action_space = gym.spaces.Discrete(3, start=5)

    def _seen(self) -> Any:
        return {"place": np.zeros(2), "flags": (np.ones(3, np.int8),)}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self._seen(), {"seed": seed}

    def step(self, action: Any) -> Any:
        assert action in self.action_space
        return self._seen(), 1.5, action == 6, action == 7, {}


@pytest.mark.parametrize(("action", "last", "discount"), [(5, False, 1), (6, True, 0), (7, True, 1)])
def test_a_termination_has_no_future_and_a_time_limit_has(action: int, last: bool, discount: float) -> None:
    env = GymnasiumPyEnvironment(Ending(), seed=3)
    first = env.reset()
    assert first.is_first() and env.get_info() == {"seed": 3}
    step = env.step(np.array(action))
    assert (bool(step.is_last()), float(step.discount), float(step.reward)) == (last, discount, 1.5)
    if last:
        assert env.step(np.array(5)).is_first() and env.get_info() == {"seed": None}


def test_specifications_are_those_of_the_spaces() -> None:
    env = GymnasiumPyEnvironment(Ending())
    assert (env.action_spec().minimum, env.action_spec().maximum) == (5, 7)
    seen = env.observation_spec()
    assert seen["place"].shape == (2,) and seen["place"].dtype == np.float32 and seen["flags"][0].maximum == 1
    assert env.reset().observation["place"].dtype == np.float32
    table = gym.spaces.MultiDiscrete([2, 3], start=[1, 0])
    assert GymnasiumPyEnvironment(_with(table)).action_spec().maximum.tolist() == [2, 2]
    with pytest.raises(UserError, match="no specification of Text.*A wrapper"):
        GymnasiumPyEnvironment(_with(gym.spaces.Text(3)))


def _with(space: gym.Space[Any]) -> gym.Env[Any, Any]:
    env = Ending()
    env.action_space = space  # type: ignore[assignment]
    return env


def test_tf_agents_own_check_is_passed_and_a_seed_decides_the_episodes() -> None:
    from tf_agents.environments import utils

    utils.validate_py_environment(GymnasiumPyEnvironment("CartPole-v1"), episodes=3)
    env = GymnasiumPyEnvironment("CartPole-v1", render_mode="rgb_array")
    seen = []
    for _ in range(2):
        env.seed(7)
        seen.append(env.reset().observation)
    np.testing.assert_array_equal(*seen)
    assert env.render().shape[2] == 3 and isinstance(env.gym, gym.Env)
    env.close()
