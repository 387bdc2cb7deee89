"""TF-Agents' REINFORCE and PPO on our rollouts: what they are shown, in closed form, and the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from same_bits import assert_resumes_to_the_bit

from rlgen import registry
from rlgen.agents.advantages import gae
from rlgen.agents.trajectory import Transitions

SMALL: dict[str, Any] = {"num_envs": 3, "rollout_steps": 8, "hidden_units": (8,)}


def agent(name: str, *, problem: str = "CartPole-v1", engine: str = "compiled", **changes: Any) -> Any:
    cls = registry.load(f"tf_agents/{name}", ("agent",))
    config = cls.Config.build({**SMALL, **changes}, preset="default")
    return cls(problem=problem, config=config, seed=0, engine=engine)


def rows(terminated: Any, truncated: Any) -> Transitions:
    """Random ones, [T, N], of CartPole's shape."""
    random, shape = np.random.default_rng(0), np.shape(terminated)
    seen, beyond = random.normal(size=(2, *shape, 4)).astype(np.float32)
    going_on = ~np.asarray(terminated | truncated)[:-1, :, None]
    following = np.concatenate([np.where(going_on, seen[1:], beyond[:-1]), beyond[-1:]])
    return Transitions(
        tf.constant(seen),
        tf.constant(random.integers(2, size=shape), tf.int32),
        tf.constant(random.normal(size=shape), tf.float32),
        tf.constant(terminated),
        tf.constant(truncated),
        tf.constant(following),
    )


def ends(*places: tuple[int, int]) -> Any:
    """Where [8, 3] steps end an episode."""
    done = np.zeros((8, 3), bool)
    for t, n in places:
        done[t, n] = True
    return done


def test_advantages_of_ppo_are_ours_terminations_and_time_limits_included() -> None:
    trained = agent("ppo", gae_lambda=0.9, discount=0.97)
    trained.state()
    given = rows(ends((2, 0), (7, 1)), ends((4, 1), (7, 2)))
    processed = trained.agent._preprocess(trained.experience(given))

    def value(seen: Any) -> Any:
        flat = tf.reshape(seen, (-1, 4))
        return tf.reshape(trained.value_network(flat, trained.time_step(flat).step_type)[0], seen.shape[:2])

    expected = gae(
        given.reward,
        value(given.observation),
        value(given.next_observation),
        given.terminated,
        given.truncated,
        discount=0.97,
        gae_lambda=0.9,
    )
    found = tf.transpose(processed.policy_info["advantage"])
    # Where an episode ends within the rollout the next row is the beginning of another: TF-Agents takes it for what
    # follows, and multiplies it by 0.
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found[-1], 0)


def test_what_follows_a_first_episode_teaches_reinforce_nothing() -> None:
    trained = agent("reinforce")
    trained.state()
    given = rows(ends((2, 0), (5, 0), (6, 2)), ends((7, 1)))
    other = given._replace(reward=tf.tensor_scatter_nd_add(given.reward, [[3, 0], [7, 2], [7, 0]], [9.0, 9.0, 9.0]))
    losses = []
    for each in (given, other):
        experience = trained.experience(each)
        returns = tf.transpose(each.reward)
        losses.append(float(trained.agent.total_loss(experience, returns, weights=None).loss))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    advantage = trained._advantage(tf.transpose(given.reward), None).numpy()
    first = trained.first.numpy()
    assert first.sum(1).tolist() == [3, 8, 7]
    assert advantage[first].mean() == pytest.approx(0, abs=1e-6) and advantage[first].std() == pytest.approx(
        1, rel=1e-4
    )
    assert not advantage[~first].any()


@pytest.mark.parametrize(("name", "changes"), [("reinforce", {"baseline": True}), ("ppo", {"epochs": 2})])
def test_same_seed_same_bits_however_it_is_cut_and_resumed(name: str, changes: dict[str, Any]) -> None:
    trained = agent(name, learning_rate="linear:start=1e-2,end=0,over=200", **changes)
    assert_resumes_to_the_bit(trained, parts=(24, 48), rest=48)


@pytest.mark.parametrize("name", ["reinforce", "ppo"])
def test_both_engines_and_both_kinds_of_actions_learn_and_report(name: str, uncompiled: None) -> None:
    changes = {"epochs": 2} if name == "ppo" else {}
    for problem in ("CartPole-v1", "Pendulum-v1"):
        for engine in ("compiled", "gymnasium"):
            scalars = agent(name, problem=problem, engine=engine, **changes).train(24)
            assert scalars["work/updates"] == 1
            assert {"train/loss", "train/policy_loss"} <= scalars.keys()
            assert all(np.isfinite(value) for value in scalars.values())


def test_actions_outside_the_bounds_are_clipped_on_their_way() -> None:
    trained = agent("ppo", problem="Pendulum-v1")
    np.testing.assert_allclose(trained.to_environment(np.array([[-9.0], [1.0]])), [[-2], [1]])
    np.testing.assert_allclose(trained.to_compiled_environment(tf.constant([[-9.0], [1.0]])), [[-2], [1]])
