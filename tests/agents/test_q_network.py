"""Dueling identities, and the mirror."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rlgen.agents.books import BookQNetwork
from rlgen.agents.q_network import QNetwork, combine_streams
from rlgen.networks import Options, small_initializer
from rlgen.spec import Spec


def network(kind: type[QNetwork] = QNetwork, **changes) -> QNetwork:
    fields = {"dueling": "mean", "hidden_units": (8, 8, 5), "activation": "relu", "seed": 1, **changes}
    options = Options(
        hidden_units=fields["hidden_units"],
        activation=fields["activation"],
        seed=fields["seed"],
        initialize=small_initializer,
    )
    layers = {"stream_layers": fields["stream_layers"]} if "stream_layers" in fields else {}
    return kind(
        observation=Spec((3,)), actions=4, network="dense", dueling=fields["dueling"], options=options, **layers
    )


def test_the_mean_over_actions_is_the_value() -> None:
    value, advantage = tf.constant([[1.0], [2.0]]), tf.constant([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]])
    q = combine_streams(value, advantage, "mean")
    np.testing.assert_allclose(tf.reduce_mean(q, -1), [1, 2], rtol=1e-6)
    # The mean is that of each state: another state's advantages change nothing.
    np.testing.assert_allclose(combine_streams(value[:1], advantage[:1], "mean"), q[:1])


def test_the_best_action_is_worth_the_value() -> None:
    q = combine_streams(tf.constant([[1.0]]), tf.constant([[1.0, 2.0, 6.0]]), "max")
    np.testing.assert_allclose(q, [[-4, -3, 1]])


def test_a_constant_added_to_the_advantages_changes_nothing() -> None:
    value, advantage = tf.constant([[1.0]]), tf.constant([[1.0, 2.0, 6.0]])
    for kind in ("mean", "max"):
        same = combine_streams(value, advantage + 100.0, kind)
        np.testing.assert_allclose(same, combine_streams(value, advantage, kind), rtol=1e-5)


def test_the_plain_sum_does_not_tell_value_from_advantage() -> None:
    value, advantage = tf.constant([[1.0], [2.0]]), tf.constant([[1.0, 2.0], [0.0, 3.0]])
    q = network(BookQNetwork, dueling="sum").combine
    np.testing.assert_array_equal(q(value, advantage), [[2, 3], [2, 5]])
    np.testing.assert_array_equal(q(value + 1, advantage - 1), [[2, 3], [2, 5]])


def test_the_mean_of_the_batch_depends_on_the_company() -> None:
    value, advantage = tf.constant([[1.0], [2.0]]), tf.constant([[1.0, 3.0], [5.0, 7.0]])
    q = network(BookQNetwork, dueling="batch_mean").combine
    np.testing.assert_array_equal(q(value, advantage), [[-2, 0], [3, 5]])
    np.testing.assert_array_equal(q(value[:1], advantage[:1]), combine_streams(value[:1], advantage[:1], "mean"))


def test_acting_takes_each_state_for_a_batch_of_its_own() -> None:
    net = network(BookQNetwork, dueling="batch_mean")
    x = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    one_by_one = np.concatenate([net(x[i : i + 1]).numpy() for i in range(7)])
    np.testing.assert_allclose(net.on_host(x), one_by_one, rtol=1e-5, atol=1e-6)
    # The best action is the same in any company.
    np.testing.assert_array_equal(net(x).numpy().argmax(-1), one_by_one.argmax(-1))


@pytest.mark.parametrize(
    ("dueling", "activation", "stream_layers"),
    list(itertools.product(["none", "mean", "max", "sum"], ["relu", "tanh", "elu", "selu"], [0, 1, 9])),
)
def test_the_mirror_is_the_same_function(dueling, activation, stream_layers) -> None:
    net = network(BookQNetwork, dueling=dueling, activation=activation, stream_layers=stream_layers)
    x = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    np.testing.assert_allclose(net.on_host(x), net(x).numpy(), rtol=1e-5, atol=1e-6)
    assert net(x).shape == (7, 4)


def test_same_seed_same_weights() -> None:
    first, second, other = network(), network(), network(seed=2)
    for a, b, c in zip(first.get_weights(), second.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.ndim == 1 or not np.array_equal(a, c)


def test_the_last_of_the_hidden_layers_is_each_streams_own() -> None:
    shapes = [weight.shape for weight in network(hidden_units=(8, 6)).get_weights() if weight.ndim == 2]
    assert shapes == [(3, 8), (8, 6), (6, 1), (8, 6), (6, 4)]
