"""Noise on weights: as the paper has it, new for every pass, the same in NumPy, none where nobody asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from same_bits import assert_resumes_to_the_bit
from small_dqn import SMALL

from rlgen import state
from rlgen.agents.dqn import DQN
from rlgen.agents.noisy import scaled
from rlgen.agents.q_network import QNetwork
from rlgen.networks import Options, small_initializer
from rlgen.spec import Spec

VECTOR = Spec((9,))
NOISY: dict[str, Any] = {**SMALL, "noisy": True, "epsilon": 0.0}


def agent(*, engine: str = "compiled", seed: int = 0, **changes: Any) -> DQN:
    return DQN(problem="CartPole-v1", config=DQN.Config.build({**NOISY, **changes}), seed=seed, engine=engine)


def network(*, sigma: float | None = 0.5, observation: Spec = VECTOR, body: str = "dense", **more: Any) -> QNetwork:
    options = Options(hidden_units=(16, 12), seed=1, initialize=small_initializer)
    return QNetwork(
        observation=observation,
        actions=3,
        network=body,
        options=options,
        noisy_sigma=sigma,
        **{"dueling": "mean", **more},
    )


def seen(count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 9)).astype(np.float32)


def normal(net: QNetwork, seed: int = 0) -> np.ndarray:
    assert net.noise is not None
    return np.random.default_rng(seed).standard_normal(net.noise.size, np.float32)


def test_the_root_keeps_the_sign() -> None:
    expected = [-2, 0, 3]
    np.testing.assert_array_equal(scaled(np.array([-4.0, 0.0, 9.0])), expected)
    np.testing.assert_array_equal(scaled(tf.constant([-4.0, 0.0, 9.0])), expected)


def test_everything_starts_as_in_the_paper() -> None:
    net = network()
    shapes = {
        layer.kernel.shape for part in (net.body, net.value_stream, net.action_stream) for layer in part.layers[1:]
    }
    assert shapes == {(9, 16), (16, 12), (12, 1), (12, 3)}
    assert net.noise is not None and net.noise.size == sum(map(sum, [(9, 16), (16, 12), (12, 1), (16, 12), (12, 3)]))
    layer = net.body.layers[1]
    assert np.abs(layer.kernel.numpy()).max() <= 1 / 3
    assert 0 < np.abs(layer.bias.numpy()).max() <= 1 / 3
    for sigma in net.sigmas[:2]:
        np.testing.assert_allclose(sigma, 0.5 / 3, rtol=1e-6)
    assert net.noise.mean_sigma() == pytest.approx(np.concatenate([s.numpy().ravel() for s in net.sigmas]).mean())
    # They learn, are saved, and follow from the seed.
    assert {id(s) for s in net.sigmas} <= {id(v) for v in net.trainable_variables}
    for one, other in zip(net.get_weights(), network().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_layer_in_closed_form() -> None:
    options = Options(hidden_units=(), seed=1, initialize=small_initializer)
    net = QNetwork(observation=Spec((9,)), actions=3, network="dense", options=options, noisy_sigma=0.5)
    noise, x, layer = normal(net), seen(), net.action_stream.layers[-1]
    rows, columns = scaled(noise[:9]), scaled(noise[9:])
    kernel = layer.kernel.numpy() + 0.5 / 3 * np.outer(rows, columns)
    bias = layer.bias.numpy() + 0.5 / 3 * columns
    np.testing.assert_allclose(net(x, noise), x @ kernel + bias, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "more", [{}, {"dueling": "none"}, {"atoms": (4,)}, {"atoms": (4,), "dueling": "none"}], ids=str
)
def test_the_mirror_has_the_same_noise(more) -> None:
    net = network(**more)
    x, noise = seen(), normal(net)
    np.testing.assert_allclose(net.on_host(x, noise), net(x, noise), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(net.on_host(x), net(x), rtol=1e-4, atol=1e-5)
    assert not np.allclose(net.on_host(x, noise), net.on_host(x), atol=1e-3)
    for sigma in net.sigmas:
        sigma.assign(tf.zeros_like(sigma))
    state.touch()
    np.testing.assert_array_equal(net.on_host(x, noise), net.on_host(x))


def test_convolutions_have_none_and_pictures_are_acted_on_by_a_program() -> None:
    net = network(observation=Spec((6, 6, 1), "uint8"), body="small_cnn")
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 1), np.uint8)
    noise = normal(net)
    np.testing.assert_allclose(net.on_host(picture, noise), net(picture, noise), rtol=1e-4, atol=1e-5)
    assert not np.allclose(net.on_host(picture, noise), net.on_host(picture), atol=1e-4)
    assert len(net.sigmas) == 2 * 5


def test_without_noise_there_is_nothing_of_it() -> None:
    net = network(sigma=None)
    assert net.noise is None and not hasattr(net, "sigmas")
    means = [w for w in network().get_weights() if w.ndim == 2][len(network().sigmas) // 2 :]
    for one, other in zip((w for w in net.get_weights() if w.ndim == 2), means, strict=True):
        np.testing.assert_array_equal(one, other)


# ---- in an agent --------------------------------------------------------------------------------------


def test_every_step_on_the_compiled_engine_has_noise_of_its_own() -> None:
    trained = agent()
    drawn, seed = trained.exploration_noise, tf.constant([3, 5])
    _, noise = drawn(32, seed)
    size = trained.online.noise.size  # type: ignore[union-attr]
    assert noise.shape == (32, size)
    assert len({row.tobytes() for row in noise.numpy()}) == 32
    assert noise.numpy().std() == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(noise, drawn(32, seed)[1])
    assert not np.array_equal(noise, drawn(32, seed + tf.constant([0, 1]))[1])


def test_passes_and_updates_have_noise_of_their_own() -> None:
    trained = agent(double=True)
    trained._build()
    made = [each.numpy() for number in (1, 2) for (each,) in trained.noise_of(tf.constant(number, tf.int64))]
    assert len(made) == 6 and len({each.tobytes() for each in made}) == 6
    again = [each.numpy() for (each,) in trained.noise_of(tf.constant(1, tf.int64))]
    np.testing.assert_array_equal(made[:3], again)


def test_noise_is_not_frozen_into_the_programs() -> None:
    """Weights that do not learn, acted with in a compiled program: only noise can change what it thinks best."""
    trained = agent(learning_starts_env_steps=10_000, replay_capacity=4096, num_envs=1, noisy_sigma=20.0)
    trained.train(96)
    first = state.read(trained.state())["replay/action"].ravel()
    trained.train(96)
    second = state.read(trained.state())["replay/action"].ravel()[96:]
    assert 10 < first.sum() < 86 and not np.array_equal(first, second)


def test_the_host_draws_anew_for_every_step() -> None:
    trained = agent(engine="gymnasium", noisy_sigma=20.0)
    trained._build()
    x = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    actions = np.array([trained.explore_on_host(x, 0) for _ in range(64)])
    assert len({row.tobytes() for row in actions}) > 4
    # Evaluating draws nothing.
    before = trained.generator.bit_generator.state
    assert len({trained.policy(x).tobytes() for _ in range(8)}) == 1
    np.testing.assert_array_equal(trained.values(x), trained.values(x))
    assert trained.generator.bit_generator.state == before


def test_what_is_best_is_by_the_mean_weights() -> None:
    trained = agent(noisy_sigma=20.0)
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    np.testing.assert_array_equal(trained.policy(x), trained.online(x).numpy().argmax(-1))
    np.testing.assert_allclose(trained.values(x), trained.online(x).numpy().max(-1), rtol=1e-5)


def test_noise_learns_and_is_resumed_to_the_bit() -> None:
    trained = agent(distribution="categorical", atoms=5, double=True)
    before = [s.numpy() for s in trained.online.sigmas]
    assert_resumes_to_the_bit(trained, parts=(20,), rest=108)
    scalars = trained.train(64)
    assert any((s.numpy() != b).any() for s, b in zip(trained.online.sigmas, before, strict=True))
    assert scalars["train/noise_sigma"] == pytest.approx(trained.online.noise.mean_sigma())  # type: ignore[union-attr]
    assert scalars["rollout/exploration_rate"] == 0


def test_the_host_engine_gives_the_same_bits_too() -> None:
    trained = agent(engine="gymnasium")
    trained.train(128)
    whole = state.read(trained.state())
    trained.reseed(0)
    for steps in (20, 44, 64):
        trained.train(steps)
    again = state.read(trained.state())
    assert {name for name in whole if whole[name].tobytes() != again[name].tobytes()} == set()
