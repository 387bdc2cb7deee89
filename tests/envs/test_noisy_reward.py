"""The reward is N(1, std) on both engines, and nothing else changes."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf

from rlgen.envs.compiled.cartpole import CartPole
from rlgen.envs.noisy_reward import CompiledNoisyReward, HostNoisyReward


@pytest.mark.parametrize("std", [0.0, 2.0])
def test_compiled(std: float) -> None:
    plain, noisy = CartPole(), CompiledNoisyReward(CartPole(), std=std)
    state, action = noisy.reset(50_000, tf.constant([1, 2])), tf.zeros((50_000,), tf.int32)
    successor, reward, terminated = noisy.step(state, action, tf.constant([3, 4]))
    expected, _, expected_end = plain.step(state, action, tf.constant([3, 4]))
    np.testing.assert_array_equal(successor, expected)
    np.testing.assert_array_equal(terminated, expected_end)
    assert reward.numpy().mean() == pytest.approx(1, abs=5 * std / np.sqrt(50_000) + 1e-6)
    assert reward.numpy().std() == pytest.approx(std, rel=0.02, abs=1e-6)


def test_on_the_host_the_noise_is_the_environments_own() -> None:
    def rewards(seed: int) -> list[float]:
        env = HostNoisyReward(gym.make("CartPole-v1"), std=1.0)
        env.reset(seed=seed)
        return [float(env.step(i % 2)[1]) for i in range(8)]

    assert rewards(1) == rewards(1)
    assert rewards(1) != rewards(2)
    drawn = np.concatenate([rewards(seed) for seed in range(300)])
    assert drawn.mean() == pytest.approx(1, abs=0.1)
    assert drawn.std() == pytest.approx(1, abs=0.1)
