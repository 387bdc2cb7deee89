"""How environments are made: engines, wrappers by name, vector environments of their own, pictures."""

from __future__ import annotations

from typing import Any

import any_spaces
import numpy as np
import pytest
import tensorflow as tf
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rlgen import registry, state
from rlgen.envs.making import Environments
from rlgen.errors import UnknownName, UserError
from rlgen.sources import wrapper

SEED = tf.constant([1, 2])


def host_run(wrappers: tuple[str, ...], actions: np.ndarray) -> tuple[np.ndarray, ...]:
    """Observations, rewards and ends of CartPole with scripted actions, begun where the compiled one begins."""
    envs = Environments("CartPole-v1", wrappers=wrappers, engine="compiled")
    compiled = envs.compiled()
    inner = compiled
    while hasattr(inner, "env"):
        inner = inner.env
    at = compiled.reset(1, SEED)
    first = inner.reset(1, SEED).numpy()[0]
    env = envs._wrapped(envs._source.make(), envs._training)
    env.reset(seed=0)
    env.unwrapped.state = first.astype(np.float64)
    rows = []
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(int(action))
        at, their_reward, their_end = compiled.step(at, tf.constant([action]), SEED)
        rows.append(
            (observation, compiled.observe(at)[0].numpy(), reward, float(their_reward[0]), terminated or truncated)
        )
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def test_compiled_wrappers_do_what_those_on_the_host_do() -> None:
    actions = np.array([0, 1, 1, 0, 1, 0])
    ours, theirs, reward, their_reward, _ = host_run(("clip_reward:0.25",), actions)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_array_equal(reward, [0.25] * 6)
    np.testing.assert_array_equal(their_reward, reward)
    ours, theirs, *_ = host_run(("frame_stack:3",), actions)
    assert ours.shape == (6, 12)
    # The first frames differ: the environment on the host was moved after its reset.
    np.testing.assert_allclose(ours[2:], theirs[2:], atol=1e-5)
    np.testing.assert_array_equal(theirs[2, :8], theirs[1, 4:])
    *_, ended = host_run(("time_limit:4",), actions[:4])
    np.testing.assert_array_equal(ended, [False, False, False, True])
    assert Environments("CartPole-v1", wrappers=("time_limit:4",)).compiled().max_episode_steps == 4
    assert Environments("CartPole-v1", wrappers=("time_limit:4000",)).compiled().max_episode_steps == 500


def judged_steps(envs: Environments, count: int) -> list[tuple[float, bool, bool]]:
    """Reward, terminated and truncated of the first steps of an episode that an agent is judged by."""
    judged = envs.judging(num_envs=1)
    judged.reset(0, seed=0)
    steps = [judged.step([0], np.zeros(1, np.int64))[1:] for _ in range(count)]
    return [tuple(field[0].item() for field in step) for step in steps]


def test_what_is_for_training_is_left_out_where_an_agent_is_judged() -> None:
    envs = Environments(
        "CartPole-v1", wrappers=("noisy_reward:5", "clip_reward:0.5", "time_limit:3"), engine="gymnasium"
    )
    learned = envs.training(num_envs=2, seed=0)
    assert max(np.abs(learned.step(np.array([0, 1])).reward).max() for _ in range(3)) <= 0.5
    assert judged_steps(envs, 3) == [(1.0, False, False), (1.0, False, False), (1.0, False, True)]


def test_physics_are_drawn_inside_whatever_stands_around_them() -> None:
    envs = Environments("CartPole-v1", wrappers=("noisy_reward:1", "frame_stack:2", "randomize?gravity=8:12"))
    compiled = envs.compiled()
    assert compiled.observation_space.shape == (8,)
    at = compiled.reset(5, SEED)
    successor, reward, _ = compiled.step(at, tf.zeros((5,), tf.int32), SEED)
    assert compiled.observe(successor).shape == (5, 8) and len(set(reward.numpy())) == 5


def test_a_wrapper_for_gymnasium_alone_decides_the_engine() -> None:
    assert Environments("CartPole-v1").engine == "compiled"
    envs = Environments("CartPole-v1", wrappers=("TimeAwareObservation",))
    assert envs.engine == "gymnasium" and envs.observation.size == 5
    with pytest.raises(UserError, match="'TimeAwareObservation' cannot wrap a compiled environment"):
        Environments("CartPole-v1", wrappers=("TimeAwareObservation",), engine="compiled")


def test_wrappers_of_others_by_name_with_arguments() -> None:
    scaled = Environments("Pendulum-v1", wrappers=("RescaleAction?min_action=-0.5&max_action=0.5",))
    np.testing.assert_array_equal(scaled.action_space.high, [0.5])
    by_module = Environments("CartPole-v1", wrappers=("gymnasium.wrappers:TimeLimit?max_episode_steps=2",))
    assert by_module.engine == "gymnasium"
    assert [truncated for *_, truncated in judged_steps(by_module, 2)] == [False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tim_limit:5", "no wrapper 'tim_limit'. Did you mean 'time_limit'"),
        ("time_limit", "lacks steps. Write time_limit:<steps>"),
        ("time_limit:soon", "steps='soon' is not a whole number"),
        ("time_limit:0", "leaves no step"),
        ("time_limit?step=5", "has no argument 'step'. Did you mean 'steps'"),
        ("frame_stack:0", "observes nothing"),
        ("noisy_reward:-1", "negative"),
        ("randomize?gravity", "'gravity' is not key=value"),
        ("no.such.module:Wrapper", "cannot be imported"),
        (":5", "begins with no name"),
    ],
)
def test_wrappers_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        wrapper(text)
    with pytest.raises(UserError):
        Environments("CartPole-v1", wrappers=(text,))


def test_stacked_observations_have_to_be_arrays() -> None:
    with pytest.raises(UserError, match="puts arrays side by side"):
        Environments("FrozenLake-v1", wrappers=("frame_stack:2",))


class Counted(any_spaces.AnySpaces):
    """Comes as a vector environment too."""

    mode = AutoresetMode.SAME_STEP

    def __init__(self, **options: Any) -> None:
        super().__init__(any_spaces.BOX, spaces.Discrete(2))

    @classmethod
    def make_vector(cls, num_envs: int) -> SyncVectorEnv:
        made = SyncVectorEnv([cls] * num_envs, autoreset_mode=cls.mode)
        made.brought = True
        return made


class Late(Counted):
    mode = AutoresetMode.NEXT_STEP


def test_a_vector_environment_of_its_own_is_used_as_it_is(clean_registry: None) -> None:
    registry.register("env", "Counted-v0")(Counted)
    registry.register("env", "Late-v0")(Late)
    envs = Environments("Counted-v0").training(num_envs=3, seed=0)
    assert envs._envs.brought
    ends = [bool(envs.step(np.zeros(3, np.int64)).terminated[0]) for _ in range(10)]
    assert ends == [False, False, False, False, True] * 2
    assert not hasattr(
        Environments("Counted-v0", wrappers=("time_limit:3",)).training(num_envs=3, seed=0)._envs, "brought"
    )
    with pytest.raises(UserError, match="make it with autoreset_mode=AutoresetMode.SAME_STEP"):
        Environments("Late-v0").training(num_envs=2, seed=0)


def test_an_unknown_name_lists_where_to_look() -> None:
    with pytest.raises(UnknownName, match="rlgen list --kind wrapper"):
        wrapper("qqqq")


SCREEN, PLANES = spaces.Box(0, 255, (40, 40, 3), np.uint8), spaces.Box(0, 1, (10, 10, 4), np.bool_)
CHOICE, FORCE = spaces.Discrete(3), spaces.Box(-1, 1, (2,), np.float32)


@pytest.mark.parametrize("seen", [SCREEN, PLANES], ids=["bytes", "planes"])
@pytest.mark.parametrize(
    ("agent", "actions"),
    [
        ("dueling_dqn", CHOICE),
        ("a2c", CHOICE),
        ("ppo", FORCE),
        ("discrete_sac", CHOICE),
        ("sac", FORCE),
        ("td3", FORCE),
    ],
)
def test_pictures_reach_the_networks_as_they_are(agent: str, actions: Any, seen: Any, uncompiled: None) -> None:
    cls = registry.load(agent)
    with any_spaces.registered("Seen-v0", seen, actions) as problem:
        trained = any_spaces.tiny(cls, problem)
        any_spaces.use(trained)
        assert trained.observation.dtype == str(seen.dtype)
        arrays = state.read(trained.state())
        assert arrays.get("replay/observation", np.zeros(0, seen.dtype)).dtype == seen.dtype
        if hasattr(cls.Config(), "normalize_observations"):
            with pytest.raises(UserError, match="leave normalize_observations out"):
                any_spaces.tiny(cls, problem, normalize_observations=True)


def test_one_number_is_a_constant_of_the_physics() -> None:
    compiled = Environments("CartPole-v1", wrappers=("randomize?length=0.7",)).compiled()
    assert compiled.env.length == 0.7


def test_planes_of_zeros_and_ones_reach_a_host_as_planes() -> None:
    with any_spaces.registered("Planes-v0", spaces.MultiBinary((10, 10, 4)), CHOICE) as problem:
        seen = Environments(problem).training(num_envs=2, seed=0).observation
    assert (seen.shape, seen.dtype) == ((2, 10, 10, 4), bool)


def test_a_wrapper_of_rlgens_kind_in_a_module_works_on_both_engines() -> None:
    envs = Environments("CartPole-v1", wrappers=("rlgen.envs.wrappers:TimeLimit?steps=4",))
    assert envs.engine == "compiled" and envs.compiled().max_episode_steps == 4


def test_gymnasiums_wrappers_take_their_main_argument_by_a_colon_too() -> None:
    envs = Environments("Pendulum-v1", wrappers=("RescaleAction:-1?max_action=1",), engine="gymnasium")
    np.testing.assert_array_equal(envs.action_space.low, [-1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vector", "There is no wrapper 'vector'"),
        ("GrayscaleObservation", "The wrapper 'GrayscaleObservation' does not go around this environment"),
    ],
)
def test_what_a_strangers_wrapper_raises_is_told_in_words(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Environments("CartPole-v1", wrappers=(text,))
