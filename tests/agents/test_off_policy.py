"""When off-policy agents update, and what they learn from: counted on episodes of known length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlgen import state
from rlgen.agents.dqn import DQN
from rlgen.errors import UserError

EPISODE = 7  # A pole needs 8 steps at least to fall.
BY_EPISODES: dict[str, Any] = {
    "num_envs": 1,
    "hidden_units": (4,),
    "batch_size": 4,
    "max_episode_steps": EPISODE,
    "learning_starts_env_steps": 0,
    "train_every_env_steps": 1,
    "train_at_episode_end": True,
    "updates_per_train": 3,
    "target_update_every_updates": 6,
}


def agent(engine: str, **changes: Any) -> DQN:
    return DQN(problem="CartPole-v1", config=DQN.Config.build({**BY_EPISODES, **changes}), seed=0, engine=engine)


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_updates_at_the_ends_of_episodes(engine: str) -> None:
    trained = agent(engine)
    counted = [int(trained.train(steps)["counters/updates"]) for steps in (6, 1, 5, 9)]
    assert counted == [0, 3, 3, 9]
    assert int(trained.episodes) == 3
    # After 6 updates, two episodes, the target was copied; the third episode's updates it has not seen.
    pairs = list(zip(trained.online.get_weights(), trained.target.get_weights(), strict=True))
    assert any(not np.array_equal(a, b) for a, b in pairs)
    trained.train(EPISODE)
    pairs = list(zip(trained.online.get_weights(), trained.target.get_weights(), strict=True))
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_the_first_updates_wait_for_enough_steps() -> None:
    assert agent("compiled", learning_starts_env_steps=EPISODE + 1).train(3 * EPISODE)["counters/updates"] == 2 * 3


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_epsilon_by_episodes(engine: str) -> None:
    """max(1 - episode / 5, .2): a line to .2 over 4 episodes."""
    trained = agent(engine, epsilon_decay_episodes=4, epsilon_end=0.2)
    rates = [trained.train(steps)["rollout/exploration_rate"] for steps in (6, 1, 6, 8, 30)]
    np.testing.assert_allclose(rates, [1, 0.8, 0.8, 0.4, 0.2], rtol=1e-6)


@pytest.mark.parametrize("engine", ["compiled", "gymnasium"])
def test_rewards_and_ends_change_for_the_learner_alone(engine: str) -> None:
    for changes, reward, terminated in (({}, 1.0, 0), ({"reward_scale": 0.5, "time_limits_terminate": True}, 0.5, 2)):
        trained = agent(engine, **changes)
        scalars = trained.train(2 * EPISODE)
        assert scalars["rollout/ep_rew_mean"] == EPISODE
        ring = state.read(trained.state())
        assert set(ring["replay/reward"].ravel()) == {np.float32(reward)}
        assert ring["replay/terminated"].sum() == terminated
        assert ring["replay/truncated"].sum() == 2 - terminated


def test_values_are_in_the_environments_units() -> None:
    observation = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    plain, scaled = agent("compiled"), agent("compiled", reward_scale=0.01)
    np.testing.assert_allclose(scaled.values(observation), 100 * plain.values(observation), rtol=1e-5)


def test_resuming_by_episodes_is_to_the_bit() -> None:
    whole, cut, resumed = (agent("compiled", epsilon_decay_episodes=9) for _ in range(3))
    whole.train(60)
    cut.train(25)
    state.write(resumed.state(), state.read(cut.state()))
    resumed.train(35)
    first, second = state.read(whole.state()), state.read(resumed.state())
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_envs": 2, "train_every_env_steps": 2}, "num_envs=1 and train_every_env_steps=1"),
        ({"train_every_env_steps": 4}, "num_envs=1 and train_every_env_steps=1"),
        ({"train_at_episode_end": False, "epsilon_decay_episodes": 5}, "train_at_episode_end=true"),
        ({"epsilon_decay_episodes": 5, "epsilon_decay_env_steps": 5}, "two clocks"),
        ({"epsilon_decay_episodes": 5, "epsilon_schedule": "asymptotic"}, "linear schedule"),
        ({"reward_scale": 0}, "out of range"),
    ],
)
def test_what_contradicts_itself(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        DQN.Config.build({**BY_EPISODES, **changes})
