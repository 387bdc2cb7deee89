"""Atari: the two ways in which a game is stepped are one, frame by frame, and a protocol is what it says."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from rlgen.envs import atari
from rlgen.envs.atari_wrappers import LifeLoss, channels_last
from rlgen.envs.host import OfVector
from rlgen.envs.making import Environments
from rlgen.errors import UnknownName, UserError
from rlgen.spec import Stack

# Without chance: no sticky actions, and games that begin at once.
EXACT = "noop_max=0&repeat_action_probability=0"
# Goes on in the wrappers of Gymnasium instead of the vector environment, and changes nothing else.
NO_LIMIT = ("time_limit:100000",)


def actions(count: int, *, of: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, of, (count, 1))


def both(name: str) -> tuple[Any, Any]:
    """The vector environment that is learned in, and the wrappers around Gymnasium's."""
    return (Environments(name, wrappers=wrappers).training(num_envs=1, seed=0) for wrappers in ((), NO_LIMIT))


@pytest.mark.parametrize(
    ("name", "steps", "ends"),
    [
        (f"ALE/Breakout-v5?{EXACT}&life_loss=true&fire_reset=true", 300, 5),
        (f"ALE/Breakout-v5?{EXACT}&stack=2&size=40&clip_reward=false", 250, 1),
        (f"ALE/Pong-v5?{EXACT}&full_action_space=true&frameskip=3&max_num_frames_per_episode=120", 100, 2),
        (f"ALE/SpaceInvaders-v5?{EXACT}&grey=false&frameskip=6", 60, 0),
    ],
    ids=["lives are episodes", "whole games", "cut by time", "in colour"],
)
def test_both_ways_show_the_same_frames_rewards_and_ends(name: str, steps: int, ends: int) -> None:
    fast, slow = both(name)
    assert type(fast) is not type(slow)
    np.testing.assert_array_equal(fast.observation, slow.observation)
    found = 0
    for action in actions(steps, of=4):
        one, other = fast.step(action), slow.step(action)
        for field in ("reward", "terminated", "truncated", "observation"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field)
        if not one.over[0]:
            # Behind a game's end the vector environment tells what was seen last, of which nobody learns.
            np.testing.assert_array_equal(one.final_observation, one.observation)
        else:
            np.testing.assert_array_equal(one.final_observation, other.final_observation)
        found += int(one.terminated[0] | one.truncated[0])
    assert found >= ends


def test_what_is_reported_are_whole_games_and_their_own_rewards() -> None:
    fast, slow = both(f"ALE/SpaceInvaders-v5?{EXACT}&life_loss=true")
    judged = Environments(f"ALE/SpaceInvaders-v5?{EXACT}&life_loss=true").judged()
    judged.reset(seed=0)
    lives, games, paid = 0, 0, set()
    for action in actions(700, of=6, seed=1):
        step = fast.step(action)
        _, reward, terminated, truncated, _ = judged.step(action[0])
        assert (step.score[0], step.over[0]) == (reward, terminated or truncated)
        assert step.reward[0] == np.clip(reward, -1, 1)
        lives, games = lives + int(step.terminated[0]), games + int(step.over[0])
        paid.add(float(reward))
        if terminated or truncated:
            judged.reset()
    assert games >= 1 and lives >= 3 * games and max(paid) > 1


def test_time_that_runs_out_truncates_and_lost_lives_terminate() -> None:
    cut = Environments(f"ALE/Pong-v5?{EXACT}&max_num_frames_per_episode=40").training(num_envs=2, seed=0)
    flags = [cut.step(np.zeros(2, np.int64))[1:3] for _ in range(20)]
    assert [(bool(t[0]), bool(c[0])) for t, c in flags] == ([(False, False)] * 9 + [(False, True)]) * 2


def test_an_episode_goes_on_behind_a_lost_life() -> None:
    class Lives(gym.Env[Any, Any]):
        """Three lives, of two steps each."""

        observation_space, action_space = gym.spaces.Box(0, 9, (1,)), gym.spaces.Discrete(1)

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.time = 0
            return self._seen(), {"lives": 3}

        def step(self, action: Any) -> Any:
            self.time += 1
            lives = 3 - self.time // 2
            return self._seen(), 1.0, lives == 0, False, {"lives": lives}

        def _seen(self) -> Any:
            return np.array([self.time], np.float32)

    env = LifeLoss(Lives())
    begun, times, ends = [], [], []
    for _ in range(4):
        begun.append(int(env.reset()[0][0]))
        done = False
        while not done:
            seen, _, done, _, _ = env.step(0)
            times.append(int(seen[0]))
        ends.append(times[-1])
    assert begun == [0, 2, 4, 0] and ends == [2, 4, 6, 2]
    assert env.reset(seed=1)[0][0] == 0


@pytest.mark.parametrize("name", ["PongNoFrameskip-v4", "ALE/Pong-v5"])
def test_games_begin_differently_and_as_seeded(name: str) -> None:
    def first(seed: int) -> np.ndarray:
        envs = Environments(name).training(num_envs=4, seed=seed)
        for _ in range(30):
            envs.step(np.zeros(4, np.int64))
        return envs.observation.copy()

    one, again, other = first(3), first(3), first(4)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any() and len({each.tobytes() for each in one}) > 1


def test_names_stand_for_protocols() -> None:
    nature, machado = Environments("PongNoFrameskip-v4"), Environments("ALE/Pong-v5")
    assert nature.about.startswith("nature: ") and "not sticky" in nature.about and "a lost life ends" in nature.about
    assert machado.about.startswith("machado: ") and "sticky with 0.25" in machado.about
    assert "lost life" not in machado.about
    changed = Environments("ALE/Pong-v5?protocol=nature&noop_max=1")
    assert changed.about.startswith("nature, changed: ") and "up to 1 frames of nothing" in changed.about
    assert nature.observation.shape == machado.observation.shape == (84, 84, 4)
    assert nature._source.stack == Stack(4, "zero")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ALE/Pongg-v5", "There is no game 'Pongg'. Did you mean 'ALE/Pong-v5'"),
        ("BreakotNoFrameskip-v4", "Did you mean 'BreakoutNoFrameskip-v4'"),
        ("Pong-v4", "2 to 4 frames, as chance has it.*Write PongNoFrameskip-v4"),
        ("PongDeterministic-v4", "every fourth frame.*ALE/Pong-v5"),
        ("PongNoFrameskip-v0", "every frame, with sticky actions"),
        ("Pong-ram-v4", "ale_py:ALE/Pong-v5.obs_type=ram"),
        ("ALE/Pong-v4", "the version is v5"),
        ("ALE/Pong-v5?protocol=natur", "Did you mean 'nature'"),
        ("ALE/Pong-v5?noop=3", "no argument 'noop'. Did you mean 'noop_max'"),
        ("ALE/Pong-v5?frameskip=0", "frameskip=0: it has to lie between 1 and 60"),
        ("ALE/Pong-v5?repeat_action_probability=2", "between 0 and 1"),
        ("ALE/Pong-v5?size=4", "between 8 and 210"),
    ],
)
def test_a_wrong_name_is_told_what_it_would_mean_and_how_to_write_it(name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Environments(name)


def test_names_of_others_are_left_to_them() -> None:
    assert atari.find("CartPole-v1") is None and atari.find("CartPole-v0") is None
    assert atari.find("MiniGrid-Empty-5x5-v0") is None
    raw = Environments("ale_py:ALE/Pong-v5")
    assert raw.observation.shape == (210, 160, 3) and raw.about == ""
    with pytest.raises(UnknownName):
        Environments("Pung-v7")


def test_films_are_in_colour_and_as_fast_as_the_console() -> None:
    env = Environments("ALE/Breakout-v5").judged(render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (210, 160, 3) and env.metadata["render_fps"] == 15
    env.close()


def test_stacks_become_channels_oldest_first() -> None:
    grey = np.arange(2 * 3 * 2 * 2, dtype=np.uint8).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(channels_last(grey), np.moveaxis(grey, 1, -1))
    colours = np.arange(2 * 2 * 2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 2, 2, 3)
    found = channels_last(colours)
    assert found.shape == (2, 2, 2, 6)
    np.testing.assert_array_equal(found[..., 3:], colours[:, 1])


def test_infos_of_others_are_not_taken_for_what_is_reported() -> None:
    class Scored(gym.vector.SyncVectorEnv):
        def step(self, actions: Any) -> Any:
            *rest, info = super().step(actions)
            return *rest, {**info, "score": "high", "over": None}

    def make() -> Any:
        return Scored([lambda: gym.make("CartPole-v1")], autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)

    step = OfVector(make, seed=0).step(np.zeros(1, np.int64))
    assert step.score is None and step.over is None
